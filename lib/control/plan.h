// Plan: what a request wants the inventory to become, and what the answer will say about each object. Making one
// changes nothing; the controller carries it out.
//
// Threads: pure functions on values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/control/controller.h"
#include "drywall/loader/resources.h"
#include "drywall/policy/resources.h"

namespace drywall::control {

struct Plan {
    policy::Inventory after;
    std::vector<Change> changes;
    std::vector<Complaint> warnings{};  // about the request's own text

    [[nodiscard]] bool changes_something() const noexcept;
};

// Creates or replaces it, unless it means the same as what is there.
Outcome put(policy::Inventory& inventory, policy::Resource resource);

// Create or replace, all documents of all sources. A resource that means the same as the one that is there stays as it
// is; two documents about the same resource are a mistake in the request.
[[nodiscard]] Result<Plan> plan_apply(const policy::Inventory& before, std::span<const loader::Source> sources);

[[nodiscard]] Result<Plan> plan_remove(const policy::Inventory& before, std::span<const policy::ResourceId> ids);

// The inventory becomes `wanted`: what is missing there goes.
[[nodiscard]] Plan plan_become(const policy::Inventory& before, const policy::Inventory& wanted);

// The resources of the sources become all that there is.
[[nodiscard]] Result<Plan> plan_restore(const policy::Inventory& before, std::span<const loader::Source> sources);

// A staged policy as people name it: what is left out is looked for.
struct StagedName {
    std::optional<policy::Kind> kind;
    std::optional<std::string> ns;
    std::string name;
};

// The one staged policy that is meant. kNotFound with what there is, kInvalid with the candidates if there are several.
[[nodiscard]] Result<policy::ResourceId> find_staged(const policy::Inventory& inventory, const StagedName& wanted);

// As Controller::promote().
[[nodiscard]] Result<Plan> plan_promote(const policy::Inventory& before, const policy::ResourceId& staged);

}  // namespace drywall::control
