// Staging: the plans that move policies between what is enforced and what is rehearsed. As those of plan.h, they change
// nothing by themselves.
//
// Threads: pure functions on values.
#pragma once

#include <span>

#include "plan.h"

namespace drywall::control {

// The one enforced policy that is meant and can be staged. kNotFound with what there is, kInvalid with the candidates
// if there are several.
[[nodiscard]] Result<policy::ResourceId> find_enforced(const policy::Inventory& inventory, const StagedName& wanted);

// The inverse of plan_promote(): the enforced policy goes, and the staged one of its name is there instead
// (stagedAction Set). A warning says that it is not enforced any more. kConflict where something of that name is
// staged.
[[nodiscard]] Result<Plan> plan_demote(const policy::Inventory& before, const policy::ResourceId& enforced);

// As plan_apply(), with every enforced policy of the sources turned into its staged kind. What is no policy is applied
// as it is. kRefused for policies of kinds that can't be staged.
[[nodiscard]] Result<Plan> plan_stage(const policy::Inventory& before, std::span<const loader::Source> sources);

}  // namespace drywall::control
