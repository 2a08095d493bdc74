#include "drywall/classify/oracle.h"

#include <algorithm>
#include <cassert>

namespace drywall::classify {
namespace {

bool any_holds(const std::vector<PortRange>& ranges, std::uint16_t port) noexcept {
    return std::any_of(ranges.begin(), ranges.end(),
                       [port](PortRange range) { return range.first <= port && port <= range.last; });
}

// What a list of ports asks of a packet. A positive list needs a protocol that has ports; a negative one does not.
bool ports_hold(const std::vector<PortRange>& in, const std::vector<PortRange>& not_in, std::uint8_t protocol,
                std::uint16_t port) noexcept {
    if (!net::has_ports(protocol)) return in.empty();
    return (in.empty() || any_holds(in, port)) && !any_holds(not_in, port);
}

bool icmp_holds(const IcmpMatch& match, const net::Tuple& tuple) noexcept {
    if (!net::is_icmp(tuple.protocol)) return false;
    const auto type = static_cast<std::uint8_t>(tuple.destination_port >> 8);
    const auto code = static_cast<std::uint8_t>(tuple.destination_port & 0xff);
    return type == match.type && (!match.code || *match.code == code);
}

bool address_holds(const Program& program, const AddressMatch& match, const net::Address& address) noexcept {
    const auto in = [&](SetId id) { return matches(program.sets[index(id)], address); };
    return std::all_of(match.in.begin(), match.in.end(), in) &&
           std::none_of(match.not_in.begin(), match.not_in.end(), in);
}

const Party* party_of(const Program& program, const net::Address& address) noexcept {
    for (const Party& party : program.parties) {
        for (const net::Prefix& prefix : party.addresses) {
            if (prefix.contains(address)) return &party;
        }
    }
    return nullptr;
}

// What one walk answers: the hits are those of this walk alone.
struct Answer {
    Verdict verdict = Verdict::kDeny;
    std::vector<HitId> hits;
};

// What one tier says: an end of the walk, or nothing (go on to the next tier).
std::optional<Verdict> judge_tier(const Program& program, const Tier& tier, const net::Tuple& tuple,
                                  std::vector<HitId>& hits) {
    for (const RuleIndex rule_index : tier.rules) {
        const Rule& rule = program.rules[index(rule_index)];
        if (!matches(program, rule, tuple)) continue;
        // A Log rule that was lowered to many is one rule to its author: noted once.
        if (rule.action == Action::kLog) {
            if (hits.empty() || hits.back() != rule.hit) hits.push_back(rule.hit);
            continue;
        }
        if (rule.hit != kNoHit) hits.push_back(rule.hit);
        if (rule.action == Action::kPass) return std::nullopt;
        return rule.action == Action::kAllow ? Verdict::kAllow : Verdict::kDeny;
    }
    if (tier.end_hit != kNoHit) hits.push_back(tier.end_hit);
    if (tier.end == Action::kPass) return std::nullopt;
    return Verdict::kDeny;
}

Answer judge_walk(const Program& program, WalkId id, const net::Tuple& tuple) {
    const Walk& walk = program.walks[index(id)];
    Answer answer;
    for (const Tier& tier : walk.tiers) {
        if (const auto verdict = judge_tier(program, tier, tuple, answer.hits)) {
            answer.verdict = *verdict;
            return answer;
        }
    }
    answer.hits.push_back(walk.otherwise_hit);
    answer.verdict = walk.otherwise;
    return answer;
}

// All steps of one world; the first deny ends it, unless a rule of its walk may still allow.
Verdict judge_world(const Program& program, const std::vector<Walks>& steps, World world, const net::Tuple& tuple,
                    std::vector<HitId>& hits) {
    Verdict verdict = Verdict::kAllow;
    for (const Walks& step : steps) {
        const Answer answer = judge_walk(program, world == World::kEnforced ? step.enforced : step.pending, tuple);
        hits.insert(hits.end(), answer.hits.begin(), answer.hits.end());
        if (answer.verdict == Verdict::kAllow) continue;
        verdict = Verdict::kDeny;
        if (std::none_of(answer.hits.begin(), answer.hits.end(), is_conditional)) break;
    }
    return verdict;
}

std::vector<Walks> steps_of(const Program& program, const net::Tuple& tuple) {
    const Lane& lane = program.lanes[tuple.ingress_port];
    const Party* source = party_of(program, {tuple.family, tuple.source});
    const Party* destination = party_of(program, {tuple.family, tuple.destination});
    std::vector<Walks> steps;
    if (lane.ingress_port) steps.push_back(*lane.ingress_port);
    if (source != nullptr) steps.push_back(source->egress);
    if (destination != nullptr) steps.push_back(destination->ingress);
    if (lane.egress_port) steps.push_back(*lane.egress_port);
    return steps;
}

}  // namespace

bool matches(const AddressSet& set, const net::Address& address) noexcept {
    return std::any_of(set.prefixes.begin(), set.prefixes.end(),
                       [&](const net::Prefix& prefix) { return prefix.contains(address); });
}

bool matches(const ServiceMatch& match, const net::Tuple& tuple) noexcept {
    if (match.family && *match.family != tuple.family) return false;
    if (match.protocol && *match.protocol != tuple.protocol) return false;
    if (match.not_protocol && *match.not_protocol == tuple.protocol) return false;
    if (match.icmp && !icmp_holds(*match.icmp, tuple)) return false;
    if (match.not_icmp && icmp_holds(*match.not_icmp, tuple)) return false;
    return ports_hold(match.source_ports, match.not_source_ports, tuple.protocol, tuple.source_port) &&
           ports_hold(match.destination_ports, match.not_destination_ports, tuple.protocol, tuple.destination_port);
}

bool matches(const Program& program, const Rule& rule, const net::Tuple& tuple) noexcept {
    return matches(rule.service, tuple) && address_holds(program, rule.source, {tuple.family, tuple.source}) &&
           address_holds(program, rule.destination, {tuple.family, tuple.destination});
}

Trace judge(const Program& program, const net::Tuple& tuple) {
    assert(tuple.ingress_port < program.lanes.size());
    for (const RuleIndex rule_index : program.failsafe) {
        const Rule& rule = program.rules[index(rule_index)];
        if (matches(program, rule, tuple)) return {Verdict::kAllow, Verdict::kAllow, false, {rule.hit}, {rule.hit}};
    }
    const std::vector<Walks> steps = steps_of(program, tuple);
    if (steps.empty()) {
        return {program.unmatched, program.unmatched, true, {program.unmatched_hit}, {program.unmatched_hit}};
    }
    Trace trace;
    trace.enforced = judge_world(program, steps, World::kEnforced, tuple, trace.enforced_hits);
    const auto staged = [](const Walks& step) { return step.enforced != step.pending; };
    if (std::none_of(steps.begin(), steps.end(), staged)) {
        trace.pending = trace.enforced;
        trace.pending_hits = trace.enforced_hits;
        return trace;
    }
    trace.pending = judge_world(program, steps, World::kPending, tuple, trace.pending_hits);
    return trace;
}

}  // namespace drywall::classify
