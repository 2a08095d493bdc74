#include "drywall/observe/impact.h"

#include <algorithm>
#include <set>

namespace drywall::observe {

namespace {

using ruleset::HitDescriptor;
using ruleset::PolicyRef;

// The source ports that stand for all of those that rules tell apart.
std::vector<std::uint16_t> telling_source_ports(const Rehearsal& rehearsal) {
    std::set<std::uint16_t> ports{explain::kEphemeralPort};
    for (const explain::Regime* regime : {&rehearsal.now, &rehearsal.then}) {
        for (const classify::Rule& rule : regime->ruleset->program().rules) {
            for (const auto* ranges : {&rule.service.source_ports, &rule.service.not_source_ports}) {
                for (const classify::PortRange range : *ranges) {
                    ports.insert(range.first);
                    if (range.last != UINT16_MAX) ports.insert(static_cast<std::uint16_t>(range.last + 1));
                    if (range.first != 0) ports.insert(0);
                }
            }
        }
    }
    return {ports.begin(), ports.end()};
}

bool judges_at_ports(const ruleset::Ruleset& ruleset) {
    return std::ranges::any_of(ruleset.program().lanes, [](const classify::Lane& lane) {
        return lane.ingress_port.has_value() || lane.egress_port.has_value();
    });
}

bool is_of(const HitDescriptor& hit, const std::vector<PolicyRef>& policies) {
    const auto named = [&](const PolicyRef& ref) { return std::ranges::find(policies, ref) != policies.end(); };
    return (hit.policy && named(*hit.policy)) || std::ranges::any_of(hit.armed_by, named);
}

struct Verdicts {
    Verdict now = Verdict::kDeny;
    Verdict then = Verdict::kDeny;
    bool operator==(const Verdicts&) const = default;
};

class Rehearser {
public:
    Rehearser(const Rehearsal& rehearsal, RequestRehearser& asked)
        : rehearsal_(rehearsal), asked_(asked), source_ports_(telling_source_ports(rehearsal)) {
        const bool at_ports = judges_at_ports(*rehearsal.now.ruleset) || judges_at_ports(*rehearsal.then.ruleset);
        lanes_ = at_ports ? rehearsal.now.ruleset->program().lanes.size() : 1;
    }

    void look_at(const FlowGroup& group, Impact& impact) const {
        count(impact.observed, group);
        const std::vector<net::Tuple> tuples = tuples_of(group);
        if (takes_part(tuples.front())) count(impact.matched, group);
        std::optional<ImpactGroup> found =
            depends(tuples) ? by_what_it_said(group, tuples) : by_addresses(group, tuples);
        if (!found) return;
        switch (found->effect) {
            case Effect::kNewlyDenied: count(impact.newly_denied, group); break;
            case Effect::kNewlyAllowed: count(impact.newly_allowed, group); break;
            case Effect::kUncertain: count(impact.uncertain, group); break;
        }
        impact.groups.push_back(*std::move(found));
    }

private:
    [[nodiscard]] std::vector<net::Tuple> tuples_of(const FlowGroup& group) const {
        net::Tuple tuple = first_packet(group);
        std::vector<net::Tuple> tuples;
        const bool has_ports = net::has_ports(group.protocol);
        for (std::size_t lane = 0; lane < lanes_; ++lane) {
            tuple.ingress_port = static_cast<std::uint16_t>(lane);
            for (const std::uint16_t port : source_ports_) {
                if (!has_ports && port != source_ports_.front()) break;
                tuple.source_port = has_ports ? port : std::uint16_t{0};
                tuples.push_back(tuple);
            }
        }
        return tuples;
    }

    [[nodiscard]] Verdicts ask(const net::Tuple& tuple) const {
        return {rehearsal_.now.verdict(tuple), rehearsal_.then.verdict(tuple)};
    }

    // Of those that differ, if any does.
    [[nodiscard]] const net::Tuple& telling(const std::vector<net::Tuple>& tuples) const {
        const auto differs = std::ranges::find_if(tuples, [&](const net::Tuple& tuple) {
            const Verdicts verdicts = ask(tuple);
            return verdicts.now != verdicts.then;
        });
        return differs == tuples.end() ? tuples.front() : *differs;
    }

    [[nodiscard]] bool is_owed(const net::Tuple& tuple) const {
        if (!rehearsal_.owed_to) return true;
        const ruleset::Ruleset& ruleset = *rehearsal_.then.ruleset;
        const std::vector<PolicyRef> owed = ruleset.responsible(ruleset.classify(tuple));
        return std::ranges::find(owed, *rehearsal_.owed_to) != owed.end();
    }

    // Rules ask what the connection said, and not the same ones now and then.
    [[nodiscard]] bool depends(const std::vector<net::Tuple>& tuples) const {
        return std::ranges::any_of(
            tuples, [&](const net::Tuple& tuple) { return rehearsal_.now.asks(tuple) != rehearsal_.then.asks(tuple); });
    }

    // Its own record knows, if both judged it; else what was asked in it may.
    [[nodiscard]] std::optional<ImpactGroup> by_what_it_said(const FlowGroup& group,
                                                             const std::vector<net::Tuple>& tuples) const {
        if (was_recorded_by_equals(group, tuples)) return as_recorded(group, tuples);
        const std::optional<ImpactRequest> asked = asked_.look_at(group);
        if (!asked) return std::nullopt;
        if (asked->effect == Effect::kUncertain) return told(group, Effect::kUncertain, telling(tuples));
        return ImpactGroup{group, asked->effect, asked->now_by, asked->then_by};
    }

    [[nodiscard]] std::optional<ImpactGroup> by_addresses(const FlowGroup& group,
                                                          const std::vector<net::Tuple>& tuples) const {
        const Verdicts first = ask(tuples.front());
        const bool agreed = std::ranges::all_of(tuples, [&](const net::Tuple& tuple) { return ask(tuple) == first; });
        if (agreed) {
            if (first.now == first.then || !is_owed(tuples.front())) return std::nullopt;
            return told(group, first.now == Verdict::kAllow ? Effect::kNewlyDenied : Effect::kNewlyAllowed,
                        telling(tuples));
        }
        const auto differing = std::ranges::find_if(tuples, [&](const net::Tuple& tuple) {
            const Verdicts verdicts = ask(tuple);
            return verdicts.now != verdicts.then && is_owed(tuple);
        });
        if (differing == tuples.end()) return std::nullopt;
        // What the packets of this very generation were told is no guess.
        if (was_recorded_by_both(group)) return as_recorded(group, tuples);
        return told(group, Effect::kUncertain, telling(tuples));
    }

    [[nodiscard]] std::optional<ImpactGroup> as_recorded(const FlowGroup& group,
                                                         const std::vector<net::Tuple>& tuples) const {
        if (group.enforced == group.pending) return std::nullopt;
        const std::vector<std::string>& owed = group.decision->responsible;
        if (rehearsal_.owed_to && !owed.empty() && std::ranges::find(owed, rehearsal_.owed_to->text()) == owed.end())
            return std::nullopt;
        return told(group, group.enforced == Verdict::kAllow ? Effect::kNewlyDenied : Effect::kNewlyAllowed,
                    telling(tuples));
    }

    [[nodiscard]] ImpactGroup told(const FlowGroup& group, Effect effect, const net::Tuple& example) const {
        return {group, effect, rehearsal_.now.decider(example), rehearsal_.then.decider(example)};
    }

    [[nodiscard]] bool was_recorded_by_both(const FlowGroup& group) const {
        return rehearsal_.now.ruleset == rehearsal_.then.ruleset &&
               group.generation == rehearsal_.now.ruleset->generation();
    }

    // Or by one whose pending world asks and answers what the other ruleset will.
    [[nodiscard]] bool was_recorded_by_equals(const FlowGroup& group, const std::vector<net::Tuple>& tuples) const {
        if (was_recorded_by_both(group)) return true;
        if (group.generation != rehearsal_.now.ruleset->generation() || rehearsal_.now.world != World::kEnforced)
            return false;
        const explain::Regime pending{rehearsal_.now.ruleset, World::kPending};
        return std::ranges::all_of(tuples, [&](const net::Tuple& tuple) {
            const std::vector<std::string> asked = pending.asks(tuple);
            return asked == rehearsal_.then.asks(tuple) &&
                   (!asked.empty() || pending.verdict(tuple) == rehearsal_.then.verdict(tuple));
        });
    }

    [[nodiscard]] bool takes_part(const net::Tuple& tuple) const {
        const auto looks = [&](const explain::Regime& regime) {
            const ruleset::Ruleset& ruleset = *regime.ruleset;
            const TraceId id = ruleset.classify(tuple);
            const bool waits = ruleset.verdict(id).inspection != ruleset::Inspection::kNone;
            const classify::Trace& trace = waits ? ruleset.undecided_trace(id) : ruleset.trace(id);
            const auto& hits = regime.world == World::kEnforced ? trace.enforced_hits : trace.pending_hits;
            return std::ranges::any_of(hits, [&](HitId hit) { return is_of(ruleset.hit(hit), rehearsal_.matched_by); });
        };
        return rehearsal_.matched_by.empty() || looks(rehearsal_.now) || looks(rehearsal_.then);
    }

    static void count(ImpactCount& count, const FlowGroup& group) {
        ++count.groups;
        count.connections += group.connections_started;
        count.live += group.connections_live;
        count.traffic += group.forward;
        count.traffic += group.reverse;
        count.first_seen = std::min(count.first_seen.value_or(group.first_seen), group.first_seen);
        count.last_seen = std::max(count.last_seen.value_or(group.last_seen), group.last_seen);
    }

    const Rehearsal& rehearsal_;
    RequestRehearser& asked_;
    std::vector<std::uint16_t> source_ports_;
    std::size_t lanes_ = 1;
};

std::string plural(std::uint64_t number, const std::string& noun) {
    return std::to_string(number) + ' ' + noun + (number == 1 ? "" : "s");
}

std::string hours_text(std::chrono::seconds time) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time).count();
    if (minutes == 0) return std::to_string(time.count()) + " s";
    if (minutes < 60) return std::to_string(minutes) + " min";
    return std::to_string(minutes / 60) + " h" + (minutes % 60 == 0 ? "" : ' ' + std::to_string(minutes % 60) + " min");
}

// What would be denied and was not acknowledged; `acknowledged` counts the rest. Beyond the listed groups nobody can
// have acknowledged anything.
std::uint64_t unacknowledged(const Evidence& evidence, std::uint64_t& acknowledged) {
    acknowledged =
        static_cast<std::uint64_t>(std::ranges::count_if(evidence.impact.groups, [&](const ImpactGroup& group) {
            return group.effect == Effect::kNewlyDenied &&
                   std::ranges::find(evidence.acknowledged, group.flow.id) != evidence.acknowledged.end();
        }));
    return evidence.impact.newly_denied.groups - acknowledged;
}

// Likewise of requests, whose connections are of groups.
std::uint64_t unacknowledged_requests(const Evidence& evidence) {
    const auto is_acknowledged = [&](const ImpactRequest& one) {
        return std::ranges::any_of(evidence.impact.groups, [&](const ImpactGroup& group) {
            return group.effect == Effect::kNewlyDenied && group.flow.source == one.request.connection.source &&
                   group.flow.destination == one.request.connection.destination &&
                   group.flow.protocol == one.request.connection.protocol &&
                   group.flow.destination_port == one.request.connection.destination_port &&
                   std::ranges::find(evidence.acknowledged, group.flow.id) != evidence.acknowledged.end();
        });
    };
    return static_cast<std::uint64_t>(std::ranges::count_if(
        evidence.impact.requests.affected,
        [&](const ImpactRequest& one) { return one.effect == Effect::kNewlyDenied && !is_acknowledged(one); }));
}

}  // namespace

std::string_view name(Safety safety) noexcept {
    switch (safety) {
        case Safety::kSafe: return "SAFE";
        case Safety::kNotSafe: return "NOT SAFE";
        case Safety::kNotEnoughEvidence: return "NOT ENOUGH EVIDENCE";
    }
    return "NOT ENOUGH EVIDENCE";
}

const ImpactCount& Impact::count(Effect effect) const noexcept {
    return effect == Effect::kNewlyDenied ? newly_denied : effect == Effect::kNewlyAllowed ? newly_allowed : uncertain;
}

Impact rehearse(std::span<const FlowGroup> groups, const Rehearsal& rehearsal, std::size_t limit,
                const RequestEvidence& asked) {
    Impact impact;
    RequestRehearser requests(rehearsal, asked);
    impact.requests = requests.impact();
    const Rehearser rehearser(rehearsal, requests);
    for (const FlowGroup& group : groups) rehearser.look_at(group, impact);
    std::ranges::stable_sort(impact.groups, [](const ImpactGroup& a, const ImpactGroup& b) {
        if (a.effect != b.effect) return a.effect < b.effect;
        return a.flow.connections_started > b.flow.connections_started;
    });
    if (impact.groups.size() > limit) {
        impact.left_out = impact.groups.size() - limit;
        impact.groups.resize(limit);
    }
    return impact;
}

void add_open(std::vector<FlowGroup>& seen, std::span<const FlowGroup> known) {
    std::set<std::uint64_t> there;
    for (const FlowGroup& group : seen) there.insert(group.id);
    for (const FlowGroup& group : known) {
        if (group.connections_live == 0 || there.contains(group.id)) continue;
        seen.push_back(group);
        seen.back().connections_started = group.connections_live;
    }
}

std::chrono::seconds observed_for(WallTime since, WallTime now, Nanos steadily) {
    const auto shortest = std::min(std::chrono::duration_cast<Nanos>(now - since), steadily);
    return std::chrono::duration_cast<std::chrono::seconds>(std::max(shortest, Nanos{0}));
}

Judgement judge(const Evidence& evidence, const CheckLimits& limits) {
    Judgement judgement;
    const Impact& impact = evidence.impact;
    std::vector<std::string>& reasons = judgement.reasons;
    reasons = evidence.objections;
    if (const std::uint64_t denied = unacknowledged(evidence, judgement.acknowledged); denied > 0)
        reasons.push_back(plural(denied, "group") + " of connections would newly be denied");
    judgement.would_deny_requests = unacknowledged_requests(evidence);
    if (judgement.would_deny_requests > 0)
        reasons.push_back(plural(judgement.would_deny_requests, "request") +
                          " inside of connections would newly be denied");
    if (evidence.open_unforeseen > 0)
        reasons.push_back(plural(evidence.open_unforeseen, "open connection") +
                          " that no record tells of would be cut");
    if (!reasons.empty()) {
        judgement.safety = Safety::kNotSafe;
        return judgement;
    }
    if (impact.uncertain.groups > 0)
        reasons.push_back("of " + plural(impact.uncertain.groups, "group") + " it can't be told");
    if (!evidence.open_missing.empty())
        reasons.push_back("not all open connections are known: " + evidence.open_missing);
    if (evidence.lost > 0) reasons.push_back(plural(evidence.lost, "record") + " of connections were lost");
    if (evidence.forgotten > 0)
        reasons.push_back(plural(evidence.forgotten, "group") + " were forgotten for want of room");
    if (evidence.observed_for < limits.min_time)
        reasons.push_back("observed for " + hours_text(evidence.observed_for) + " since the last edit; " +
                          hours_text(limits.min_time) + " are asked for");
    if (impact.matched.connections < limits.min_connections)
        reasons.push_back(plural(impact.matched.connections, "connection") + " matched; " +
                          std::to_string(limits.min_connections) + " are asked for");
    judgement.safety = reasons.empty() ? Safety::kSafe : Safety::kNotEnoughEvidence;
    return judgement;
}

}  // namespace drywall::observe
