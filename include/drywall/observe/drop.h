// Drop: one dropped packet as people read it: who sent what to whom, why it died, and who decided that.
//
// Threads: values; matches() and json_of_drop() are pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "drywall/base/drop_reason.h"
#include "drywall/base/result.h"
#include "drywall/net/packet_meta.h"
#include "drywall/observe/flow_filter.h"
#include "drywall/observe/flow_group.h"

namespace drywall::observe {

struct Drop {
    WallTime time;
    std::uint16_t worker = 0;
    DropReason reason = DropReason::kNone;
    std::uint32_t length = 0;  // of the whole frame
    std::uint16_t ether_type = 0;
    // Whether `packet` says who sent it to whom. Of a packet whose headers are broken: what its IP header claims.
    bool has_addresses = false;
    bool has_service = false;  // and of which protocol it is, with its ports
    net::FragmentKind fragment = net::FragmentKind::kWhole;
    std::uint8_t tcp_flags = 0;
    bool judged = false;              // policy decided: packet.decision says how
    FlowRecord packet;                // its ingress port and generation too; nothing is counted in it
    std::vector<std::uint8_t> bytes;  // the first of the frame
};

// Which drops are meant: those of FlowFilter's flags that a single packet can answer, with their meanings, and
// --reason. A packet without addresses (it is not IP) is from nobody, to nobody and to no port.
class DropFilter {
public:
    DropFilter() = default;  // everything

    // kInvalid names the flag, what it was given and what it takes.
    [[nodiscard]] static Result<DropFilter> of(std::span<const FlowTerm> terms);

    // Every flag that there is, in the order of the manual.
    [[nodiscard]] static std::span<const FlowFlag> flags() noexcept;

    [[nodiscard]] bool matches(const Drop& drop) const;

private:
    struct Condition {
        std::string flag;
        bool negated = false;
        std::vector<FlowTerm> terms{};      // alternatives, each as if it were not negated
        std::vector<DropReason> reasons{};  // of --reason
        FlowFilter filter{};                // of all others
    };
    std::vector<Condition> conditions_;
};

// The reason of this name; kNone when there is none.
[[nodiscard]] DropReason drop_reason_named(std::string_view name) noexcept;

// What to check next when packets die by it: the last column of docs/drop-reasons.md.
[[nodiscard]] std::string_view advice(DropReason reason) noexcept;

// With the first `bytes` of the frame, in hexadecimal digits; 0: without any.
[[nodiscard]] nlohmann::ordered_json json_of_drop(const Drop& drop, std::size_t bytes);

}  // namespace drywall::observe
