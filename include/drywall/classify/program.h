// Program: what the classifier compiles: address sets, rules over numbers, and the walks that each party's packets
// take, in both worlds. Numbers only: labels, names and YAML ended in `ruleset`.
//
// Threads: a value, built and read by the control side.
// Source:  the walk is Calico's (tiers, Pass, end-of-tier default, profiles); docs/life-of-a-policy.md tells it whole.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/verdict.h"
#include "drywall/net/address.h"
#include "drywall/net/packet_meta.h"

namespace drywall::classify {

enum class SetId : std::uint32_t {};      // index into Program::sets
enum class RuleIndex : std::uint32_t {};  // index into Program::rules
enum class WalkId : std::uint32_t {};     // index into Program::walks

// Recorded nowhere: a rule or an end of a tier that only leads on, without an answer of its own. Such is what Calico's
// untracked and pre-DNAT stages do with a packet that they have no opinion about.
inline constexpr HitId kNoHit{0xffffffff};

// A rule that allows only if something holds that addresses and ports do not show (what an HTTP request asks for, by
// which name the destination is meant) is a Log rule with a conditional hit: it is recorded, and the walk goes on as if
// it did not hold. Since it may hold, a deny of the same walk does not end the list of steps. Who reads such a trace
// knows every rule that may allow, in order, and what happens otherwise.
inline constexpr std::uint32_t kConditionalBit = 0x80000000;
[[nodiscard]] constexpr bool is_conditional(HitId hit) noexcept {
    return hit != kNoHit && (static_cast<std::uint32_t>(hit) & kConditionalBit) != 0;
}
[[nodiscard]] constexpr HitId conditional(HitId hit) noexcept {
    return HitId{static_cast<std::uint32_t>(hit) | kConditionalBit};
}
// REQUIRES: hit != kNoHit
[[nodiscard]] constexpr HitId without_condition(HitId hit) noexcept {
    return HitId{static_cast<std::uint32_t>(hit) & ~kConditionalBit};
}

// A union of prefixes, of both families mixed. An empty set matches nothing.
struct AddressSet {
    std::vector<net::Prefix> prefixes{};
};

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;  // inclusive
    bool operator==(const PortRange&) const = default;
};

struct IcmpMatch {
    std::uint8_t type = 0;
    std::optional<std::uint8_t> code{};
    bool operator==(const IcmpMatch&) const = default;
};

// Everything about a packet that is not an address. All conditions must hold; an unset one holds always.
struct ServiceMatch {
    std::optional<net::Family> family{};
    std::optional<std::uint8_t> protocol{};
    std::optional<std::uint8_t> not_protocol{};
    std::optional<IcmpMatch> icmp{};      // holds only for ICMP and ICMPv6 packets
    std::optional<IcmpMatch> not_icmp{};  // holds for every packet that `icmp` would not hold for
    // Lists: any of. A non-empty list holds only for protocols with ports (TCP, UDP, SCTP).
    std::vector<PortRange> source_ports{};
    std::vector<PortRange> destination_ports{};
    // Lists: none of. They hold for protocols without ports.
    std::vector<PortRange> not_source_ports{};
    std::vector<PortRange> not_destination_ports{};
    bool operator==(const ServiceMatch&) const = default;
};

// The address is in all of `in` and in none of `not_in`.
struct AddressMatch {
    std::vector<SetId> in{};
    std::vector<SetId> not_in{};
    bool operator==(const AddressMatch&) const = default;
};

struct Rule {
    AddressMatch source{};
    AddressMatch destination{};
    ServiceMatch service{};
    Action action = Action::kDeny;
    // Recorded when the rule matches; several rules may share one (a rule lowered to many). A Log rule whose hit was
    // the last one recorded in this walk is not recorded again: one rule of a policy notes a packet once.
    // kNoHit: only of a Pass rule. A conditional one: only of a Log rule.
    HitId hit{};
};

struct Tier {
    std::vector<RuleIndex> rules{};  // first match wins; kLog is recorded and goes on
    Action end = Action::kDeny;      // kDeny or kPass: what happens when no rule decided
    HitId end_hit{};                 // recorded then; kNoHit: only with kPass
};

// The way of one endpoint's packets in one direction and one world.
// Tiers in order: Allow and Deny end the walk, Pass goes to the next tier. After the last tier: `otherwise`.
struct Walk {
    std::vector<Tier> tiers{};
    Verdict otherwise = Verdict::kDeny;
    HitId otherwise_hit{};
};

struct Walks {
    WalkId enforced{};
    WalkId pending{};
};

// All addresses whose packets take the same walks: the endpoints that policies do not tell apart.
// INVARIANT: an address belongs to at most one party (the caller's duty; compile() refuses otherwise).
struct Party {
    std::vector<net::Prefix> addresses{};
    Walks egress{};   // judged when the packet's source is in `addresses`
    Walks ingress{};  // judged when the packet's destination is
};

// What the ports themselves add, per ingress port: forward policies of the ingress port's and the egress port's own
// HostEndpoint (design, section 2). Absent: that step is skipped.
struct Lane {
    std::optional<Walks> ingress_port{};  // forward ingress
    std::optional<Walks> egress_port{};   // forward egress
};

struct Program {
    std::vector<AddressSet> sets{};
    std::vector<Rule> rules{};
    std::vector<Walk> walks{};
    std::vector<Party> parties{};
    std::vector<Lane> lanes{};            // by Tuple::ingress_port; at least one
    std::vector<RuleIndex> failsafe{};    // in front of everything, both worlds: the first match allows
    Verdict unmatched = Verdict::kAllow;  // when no step exists at all
    HitId unmatched_hit{};
};

// The list of hits that led to a verdict, in both worlds. The steps are judged in the order: ingress port, egress of
// the source, ingress of the destination, egress port; the first deny ends the list, unless a conditional hit of its
// step may still allow. The verdict of a trace with conditional hits is that of none of them holding.
struct Trace {
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    bool unmatched = false;  // no step existed; `enforced` is then Program::unmatched
    std::vector<HitId> enforced_hits{};
    std::vector<HitId> pending_hits{};
    bool operator==(const Trace&) const = default;
};

}  // namespace drywall::classify
