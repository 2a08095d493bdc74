// Random tiers, and policies of Calico's four kinds.
#include "random_parts.h"

namespace drywall::test {
namespace {

using policy::Kind;

std::vector<policy::Rule> random_rules(Dice& dice, const RuleSpot& spot) {
    std::vector<policy::Rule> rules;
    for (std::size_t i = dice.below(4); i > 0; --i) rules.push_back(random_rule(dice, spot));
    return rules;
}

void fill_scope(Dice& dice, policy::Policy& policy) {
    const bool global = policy.enforced_kind == Kind::kGlobalNetworkPolicy;
    if (dice.chance(75)) policy.selector = random_selector(dice);
    if (global && dice.chance(20))
        policy.namespace_selector =
            dice.pick<std::string>({"all()", "env == 'p'", "env != 'p'", "projectcalico.org/name == 'prod'"});
    if (dice.chance(12))
        policy.service_account_selector =
            dice.pick<std::string>({"all()", "app == 'a'", "projectcalico.org/name == 'robot'", "role != 'x'"});
}

void fill_directions(Dice& dice, policy::Policy& policy) {
    policy.ingress_type = dice.chance(70);
    policy.egress_type = !policy.ingress_type || dice.chance(45);
    const bool namespaced = policy.enforced_kind == Kind::kNetworkPolicy;
    policy.ingress = random_rules(dice, {.direction = Direction::kIngress, .namespaced = namespaced});
    policy.egress = random_rules(dice, {.direction = Direction::kEgress, .namespaced = namespaced});
}

void fill_host_fields(Dice& dice, policy::Policy& policy) {
    policy.apply_on_forward = dice.chance(40);
    if (dice.chance(12)) {
        policy.apply_on_forward = policy.do_not_track = true;
    } else if (dice.chance(12)) {
        policy.apply_on_forward = policy.pre_dnat = policy.ingress_type = true;
        policy.egress_type = false;
        policy.egress.clear();
    }
    if (dice.chance(5)) policy.performance_hints = {"AssumeNeededOnEveryNode"};
}

std::string random_tier(Dice& dice, const Scene& scene) {
    std::vector<std::string> tiers;
    for (const auto& [id, resource] : scene.inventory)
        if (id.kind == Kind::kTier) tiers.push_back(id.name);
    return dice.chance(40) ? std::string(policy::kDefaultTier) : dice.one_of(tiers);
}

policy::Policy random_policy(Dice& dice, const Scene& scene, Kind kind, const std::string& name) {
    policy::Policy policy;
    policy.metadata.name = name;
    policy.enforced_kind = kind;
    if (kind == Kind::kNetworkPolicy) policy.metadata.ns = dice.one_of(words::kNamespaces);
    policy.tier = random_tier(dice, scene);
    if (dice.chance(80)) policy.order = dice.pick({-1.0, 0.0, 0.5, 1.0, 1.0, 1000.0});
    fill_scope(dice, policy);
    fill_directions(dice, policy);
    if (kind == Kind::kGlobalNetworkPolicy) fill_host_fields(dice, policy);
    return policy;
}

// A staged policy that deletes says nothing else but its tier.
policy::Policy staged(Dice& dice, policy::Policy policy) {
    policy.staged_action = random_staged_action(dice);
    if (policy.staged_action != policy::StagedAction::kDelete) return policy;
    policy::Policy bare;
    bare.metadata = policy.metadata;
    bare.enforced_kind = policy.enforced_kind;
    bare.staged_action = policy.staged_action;
    bare.tier = policy.tier;
    return bare;
}

}  // namespace

policy::StagedAction random_staged_action(Dice& dice) {
    using policy::StagedAction;
    return dice.pick({StagedAction::kSet, StagedAction::kSet, StagedAction::kSet, StagedAction::kLearn,
                      StagedAction::kIgnore, StagedAction::kDelete});
}

void add_tiers(Dice& dice, Scene& scene) {
    // Orders that tie with tiers which always exist, and with each other.
    for (const char* name : {"sec", "acme", "zeta"}) {
        if (!dice.chance(50)) continue;
        policy::Tier tier;
        tier.metadata.name = name;
        tier.order = dice.pick({-5.0, 10.0, 10.0, 1000.0, policy::kDefaultTierOrder, 10'000'001.0});
        tier.default_action = dice.chance(50) ? Action::kPass : Action::kDeny;
        scene.add(policy::Resource(tier));
    }
}

void add_calico_policies(Dice& dice, Scene& scene) {
    for (const std::string& name : words::kPolicyNames) {
        for (const Kind kind : {Kind::kGlobalNetworkPolicy, Kind::kNetworkPolicy}) {
            if (dice.chance(35)) scene.add(policy::Resource(random_policy(dice, scene, kind, name)));
            if (dice.chance(30)) scene.add(policy::Resource(staged(dice, random_policy(dice, scene, kind, name))));
        }
    }
}

}  // namespace drywall::test
