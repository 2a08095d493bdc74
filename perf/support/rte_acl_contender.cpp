#include "rte_acl_contender.h"

#include <arpa/inet.h>
#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

#include "measure.h"

namespace drywall::perf {
namespace {

enum Field : std::uint8_t { kProtocol, kSource, kDestination, kSourcePort, kDestinationPort, kFields };
RTE_ACL_RULE_DEF(AclRule, kFields);

constexpr rte_acl_field_def field(std::uint8_t type, std::uint8_t size, std::uint8_t number, std::uint8_t input,
                                  std::size_t offset) {
    return {type, size, number, input, static_cast<std::uint32_t>(offset)};
}

// The first field is one byte; the others are read four bytes at a time (rte_acl's programmer's guide).
constexpr std::array<rte_acl_field_def, kFields> kDefinitions{
    field(RTE_ACL_FIELD_TYPE_BITMASK, 1, kProtocol, 0, offsetof(RteAclKey, protocol)),
    field(RTE_ACL_FIELD_TYPE_MASK, 4, kSource, 1, offsetof(RteAclKey, source)),
    field(RTE_ACL_FIELD_TYPE_MASK, 4, kDestination, 2, offsetof(RteAclKey, destination)),
    field(RTE_ACL_FIELD_TYPE_RANGE, 2, kSourcePort, 3, offsetof(RteAclKey, source_port)),
    field(RTE_ACL_FIELD_TYPE_RANGE, 2, kDestinationPort, 3, offsetof(RteAclKey, destination_port)),
};

constexpr std::array<std::pair<const char*, enum rte_acl_classify_alg>, 5> kAlgorithms{{
    {"scalar", RTE_ACL_CLASSIFY_SCALAR},
    {"sse", RTE_ACL_CLASSIFY_SSE},
    {"avx2", RTE_ACL_CLASSIFY_AVX2},
    {"avx512x16", RTE_ACL_CLASSIFY_AVX512X16},
    {"avx512x32", RTE_ACL_CLASSIFY_AVX512X32},
}};

AclRule acl_rule(const FiveTupleRule& rule, std::uint32_t number) {
    AclRule acl{};
    acl.data.category_mask = 1;
    acl.data.priority = RTE_ACL_MAX_PRIORITY - static_cast<std::int32_t>(number);
    acl.data.userdata = number + 1;
    acl.field[kProtocol].value.u8 = rule.protocol;
    acl.field[kProtocol].mask_range.u8 = rule.protocol_mask;
    acl.field[kSource].value.u32 = rule.source.address;
    acl.field[kSource].mask_range.u32 = rule.source.length;
    acl.field[kDestination].value.u32 = rule.destination.address;
    acl.field[kDestination].mask_range.u32 = rule.destination.length;
    acl.field[kSourcePort].value.u16 = rule.source_ports.first;
    acl.field[kSourcePort].mask_range.u16 = rule.source_ports.last;
    acl.field[kDestinationPort].value.u16 = rule.destination_ports.first;
    acl.field[kDestinationPort].mask_range.u16 = rule.destination_ports.last;
    return acl;
}

std::size_t eal_bytes() {
    rte_malloc_socket_stats stats{};
    std::size_t bytes = 0;
    for (int socket = 0; socket < 8; ++socket) {
        if (rte_malloc_get_socket_stats(socket, &stats) == 0) bytes += stats.heap_allocsz_bytes;
    }
    return bytes;
}

rte_acl_ctx* create(std::size_t rules) {
    static std::atomic<unsigned> contexts{0};
    const std::string name = "perf" + std::to_string(contexts++);
    rte_acl_param parameters{};
    parameters.name = name.c_str();
    parameters.socket_id = SOCKET_ID_ANY;
    parameters.rule_size = RTE_ACL_RULE_SZ(kFields);
    parameters.max_rule_num = static_cast<std::uint32_t>(rules);
    return rte_acl_create(&parameters);
}

}  // namespace

bool start_eal() {
    std::string cores = std::to_string(std::max(0, sched_getcpu()));
    std::vector<std::string> words{"perf",
                                   "-l",
                                   cores,
                                   "--no-huge",
                                   "-m",
                                   "6144",
                                   "--no-pci",
                                   "--no-telemetry",
                                   "--no-shconf",
                                   "--log-level=3",
                                   "--force-max-simd-bitwidth=512"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    return rte_eal_init(static_cast<int>(words.size()), arguments.data()) >= 0;
}

RteAclKey rte_acl_key(const FiveTupleHeader& header) noexcept {
    RteAclKey key;
    key.protocol = header.protocol;
    key.source = htonl(header.source);
    key.destination = htonl(header.destination);
    key.source_port = htons(header.source_port);
    key.destination_port = htons(header.destination_port);
    return key;
}

std::optional<RteAcl> RteAcl::build(const std::vector<FiveTupleRule>& rules, std::size_t max_size) {
    const PeakMemory peak;
    const std::size_t before = eal_bytes();
    RteAcl acl(create(rules.size()));
    if (acl.context_ == nullptr) return std::nullopt;
    const std::int64_t start = thread_nanoseconds();
    for (std::uint32_t at = 0; at < rules.size(); ++at) {
        const AclRule rule = acl_rule(rules[at], at);
        if (rte_acl_add_rules(acl.context_, reinterpret_cast<const rte_acl_rule*>(&rule), 1) != 0) return std::nullopt;
    }
    rte_acl_config config{};
    config.num_categories = 1;
    config.num_fields = kFields;
    std::copy(kDefinitions.begin(), kDefinitions.end(), config.defs);
    config.max_size = max_size;
    if (rte_acl_build(acl.context_, &config) != 0) return std::nullopt;
    acl.build_seconds = static_cast<double>(thread_nanoseconds() - start) * 1e-9;
    acl.table_bytes = eal_bytes() - before - rules.size() * sizeof(AclRule);
    acl.peak_bytes = peak.bytes();
    return acl;
}

RteAcl::RteAcl(RteAcl&& other) noexcept
    : build_seconds(other.build_seconds),
      table_bytes(other.table_bytes),
      peak_bytes(other.peak_bytes),
      context_(std::exchange(other.context_, nullptr)) {}

RteAcl& RteAcl::operator=(RteAcl&& other) noexcept {
    std::swap(context_, other.context_);
    build_seconds = other.build_seconds;
    table_bytes = other.table_bytes;
    peak_bytes = other.peak_bytes;
    return *this;
}

RteAcl::~RteAcl() { rte_acl_free(context_); }

std::vector<std::string> RteAcl::algorithms() {
    std::vector<std::string> names;
    for (const auto& [name, algorithm] : kAlgorithms) {
        if (rte_acl_set_ctx_classify(context_, algorithm) == 0) names.emplace_back(name);
    }
    return names;
}

bool RteAcl::use(const std::string& wanted) {
    for (const auto& [name, algorithm] : kAlgorithms) {
        if (name == wanted) return rte_acl_set_ctx_classify(context_, algorithm) == 0;
    }
    return false;
}

std::string RteAcl::default_algorithm() {
    std::string best = "scalar";
    for (const std::string& name : algorithms()) {
        if (name != "avx512x32") best = name;
    }
    return best;
}

void RteAcl::classify(const std::uint8_t* const* keys, std::span<std::uint32_t> results) const {
    // The array's pointee types differ by signedness of nothing: rte_acl takes `const uint8_t **`.
    (void)rte_acl_classify(context_, const_cast<const std::uint8_t**>(keys), results.data(),
                           static_cast<std::uint32_t>(results.size()), 1);
}

}  // namespace drywall::perf
