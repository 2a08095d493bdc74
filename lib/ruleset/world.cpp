#include "world.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>

namespace drywall::ruleset {

namespace {

using policy::Kind;
using PolicyItem = policy::CalicoView::Item<policy::Policy>;

// A policy without an order comes after all that have one.
double order_of(const policy::Policy& policy) { return policy.order.value_or(std::numeric_limits<double>::infinity()); }

// As Calico calls the kind where it sorts.
std::string_view calico_kind(Kind kind) {
    switch (kind) {
        case Kind::kAdminNetworkPolicy: return "KubernetesAdminNetworkPolicy";
        case Kind::kBaselineAdminNetworkPolicy: return "KubernetesBaselineAdminNetworkPolicy";
        case Kind::kClusterNetworkPolicy: return "KubernetesClusterNetworkPolicy";
        default: return policy::name(kind);
    }
}

// Calico breaks ties by the bytes of name/namespace/kind; the separators take part, so "web-2" precedes "web".
std::string tie_break(const policy::Policy& policy, Kind sorted_as) {
    return policy.metadata.name + "/" + policy.metadata.ns + "/" + std::string(calico_kind(sorted_as));
}

PolicyRef reference(const policy::Policy& policy) {
    return {.kind = policy.kind(),
            .tier = policy.tier,
            .ns = policy.metadata.ns,
            .name = policy.metadata.name,
            .staged = policy.staged()};
}

// Tiers that Calico always has, as policies converted from Kubernetes expect them.
const std::array<WorldTier, 3>& given_tiers() {
    static const std::array<WorldTier, 3> tiers{
        WorldTier{std::string(policy::kDefaultTier), policy::kDefaultTierOrder, Action::kDeny},
        WorldTier{std::string(policy::kAdminTier), 1'000, Action::kPass},
        WorldTier{std::string(policy::kBaselineTier), 10'000'000, Action::kPass}};
    return tiers;
}

std::vector<WorldTier> sorted_tiers(const policy::CalicoView& view) {
    struct Known {
        WorldTier tier;
        bool valid = true;
    };
    std::map<std::string, Known> by_name;
    for (const auto& [id, tier] : view.tiers)
        by_name[id.name].tier = {.name = id.name, .order = tier->order, .end = tier->default_action};
    for (const WorldTier& tier : given_tiers()) by_name.try_emplace(tier.name, Known{.tier = tier});
    // policy::check() refuses a policy without a tier. Should one come here, it is judged last and closed, as in
    // Calico.
    for (const PolicyItem& item : view.policies)
        by_name.try_emplace(item.value->tier, Known{.tier = {.name = item.value->tier}, .valid = false});

    std::vector<Known> known;
    for (auto& [name, tier] : by_name) known.push_back(std::move(tier));
    std::stable_sort(known.begin(), known.end(), [](const Known& a, const Known& b) {
        return a.valid != b.valid ? a.valid : a.valid && a.tier.order < b.tier.order;
    });
    std::vector<WorldTier> tiers;
    for (Known& each : known) tiers.push_back(std::move(each.tier));
    return tiers;
}

// What a staged policy and the one that it stands for have in common.
using TwinKey = std::tuple<Kind, std::string, std::string>;

TwinKey twin_key(const policy::Policy& policy) {
    return {policy.enforced_kind, policy.metadata.ns, policy.metadata.name};
}

// Adds what staged policies do to the pending world by name: the enforced namesake leaves it.
void overlay(const policy::CalicoView& view, Worlds& worlds) {
    std::map<TwinKey, const policy::Policy*> overlaid;
    for (const PolicyItem& item : view.policies)
        if (item.value->staged() && *item.value->staged_action != policy::StagedAction::kIgnore)
            overlaid.emplace(twin_key(*item.value), item.value);
    for (Participant& participant : worlds.participants) {
        if (participant.ref.staged) continue;
        const auto found = overlaid.find(twin_key(*participant.policy));
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

void sort(std::vector<Participant>& participants, bool as_calico) {
    struct Placed {
        std::tuple<std::size_t, double, std::string, bool> key;
        Participant participant;
    };
    std::vector<Placed> placed;
    placed.reserve(participants.size());
    for (Participant& p : participants) {
        // With an overlay, a staged policy stands where it will stand when it is promoted.
        const Kind sorted_as = as_calico ? p.ref.kind : p.policy->enforced_kind;
        placed.push_back({{p.tier, order_of(*p.policy), tie_break(*p.policy, sorted_as), p.ref.staged}, std::move(p)});
    }
    std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) { return a.key < b.key; });
    for (std::size_t i = 0; i < placed.size(); ++i) participants[i] = std::move(placed[i].participant);
}

}  // namespace

PolicyRef after_promotion(const PolicyRef& ref) {
    PolicyRef promoted = ref;
    promoted.kind = policy::enforced_twin(ref.kind).value_or(ref.kind);
    promoted.staged = false;
    return promoted;
}

Worlds arrange(const policy::CalicoView& view, bool as_calico) {
    Worlds worlds{.tiers = sorted_tiers(view), .participants = {}, .overlays = {}};

    std::map<std::string, std::size_t> rank;
    for (std::size_t i = 0; i < worlds.tiers.size(); ++i) rank[worlds.tiers[i].name] = i;
    for (const PolicyItem& item : view.policies) {
        const policy::Policy& policy = *item.value;
        const bool pending = takes_part_in_pending(policy, as_calico);
        if (policy.staged() && !pending) continue;
        worlds.participants.push_back({.policy = &policy,
                                       .ref = reference(policy),
                                       .tier = rank.at(policy.tier),
                                       .enforced = !policy.staged(),
                                       .pending = pending});
    }
    if (!as_calico) overlay(view, worlds);
    sort(worlds.participants, as_calico);
    return worlds;
}

}  // namespace drywall::ruleset
