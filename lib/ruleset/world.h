// Worlds: which policies take part in the enforced and in the pending world, and in which order. One sorted list
// answers both: a world is the subsequence of those that take part in it.
//
// Threads: values, made and read by the builder of one generation. Pointers reach into the view it was made from.
// Source:  Calico's sorting of tiers and policies (v3.32), docs/life-of-a-policy.md.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

struct Participant {
    const policy::Policy* policy = nullptr;
    PolicyRef ref;
    std::size_t tier = 0;  // index into Worlds::tiers
    bool enforced = false;
    bool pending = false;

    [[nodiscard]] bool in(World world) const noexcept { return world == World::kEnforced ? enforced : pending; }
    [[nodiscard]] bool governs(Direction direction) const noexcept {
        return direction == Direction::kIngress ? policy->ingress_type : policy->egress_type;
    }
    [[nodiscard]] Chain chain() const noexcept {
        if (policy->do_not_track) return Chain::kUntracked;
        return policy->pre_dnat ? Chain::kPreDnat : Chain::kTiers;
    }
};

struct WorldTier {
    std::string name;
    double order = policy::kDefaultTierOrder;
    Action end = Action::kDeny;
};

struct Worlds {
    std::vector<WorldTier> tiers;           // in the order of evaluation
    std::vector<Participant> participants;  // by tier, then in the order of evaluation within it
    // A staged policy, and the enforced one that it replaces or removes in the pending world.
    std::vector<std::pair<PolicyRef, PolicyRef>> overlays;
};

// `as_calico`: staged policies are additional ones, sorted with their own kind; Delete does nothing, Ignore is like
// Set.
[[nodiscard]] Worlds arrange(const policy::CalicoView& view, bool as_calico);

// How the policy is named once it is enforced; an enforced one is named so already.
[[nodiscard]] PolicyRef after_promotion(const PolicyRef& ref);

}  // namespace drywall::ruleset
