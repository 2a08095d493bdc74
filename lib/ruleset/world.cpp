#include "world.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace drywall::ruleset {

namespace {

// A policy without an order comes after all that have one.
double order_of(const policy::Policy& policy) { return policy.order.value_or(std::numeric_limits<double>::infinity()); }

// Calico breaks ties by the bytes of name/namespace/kind; the separators take part, so "web-2" precedes "web".
std::string tie_break(const policy::Policy& policy, policy::Kind sorted_as) {
    return policy.metadata.name + "/" + policy.metadata.ns + "/" + std::string(policy::name(sorted_as));
}

PolicyRef reference(const policy::Policy& policy) {
    return {.kind = policy.kind(),
            .tier = policy.tier,
            .ns = policy.metadata.ns,
            .name = policy.metadata.name,
            .staged = policy.staged()};
}

std::vector<const policy::Policy*> policies_of(const policy::Inventory& inventory) {
    std::vector<const policy::Policy*> policies;
    for (const auto& [id, resource] : inventory)
        if (const auto* policy = std::get_if<policy::Policy>(resource.get())) policies.push_back(policy);
    return policies;
}

std::vector<WorldTier> sorted_tiers(const policy::Inventory& inventory,
                                    const std::vector<const policy::Policy*>& policies) {
    std::map<std::string, WorldTier> by_name;
    for (const auto& [id, resource] : inventory)
        if (const auto* tier = std::get_if<policy::Tier>(resource.get()))
            by_name[id.name] = {.name = id.name, .order = tier->order, .end = tier->default_action};
    // policy::check() refuses a policy without a tier. Should one come here, it is judged last and closed, as in
    // Calico.
    for (const policy::Policy* policy : policies)
        by_name.try_emplace(
            policy->tier,
            WorldTier{.name = policy->tier, .order = std::numeric_limits<double>::infinity(), .end = Action::kDeny});
    std::vector<WorldTier> tiers;
    for (auto& [name, tier] : by_name) tiers.push_back(std::move(tier));
    std::stable_sort(tiers.begin(), tiers.end(),
                     [](const WorldTier& a, const WorldTier& b) { return a.order < b.order; });
    return tiers;
}

// Adds what staged policies do to the pending world by name: the enforced namesake leaves it.
void overlay(const std::vector<const policy::Policy*>& policies, Worlds& worlds) {
    std::map<std::string, const policy::Policy*> overlaid;
    for (const policy::Policy* policy : policies)
        if (policy->staged() && *policy->staged_action != policy::StagedAction::kIgnore)
            overlaid.emplace(policy->metadata.name, policy);
    for (Participant& participant : worlds.participants) {
        if (participant.ref.staged) continue;
        const auto found = overlaid.find(participant.ref.name);
        if (found == overlaid.end()) continue;
        participant.pending = false;
        worlds.overlays.emplace_back(reference(*found->second), participant.ref);
    }
}

bool takes_part_in_pending(const policy::Policy& policy, bool as_calico) {
    if (!policy.staged()) return true;
    if (*policy.staged_action == policy::StagedAction::kDelete) return false;
    return as_calico || *policy.staged_action != policy::StagedAction::kIgnore;
}

}  // namespace

PolicyRef after_promotion(const PolicyRef& ref) {
    PolicyRef promoted = ref;
    promoted.kind = policy::enforced_twin(ref.kind).value_or(ref.kind);
    promoted.staged = false;
    return promoted;
}

Worlds arrange(const policy::Inventory& inventory, bool as_calico) {
    const std::vector<const policy::Policy*> policies = policies_of(inventory);
    Worlds worlds{.tiers = sorted_tiers(inventory, policies), .participants = {}, .overlays = {}};

    std::map<std::string, std::size_t> rank;
    for (std::size_t i = 0; i < worlds.tiers.size(); ++i) rank[worlds.tiers[i].name] = i;
    for (const policy::Policy* policy : policies) {
        const bool pending = takes_part_in_pending(*policy, as_calico);
        if (policy->staged() && !pending) continue;
        worlds.participants.push_back({.policy = policy,
                                       .ref = reference(*policy),
                                       .tier = rank.at(policy->tier),
                                       .enforced = !policy->staged(),
                                       .pending = pending});
    }
    if (!as_calico) overlay(policies, worlds);

    // With an overlay, a staged policy stands where it will stand when it is promoted.
    const auto key = [as_calico](const Participant& p) {
        const policy::Kind sorted_as = as_calico ? p.ref.kind : policy::Kind::kGlobalNetworkPolicy;
        return std::tuple(p.tier, order_of(*p.policy), tie_break(*p.policy, sorted_as), p.ref.staged);
    };
    std::sort(worlds.participants.begin(), worlds.participants.end(),
              [&key](const Participant& a, const Participant& b) { return key(a) < key(b); });
    return worlds;
}

}  // namespace drywall::ruleset
