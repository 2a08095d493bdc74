// World: the tiers and policies that one world consists of, in the order in which they are evaluated.
//
// Threads: immutable once built.
// Life:    pointers reach into the CalicoView that it was made from.
// Source:  Calico's sorting (v3.32); design, section 2, for what staged policies do to the pending world.
#pragma once

#include <string>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/policy/convert.h"
#include "rule_match.h"

namespace drywall::reference {

struct ReadPolicy {
    const policy::Policy* policy = nullptr;
    policy::Selector selector = policy::Selector::all();  // after Calico's scope rules
    std::vector<ReadRule> ingress;
    std::vector<ReadRule> egress;

    [[nodiscard]] bool governs(Direction direction) const {
        return direction == Direction::kIngress ? policy->ingress_type : policy->egress_type;
    }
    [[nodiscard]] const std::vector<ReadRule>& rules(Direction direction) const {
        return direction == Direction::kIngress ? ingress : egress;
    }
};

struct WorldTier {
    std::string name;
    Action default_action = Action::kDeny;
    std::vector<ReadPolicy> policies;
};

struct WorldPolicies {
    std::vector<WorldTier> tiers;
    // An end of a tier is named after the first policy that applied, as Calico's pending traces are; else after the
    // last.
    bool end_names_first = false;
};

// What is enforced: no staged policy takes part.
[[nodiscard]] WorldPolicies enforced_world(const policy::CalicoView& view);

// What would be enforced once every staged policy was promoted.
[[nodiscard]] WorldPolicies pending_world(const policy::CalicoView& view);

// What open-source Calico shows as pending: staged policies are additional ones; Delete does nothing, Ignore is like
// Set.
[[nodiscard]] WorldPolicies pending_world_as_calico(const policy::CalicoView& view);

}  // namespace drywall::reference
