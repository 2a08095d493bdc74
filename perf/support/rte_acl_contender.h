// RteAcl: the field's own classifier on the same rules, with its best chance: every algorithm that the machine has, and
// both ways to build (max_size 0, its default, and a large one, which makes fewer tries).
//
// Threads: one. start_eal() once per process, before anything else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "classbench.h"

struct rte_acl_ctx;

namespace drywall::perf {

[[nodiscard]] bool start_eal();

// A header in network order, as the rules' fields lie in it.
struct RteAclKey {
    std::uint8_t protocol = 0;
    std::uint8_t unused[3]{};
    std::uint32_t source = 0;
    std::uint32_t destination = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
};
static_assert(sizeof(RteAclKey) == 16);

[[nodiscard]] RteAclKey rte_acl_key(const FiveTupleHeader& header) noexcept;

class RteAcl {
public:
    // Nothing when it can't build.
    [[nodiscard]] static std::optional<RteAcl> build(const std::vector<FiveTupleRule>& rules, std::size_t max_size);

    RteAcl(RteAcl&&) noexcept;
    RteAcl& operator=(RteAcl&&) noexcept;
    ~RteAcl();

    // Names of the algorithms that this machine runs; use() chooses one of them.
    [[nodiscard]] std::vector<std::string> algorithms();
    [[nodiscard]] bool use(const std::string& algorithm);
    // What DPDK takes when nobody asks for 512 bits (EAL option --force-max-simd-bitwidth).
    [[nodiscard]] std::string default_algorithm();

    // One more than the index of the first rule that matches; 0: none.
    void classify(const std::uint8_t* const* keys, std::span<std::uint32_t> results) const;

    double build_seconds = 0;
    std::size_t table_bytes = 0;
    std::size_t peak_bytes = 0;

private:
    explicit RteAcl(rte_acl_ctx* context) : context_(context) {}
    rte_acl_ctx* context_ = nullptr;
};

}  // namespace drywall::perf
