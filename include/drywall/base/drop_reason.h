// DropReason: the one list of the ways in which a packet can die. It feeds the code, the counters, the API, the CLI and
// the docs (docs/drop-reasons.md is checked against it).
//
// Invariant: every packet that a worker received was transmitted or is counted under exactly one of these:
// rx = tx + sum of drops.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// X(enumerator, name, meaning)
#define DRYWALL_DROP_REASONS(X)                                                                                    \
    X(kPolicyDeny, "policy_deny", "a rule, an end-of-tier default or a profile denied the connection")             \
    X(kUnmatched, "unmatched", "no endpoint on either side is declared, and unmatched traffic is denied")          \
    X(kNonIp, "non_ip", "not IP, and no non-ip rule of the configuration lets its ether type pass")                \
    X(kTruncated, "truncated", "a header or the length it announces reaches past the end of the frame")            \
    X(kBadHeader, "bad_header", "a header contradicts itself (version, header length, extension header chain)")    \
    X(kFragmentUnknown, "fragment_unknown", "a later fragment whose first fragment was not seen or has timed out") \
    X(kFragmentTableFull, "fragment_table_full", "a first fragment that could not be remembered")                  \
    X(kFlowTableFull, "flow_table_full", "a new connection that policy allows, but the flow table has no room")    \
    X(kNoPeer, "no_peer", "the packet came in by a port that belongs to no pair")                                  \
    X(kTxRefused, "tx_refused", "the egress device did not take the packet (queue full or link down)")

namespace drywall {

enum class DropReason : std::uint8_t {
    kNone,  // not dropped
#define DRYWALL_X(enumerator, name, meaning) enumerator,
    DRYWALL_DROP_REASONS(DRYWALL_X)
#undef DRYWALL_X
};

struct DropReasonText {
    DropReason reason;
    std::string_view name;
    std::string_view meaning;
};

inline constexpr auto kDropReasons = std::to_array<DropReasonText>({
#define DRYWALL_X(enumerator, name, meaning) {DropReason::enumerator, name, meaning},
    DRYWALL_DROP_REASONS(DRYWALL_X)
#undef DRYWALL_X
});

inline constexpr std::size_t kDropReasonSlots = kDropReasons.size() + 1;  // arrays indexed by DropReason; slot 0 unused

constexpr std::string_view name(DropReason reason) noexcept {
    for (const DropReasonText& text : kDropReasons)
        if (text.reason == reason) return text.name;
    return "none";
}

}  // namespace drywall
