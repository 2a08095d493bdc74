#include "world.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

namespace drywall::reference {
namespace {

using policy::Kind;
using policy::StagedAction;

// A policy, and the kind by which it is sorted.
struct Participant {
    const policy::Policy* policy = nullptr;
    Kind sorted_as = Kind::kGlobalNetworkPolicy;
};

// Calico never had these kinds and this order of ties in one release; before, a GlobalNetworkPolicy of the same name
// came first, as it does with all kinds that are called Kubernetes-something.
std::string_view calico_name(Kind kind) {
    if (kind == Kind::kAdminNetworkPolicy) return "KubernetesAdminNetworkPolicy";
    if (kind == Kind::kBaselineAdminNetworkPolicy) return "KubernetesBaselineAdminNetworkPolicy";
    return policy::name(kind);
}

// Lower orders first, none last. Ties: bytes of name/namespace/kind; the separators take part in the comparison.
std::tuple<double, std::string> sort_key(const Participant& participant) {
    const policy::Policy& policy = *participant.policy;
    return {policy.order.value_or(std::numeric_limits<double>::infinity()),
            policy.metadata.name + "/" + policy.metadata.ns + "/" + std::string(calico_name(participant.sorted_as))};
}

ReadPolicy read(const policy::Policy& policy) {
    return {.policy = &policy,
            .selector = parse_selector(policy::effective_selector(policy)),
            .ingress = read_rules(policy.ingress, policy, Direction::kIngress),
            .egress = read_rules(policy.egress, policy, Direction::kEgress)};
}

struct SortedTier {
    bool declared = true;
    double order = policy::kDefaultTierOrder;
    std::string name;
    Action default_action = Action::kDeny;
};

// Tiers that nobody declared come after all others, and deny.
std::vector<SortedTier> sorted_tiers(const policy::CalicoView& view) {
    std::vector<SortedTier> tiers;
    for (const auto& item : view.tiers)
        tiers.push_back({.declared = true,
                         .order = item.value->order,
                         .name = item.value->metadata.name,
                         .default_action = item.value->default_action});
    for (const auto& item : view.policies) {
        const auto same = [&](const SortedTier& tier) { return tier.name == item.value->tier; };
        if (std::none_of(tiers.begin(), tiers.end(), same))
            tiers.push_back({.declared = false, .order = 0, .name = item.value->tier, .default_action = Action::kDeny});
    }
    std::sort(tiers.begin(), tiers.end(), [](const SortedTier& a, const SortedTier& b) {
        return std::tuple(!a.declared, a.order, a.name) < std::tuple(!b.declared, b.order, b.name);
    });
    return tiers;
}

WorldPolicies arranged(const policy::CalicoView& view, std::vector<Participant> participants) {
    std::sort(participants.begin(), participants.end(),
              [](const Participant& a, const Participant& b) { return sort_key(a) < sort_key(b); });
    WorldPolicies world;
    for (const SortedTier& tier : sorted_tiers(view)) {
        WorldTier& added = world.tiers.emplace_back();
        added.name = tier.name;
        added.default_action = tier.default_action;
        for (const Participant& participant : participants)
            if (participant.policy->tier == tier.name) added.policies.push_back(read(*participant.policy));
    }
    return world;
}

// The staged policy replaces or removes this enforced one.
bool overlays(const policy::Policy& staged, const policy::Policy& enforced) {
    return staged.staged() && !enforced.staged() && *staged.staged_action != StagedAction::kIgnore &&
           staged.enforced_kind == enforced.enforced_kind && staged.metadata.ns == enforced.metadata.ns &&
           staged.metadata.name == enforced.metadata.name;
}

bool is_overlaid(const policy::Policy& enforced, const policy::CalicoView& view) {
    return std::any_of(view.policies.begin(), view.policies.end(),
                       [&](const auto& item) { return overlays(*item.value, enforced); });
}

}  // namespace

WorldPolicies enforced_world(const policy::CalicoView& view) {
    std::vector<Participant> participants;
    for (const auto& item : view.policies)
        if (!item.value->staged()) participants.push_back({item.value, item.value->kind()});
    return arranged(view, std::move(participants));
}

WorldPolicies pending_world(const policy::CalicoView& view) {
    std::vector<Participant> participants;
    for (const auto& item : view.policies) {
        const policy::Policy& policy = *item.value;
        // A staged policy stands where it will stand once it is promoted.
        const bool set = policy.staged() &&
                         (policy.staged_action == StagedAction::kSet || policy.staged_action == StagedAction::kLearn);
        const bool stays = !policy.staged() && !is_overlaid(policy, view);
        if (set || stays) participants.push_back({&policy, policy.enforced_kind});
    }
    return arranged(view, std::move(participants));
}

WorldPolicies pending_world_as_calico(const policy::CalicoView& view) {
    std::vector<Participant> participants;
    for (const auto& item : view.policies)
        if (item.value->staged_action != StagedAction::kDelete)
            participants.push_back({item.value, item.value->kind()});
    WorldPolicies world = arranged(view, std::move(participants));
    world.end_names_first = true;
    return world;
}

}  // namespace drywall::reference
