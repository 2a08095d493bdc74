#include "drywall/explain/rule_flows.h"

#include <algorithm>

#include "conditions.h"
#include "drywall/explain/semantic_diff.h"
#include "rule_reach.h"

namespace drywall::explain {

namespace {

// What was wanted may be had from several sites, and not every packet that a rule matches comes as far as the rule.
constexpr std::size_t kTriesForEach = 8;

bool takes_part(const ruleset::Ruleset& ruleset, HitId hit, const net::Tuple& packet) {
    const auto& hits = ruleset.trace(ruleset.classify(packet)).enforced_hits;
    return std::find(hits.begin(), hits.end(), hit) != hits.end();
}

void find_flows(const ruleset::Ruleset& ruleset, const std::vector<RuleSite>& sites, const FlowsWanted& wanted,
                RuleFlows& flows) {
    for (const RuleSite& site : sites) {
        if (flows.allowed.size() + flows.denied.size() >= wanted.most) return;
        for (net::Tuple packet : example_packets(ruleset.program(), site, wanted.most * kTriesForEach)) {
            packet.ingress_port = wanted.ingress_port;
            if (!takes_part(ruleset, flows.hit, packet)) continue;
            auto& list =
                ruleset.trace(ruleset.classify(packet)).enforced == Verdict::kAllow ? flows.allowed : flows.denied;
            if (std::find(list.begin(), list.end(), packet) == list.end()) list.push_back(packet);
            if (flows.allowed.size() + flows.denied.size() >= wanted.most) return;
        }
    }
}

std::string why_none(const DeadRule* dead) {
    if (dead == nullptr) return "no packet was found that comes as far as this rule";
    switch (dead->reason) {
        case DeadBecause::kNamesNothing: return "nothing has the labels, services or ports that it names";
        case DeadBecause::kShadowed:
            return "shadowed by " + dead->by + (dead->example ? ": " + packet_text(*dead->example) : "");
        case DeadBecause::kExcluded: return "its conditions exclude each other";
    }
    return "no packet can hit it";
}

}  // namespace

std::vector<RuleFlows> rule_flows(const ruleset::Ruleset& ruleset, const policy::CalicoView& view,
                                  const FlowsWanted& wanted) {
    const RuleReach reach(ruleset, view);
    const std::vector<DeadRule> dead = reach.dead_rules();
    std::vector<RuleFlows> out;
    for (const auto& [hit, sites] : reach.sites()) {
        const ruleset::HitDescriptor& about = ruleset.hit(hit);
        if (about.kind != ruleset::HitKind::kRule || (about.policy && about.policy->staged)) continue;
        RuleFlows flows;
        flows.hit = hit;
        flows.rule = about.text();
        flows.direction = about.direction;
        find_flows(ruleset, sites, wanted, flows);
        if (flows.allowed.empty() && flows.denied.empty()) {
            const auto found =
                std::find_if(dead.begin(), dead.end(), [&h = hit](const DeadRule& rule) { return rule.hit == h; });
            flows.why_none = why_none(found == dead.end() ? nullptr : &*found);
            if (about.condition && found == dead.end())
                flows.why_none =
                    "it asks what a connection says: " + condition_text(ruleset.condition(*about.condition));
        }
        out.push_back(std::move(flows));
    }
    return out;
}

}  // namespace drywall::explain
