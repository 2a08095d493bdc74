#include "drywall/observe/live_impact.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "decisions.h"

namespace drywall::observe {

namespace {

using flow::CensusEntry;

constexpr std::size_t kAtOnce = kMaxBurst;  // connections classified at once

// The rules that decide, by what counters are kept by; those of staged policies as they are called once promoted.
std::vector<std::string> path_of(const explain::Regime& regime, TraceId id) {
    const ruleset::Ruleset& ruleset = *regime.ruleset;
    const classify::Trace& trace = ruleset.trace(id);
    std::vector<std::string> path;
    for (const HitId hit : regime.world == World::kEnforced ? trace.enforced_hits : trace.pending_hits)
        path.push_back(regime.world == World::kEnforced ? ruleset.hit(hit).identity : ruleset.hit(hit).enforced_twin);
    return path;
}

Verdict verdict_of(const explain::Regime& regime, TraceId id) {
    const classify::Trace& trace = regime.ruleset->trace(id);
    return regime.world == World::kEnforced ? trace.enforced : trace.pending;
}

// What a connection meets now and then, known by its traces in the two rulesets: there are few, whatever the number of
// connections.
class Fates {
public:
    struct Fate {
        bool denied_now = false;
        bool denied_then = false;
        bool by_other_rules = false;
    };

    explicit Fates(const Rehearsal& rehearsal) : rehearsal_(rehearsal) {}

    const Fate& of(TraceId now, TraceId then) {
        const auto [known, fresh] = known_.try_emplace({now, then});
        if (fresh)
            known->second = {verdict_of(rehearsal_.now, now) == Verdict::kDeny,
                             verdict_of(rehearsal_.then, then) == Verdict::kDeny,
                             path_of(rehearsal_.now, now) != path_of(rehearsal_.then, then)};
        return known->second;
    }

private:
    const Rehearsal& rehearsal_;
    std::map<std::pair<TraceId, TraceId>, Fate> known_;
};

void count(const CensusEntry& entry, const Fates::Fate& fate, LiveImpact& impact) {
    if (flow::is_over(entry.state)) {
        ++impact.closed;
    } else if (entry.was_reset || (fate.denied_now && !entry.kept)) {
        ++impact.denied_now;
    } else {
        ++impact.connections;
        if (fate.denied_then) impact.cut.push_back(entry);
        impact.touched += fate.denied_then || fate.by_other_rules ? 1 : 0;
    }
}

std::uint64_t bytes_of(const CensusEntry& entry) { return entry.forward.bytes + entry.reverse.bytes; }

using Service = std::tuple<net::Family, net::AddressBytes, net::AddressBytes, std::uint8_t, std::uint16_t>;

std::set<Service> denied_services(const Impact& recorded) {
    std::set<Service> out;
    for (const ImpactGroup& group : recorded.groups)
        if (group.effect == Effect::kNewlyDenied)
            out.emplace(group.flow.source.family, group.flow.source.bytes, group.flow.destination.bytes,
                        group.flow.protocol, group.flow.destination_port);
    return out;
}

}  // namespace

LiveImpact rehearse(std::span<const CensusEntry> census, const Rehearsal& rehearsal) {
    LiveImpact impact;
    impact.walked = census.size();
    Fates fates(rehearsal);
    std::array<net::Tuple, kAtOnce> tuples;
    std::array<TraceId, kAtOnce> now{};
    std::array<TraceId, kAtOnce> then{};
    for (std::size_t first = 0; first < census.size(); first += kAtOnce) {
        const auto some = census.subspan(first, std::min(kAtOnce, census.size() - first));
        for (std::size_t i = 0; i < some.size(); ++i) tuples[i] = some[i].tuple;
        rehearsal.now.ruleset->classify(std::span(tuples).first(some.size()), now);
        rehearsal.then.ruleset->classify(std::span(tuples).first(some.size()), then);
        for (std::size_t i = 0; i < some.size(); ++i) count(some[i], fates.of(now[i], then[i]), impact);
    }
    std::ranges::stable_sort(impact.cut, std::ranges::greater(), bytes_of);
    return impact;
}

std::uint64_t flow_id(const ruleset::Ruleset& ruleset, const net::Tuple& tuple) {
    FlowRecord record;
    record.source = {tuple.family, tuple.source};
    record.destination = {tuple.family, tuple.destination};
    record.protocol = tuple.protocol;
    record.destination_port = tuple.destination_port;
    record.decision = std::make_shared<const Decided>(decided_by(ruleset, ruleset.classify(tuple)));
    return flow_id(record);
}

std::uint64_t unforeseen(const LiveImpact& live, const Impact& recorded, const Rehearsal& rehearsal,
                         std::span<const std::uint64_t> acknowledged) {
    const std::set<Service> denied = denied_services(recorded);
    return static_cast<std::uint64_t>(std::ranges::count_if(live.cut, [&](const CensusEntry& entry) {
        const net::Tuple& tuple = entry.tuple;
        if (denied.contains({tuple.family, tuple.source, tuple.destination, tuple.protocol, tuple.destination_port}))
            return false;
        return acknowledged.empty() ||
               std::ranges::find(acknowledged, flow_id(*rehearsal.now.ruleset, tuple)) == acknowledged.end();
    }));
}

}  // namespace drywall::observe
