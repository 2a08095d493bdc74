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
#define DRYWALL_DROP_REASONS(X)                                                                                       \
    X(kPolicyDeny, "policy_deny", "a rule, an end-of-tier default or a profile denied the connection")                \
    X(kUnmatched, "unmatched", "no endpoint on either side is declared, and unmatched traffic is denied")             \
    X(kNonIp, "non_ip", "not IP, and no non-ip rule of the configuration lets its ether type pass")                   \
    X(kTruncated, "truncated", "a header or the length it announces reaches past the end of the frame")               \
    X(kBadHeader, "bad_header", "a header contradicts itself (version, header length, extension header chain)")       \
    X(kBadChecksum, "bad_checksum", "the checksum of its IPv4 header is wrong")                                       \
    X(kAddressInvalid, "address_invalid", "its source or destination is one that no packet between hosts can have")   \
    X(kSpoofed, "spoofed", "its source is not among the prefixes that belong behind the port it came in by")          \
    X(kNeighbourInvalid, "neighbour_invalid",                                                                         \
      "neighbour or listener discovery that was forwarded, or is in fragments")                                       \
    X(kIpOption, "ip_option", "source route or record route: an IPv4 option or an IPv6 routing header")               \
    X(kExtensionChain, "extension_chain", "a chain of IPv6 extension headers that is too long or out of order")       \
    X(kFragmentTiny, "fragment_tiny", "a fragment so small or so placed that it splits or rewrites the L4 header")    \
    X(kFragmentHeaders, "fragment_headers", "a first IPv6 fragment without the whole header chain (RFC 7112)")        \
    X(kFragmentOversize, "fragment_oversize", "a fragment by which its datagram exceeds 65,535 bytes")                \
    X(kFragmentOverlap, "fragment_overlap", "it overlaps a fragment that went before, or its datagram did")           \
    X(kFragmentDuplicate, "fragment_duplicate", "a fragment that was there already")                                  \
    X(kFragmentFlood, "fragment_flood", "one of too many fragments of its datagram")                                  \
    X(kFragmentUnknown, "fragment_unknown", "a later fragment whose first fragment was not seen")                     \
    X(kFragmentTimeout, "fragment_timeout", "a later fragment that came too late after its first")                    \
    X(kFragmentTableFull, "fragment_table_full", "a first fragment that could not be remembered")                     \
    X(kTcpFlags, "tcp_flags", "TCP flags that no segment has (none, SYN with FIN or RST, FIN without ACK)")           \
    X(kTcpMidStream, "tcp_mid_stream", "TCP of no known connection and no SYN, where mid-stream packets are denied")  \
    X(kTcpWindow, "tcp_window", "a TCP segment outside the window of its connection")                                 \
    X(kTcpReset, "tcp_reset", "a TCP reset that its connection's sequence numbers do not confirm (RFC 5961)")         \
    X(kIcmpUnrelated, "icmp_unrelated", "an ICMP error that quotes no live connection, or not its window (RFC 5927)") \
    X(kHalfOpenLimit, "half_open_limit", "a new TCP connection while too many are half-open")                         \
    X(kSourceLimit, "source_limit", "a new connection of a source that has too many")                                 \
    X(kFlowTableFull, "flow_table_full", "a new connection that policy allows, but the flow table has no room")       \
    X(kEgressMtu, "egress_mtu", "larger than the port takes by which it would leave")                                 \
    X(kNoPeer, "no_peer", "the packet came in by a port that belongs to no pair")                                     \
    X(kHttpDenied, "http_denied", "an HTTP request that no rule allows")                                              \
    X(kNameDenied, "name_denied", "a connection to a name that no rule allows, or whose name is not known")           \
    X(kInspectUnreadable, "inspect_unreadable", "data that is not what rules ask to be read: no or bad HTTP, HTTP/2") \
    X(kInspectOverlap, "inspect_overlap", "TCP data that contradicts what was judged at the same place")              \
    X(kInspectLimit, "inspect_limit", "data to be judged that is more than what inspection may hold")                 \
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

// The list's version: it grows when a name is added. A name that was used once is never used for anything else.
inline constexpr unsigned kDropReasonsVersion = 3;

inline constexpr std::size_t kDropReasonSlots = kDropReasons.size() + 1;  // arrays indexed by DropReason; slot 0 unused

constexpr std::string_view name(DropReason reason) noexcept {
    for (const DropReasonText& text : kDropReasons)
        if (text.reason == reason) return text.name;
    return "none";
}

}  // namespace drywall
