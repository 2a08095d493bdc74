#include "rule_reach.h"

#include <algorithm>

namespace drywall::explain {

using ruleset::HitDescriptor;
using ruleset::HitKind;
using ruleset::PolicyRef;

PolicyKey key_of(const policy::Policy& policy) { return {policy.kind(), policy.metadata.ns, policy.metadata.name}; }
PolicyKey key_of(const PolicyRef& ref) { return {ref.kind, ref.ns, ref.name}; }

std::string_view name(DeadBecause reason) noexcept {
    switch (reason) {
        case DeadBecause::kNamesNothing: return "names-nothing";
        case DeadBecause::kShadowed: return "shadowed";
        case DeadBecause::kExcluded: return "excluded";
    }
    return "excluded";
}

RuleReach::RuleReach(const ruleset::Ruleset& ruleset, const policy::CalicoView& view)
    : ruleset_(ruleset), program_(ruleset.program()), view_(view), reached_(ruleset.hits().size(), false) {
    for (const auto& item : view.policies) policies_[key_of(*item.value)] = item.value;
    note_reached();
    note_sites();
    note_applying();
}

void RuleReach::note_reached() {
    for (std::size_t i = 0; i < ruleset_.trace_count(); ++i) {
        const classify::Trace& trace = ruleset_.trace(TraceId{static_cast<std::uint32_t>(i)});
        for (const HitId hit : trace.enforced_hits) reached_[index(hit)] = true;
        for (const HitId hit : trace.pending_hits) reached_[index(hit)] = true;
    }
}

void RuleReach::note_sites() {
    for (const classify::Party& party : program_.parties) {
        note_walks(party.egress, &party, Direction::kEgress, 0);
        note_walks(party.ingress, &party, Direction::kIngress, 0);
    }
    for (std::size_t lane = 0; lane < program_.lanes.size(); ++lane) {
        const auto number = static_cast<std::uint16_t>(lane);
        if (const auto& in = program_.lanes[lane].ingress_port) note_walks(*in, nullptr, Direction::kIngress, number);
        if (const auto& out = program_.lanes[lane].egress_port) note_walks(*out, nullptr, Direction::kEgress, number);
    }
}

void RuleReach::note_walks(const classify::Walks& walks, const classify::Party* party, Direction direction,
                           std::uint16_t lane) {
    for (const classify::WalkId id : {walks.enforced, walks.pending}) {
        if (!walks_.insert(id).second) continue;
        for (const classify::Tier& tier : program_.walks[index(id)].tiers)
            for (const classify::RuleIndex rule : tier.rules)
                if (const HitId hit = program_.rules[index(rule)].hit; hit != classify::kNoHit)
                    sites_[classify::without_condition(hit)].push_back({rule, party, direction, lane});
    }
}

void RuleReach::note_applying() {
    for (const auto& [hit, sites] : sites_)
        if (const auto& policy = ruleset_.hit(hit).policy) applying_.insert(key_of(*policy));
    for (const classify::WalkId id : walks_)
        for (const classify::Tier& tier : program_.walks[index(id)].tiers)
            if (tier.end_hit != classify::kNoHit)
                for (const PolicyRef& policy : ruleset_.hit(tier.end_hit).armed_by) applying_.insert(key_of(policy));
}

const policy::Policy* RuleReach::policy_of(const PolicyKey& key) const {
    const auto found = policies_.find(key);
    return found == policies_.end() ? nullptr : found->second;
}

const policy::Policy* RuleReach::policy_of(const HitDescriptor& hit) const {
    return hit.policy ? policy_of(key_of(*hit.policy)) : nullptr;
}

bool RuleReach::names_nothing(const classify::Rule& rule) const {
    const auto empty = [this](classify::SetId id) { return program_.sets[index(id)].prefixes.empty(); };
    return std::any_of(rule.source.in.begin(), rule.source.in.end(), empty) ||
           std::any_of(rule.destination.in.begin(), rule.destination.in.end(), empty);
}

std::vector<DeadRule> RuleReach::dead_rules() const {
    std::vector<DeadRule> dead;
    for (const auto& [hit, sites] : sites_) {
        if (reached(hit)) continue;
        const HitDescriptor& about = ruleset_.hit(hit);
        const policy::Policy* policy = about.kind == HitKind::kRule ? policy_of(about) : nullptr;
        if (policy == nullptr) continue;
        DeadRule& rule = dead.emplace_back(DeadRule{.policy = policy, .hit = hit});
        const bool nothing = std::all_of(sites.begin(), sites.end(), [this](const RuleSite& site) {
            return names_nothing(program_.rules[index(site.rule)]);
        });
        if (nothing)
            rule.reason = DeadBecause::kNamesNothing;
        else
            look_for_shadow(rule, sites);
    }
    return dead;
}

void RuleReach::look_for_shadow(DeadRule& rule, const std::vector<RuleSite>& sites) const {
    for (const RuleSite& site : sites) {
        const std::optional<net::Tuple> packet = example_packet(program_, site);
        if (!packet) continue;
        std::string by = decided_instead(*packet, ruleset_.hit(rule.hit));
        if (by.empty()) continue;
        rule.reason = DeadBecause::kShadowed;
        rule.by = std::move(by);
        rule.example = packet;
        return;
    }
}

// What decided the packet in the same step before the rule came up, or the deny that kept it from that step.
std::string RuleReach::decided_instead(const net::Tuple& packet, const HitDescriptor& about) const {
    const classify::Trace& trace = ruleset_.undecided_trace(ruleset_.classify(packet));
    const auto& hits = about.policy->staged ? trace.pending_hits : trace.enforced_hits;
    const HitDescriptor* last = nullptr;
    for (const HitId id : hits) {
        if (classify::is_conditional(id)) continue;  // it takes only some of them
        const HitDescriptor& hit = ruleset_.hit(id);
        if (hit.action == Action::kLog) continue;
        last = &hit;
        const bool same_step = hit.direction == about.direction && hit.forward == about.forward;
        if (same_step && hit.policy && hit.policy->tier == about.policy->tier) break;
    }
    return last == nullptr ? std::string() : last->text();
}

std::vector<const policy::Policy*> RuleReach::policies_without_endpoints() const {
    std::vector<const policy::Policy*> out;
    for (const auto& item : view_.policies) {
        const policy::Policy& policy = *item.value;
        if (policy.staged_action == policy::StagedAction::kDelete) continue;
        if (policy.staged_action == policy::StagedAction::kIgnore) continue;
        if (!applying_.contains(key_of(policy))) out.push_back(&policy);
    }
    return out;
}

std::vector<DeadRule> dead_rules(const ruleset::Ruleset& ruleset, const policy::CalicoView& view) {
    return RuleReach(ruleset, view).dead_rules();
}

std::vector<const policy::Policy*> policies_without_endpoints(const ruleset::Ruleset& ruleset,
                                                              const policy::CalicoView& view) {
    return RuleReach(ruleset, view).policies_without_endpoints();
}

}  // namespace drywall::explain
