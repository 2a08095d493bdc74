// ClassBench sets: rules and headers in the format of the field's generator, as data and as a Program.
//
// Threads: a value, read once by a perf program.
// Source:  Taylor & Turner, ClassBench (2007): "@sip/len dip/len splo : sphi dplo : dphi proto/mask flags/mask".
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/classify/program.h"

namespace drywall::perf {

inline constexpr std::uint32_t kNoRule = 0xffffffff;

struct FiveTuplePrefix {
    std::uint32_t address = 0;  // host order, bits past the length are zero
    std::uint8_t length = 0;
    [[nodiscard]] bool holds(std::uint32_t other) const noexcept {
        return length == 0 || ((address ^ other) >> (32U - length)) == 0;
    }
};

struct FiveTupleRule {
    FiveTuplePrefix source;
    FiveTuplePrefix destination;
    classify::PortRange source_ports;
    classify::PortRange destination_ports;
    std::uint8_t protocol = 0;
    std::uint8_t protocol_mask = 0;
};

struct FiveTupleHeader {
    std::uint32_t source = 0;  // host order
    std::uint32_t destination = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
    std::uint32_t first_match = kNoRule;  // index of a rule
};

[[nodiscard]] bool matches(const FiveTupleRule& rule, const FiveTupleHeader& header) noexcept;

struct FiveTupleSet {
    std::vector<FiveTupleRule> rules;
    std::vector<FiveTupleHeader> headers;
};

// Files may be packed with xz (then the `xz` program must be there).
[[nodiscard]] Result<FiveTupleSet> read_classbench(const std::filesystem::path& rules,
                                                   const std::filesystem::path& headers);

// A set like those of a perimeter, from a seed, for runs that everyone can repeat: clustered prefixes of all lengths, a
// few well-known services and a tail of rare ones. The headers' first match is found by looking at every rule.
[[nodiscard]] FiveTupleSet make_set(std::size_t rules, std::size_t headers, std::uint64_t seed);

// The generator numbers protocols freely, and gives ports to some that have none. Renames protocols one to one, in
// rules and headers alike, so that those with ports are TCP, UDP and SCTP: no answer changes. Refuses a set that gives
// ports to more than three protocols, or to all of them.
[[nodiscard]] Status rename_protocols(FiveTupleSet& set);

// The rules as one list that every packet meets: the hit of rule n is HitId{n}, of no rule HitId{rules.size()}.
// As IPv6, an address a.b.c.d is 2001:db8:a.b.c.d::.
[[nodiscard]] net::Prefix prefix_of(const FiveTuplePrefix& prefix, net::Family family);
[[nodiscard]] classify::Program program_of(const std::vector<FiveTupleRule>& rules, net::Family family);
[[nodiscard]] net::Tuple tuple_of(const FiveTupleHeader& header, net::Family family);

}  // namespace drywall::perf
