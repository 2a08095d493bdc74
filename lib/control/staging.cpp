#include "staging.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "drywall/explain/site.h"

namespace drywall::control {

namespace {

using policy::Inventory;
using policy::Resource;
using policy::ResourceId;
using policy::StagedAction;

// The staged resource that an enforced policy becomes; nothing for what is no enforced policy, or can't be staged.
std::optional<Resource> staged_form(const Resource& resource) {
    if (!policy::staged_twin(policy::kind_of(resource))) return std::nullopt;
    Resource staged = resource;
    if (auto* one = std::get_if<policy::Policy>(&staged)) one->staged_action = StagedAction::kSet;
    if (auto* one = std::get_if<policy::KubernetesNetworkPolicy>(&staged)) one->staged_action = StagedAction::kSet;
    return staged;
}

bool is_policy_that_cannot_be_staged(const Resource& resource) {
    return std::holds_alternative<policy::AdminPolicy>(resource);
}

std::string enforced_names(const Inventory& inventory) {
    std::string names;
    for (const auto& [id, resource] : inventory)
        if (policy::staged_twin(id.kind)) names += (names.empty() ? "" : ", ") + id.text();
    return names;
}

}  // namespace

Result<ResourceId> find_enforced(const Inventory& inventory, const StagedName& wanted) {
    if (wanted.kind && !policy::staged_twin(*wanted.kind))
        return Error::of(
            ErrorKind::kInvalid,
            std::string(policy::name(*wanted.kind)) + " is not a kind of enforced policy that can be staged",
            "the kinds are gnp, np and knp");
    std::string candidates;
    std::optional<ResourceId> found;
    std::size_t count = 0;
    for (const auto& [id, resource] : inventory) {
        const bool meant = policy::staged_twin(id.kind) && id.name == wanted.name &&
                           (!wanted.kind || id.kind == *wanted.kind) && (!wanted.ns || id.ns == *wanted.ns);
        if (!meant) continue;
        found = id;
        ++count;
        candidates += (candidates.empty() ? "" : ", ") + id.text();
    }
    if (count == 1) return *found;
    const std::string name = (wanted.ns ? *wanted.ns + '/' : std::string()) + wanted.name;
    if (count == 0) {
        const std::string names = enforced_names(inventory);
        return Error::of(ErrorKind::kNotFound, "there is no enforced policy '" + name + "'",
                         names.empty() ? "nothing is enforced at all" : "enforced are: " + names);
    }
    return Error::of(
        ErrorKind::kInvalid, "'" + name + "' names more than one enforced policy: " + candidates,
        "name the one that you mean with its kind and namespace: " + std::string(policy::short_name(found->kind)) +
            '/' + (found->ns.empty() ? "" : found->ns + '/') + found->name);
}

Result<Plan> plan_demote(const Inventory& before, const ResourceId& enforced) {
    const auto found = before.find(enforced);
    if (found == before.end())
        return Error::of(ErrorKind::kNotFound, enforced.text() + " does not exist",
                         "`drywall get` lists what there is");
    std::optional<Resource> staged = staged_form(*found->second);
    if (!staged)
        return Error::of(ErrorKind::kInvalid, enforced.text() + " is not an enforced policy that can be staged",
                         "only GlobalNetworkPolicy, NetworkPolicy and Kubernetes' NetworkPolicy can be demoted");
    const ResourceId target = policy::id_of(*staged);
    if (before.contains(target))
        return Error::of(ErrorKind::kConflict, target.text() + " exists already, and would be overwritten",
                         "promote or delete it first, or keep what it says in a file");
    Plan plan{before, {}};
    plan.after.erase(enforced);
    plan.changes.push_back({target, put(plan.after, *std::move(staged))});
    plan.changes.push_back({enforced, Outcome::kDeleted});
    plan.warnings.push_back({policy::metadata_of(*found->second).place,
                             enforced.text() + " is not enforced any more: what it denied, other rules decide now",
                             "`drywall promote` enforces it again",
                             {std::string(policy::document_kind(enforced.kind)), enforced.ns, enforced.name}});
    return plan;
}

Result<Plan> plan_stage(const Inventory& before, std::span<const loader::Source> sources) {
    Result<loader::Loaded> loaded = explain::gather(sources, before);
    if (!loaded) return std::move(loaded).error();
    Error refused{ErrorKind::kRefused, {}};
    Error twice{ErrorKind::kInvalid, {}};
    Plan plan{before, {}, std::move(loaded->warnings)};
    std::map<ResourceId, Place> seen;
    for (Resource& resource : loaded->resources) {
        const Place place = policy::metadata_of(resource).place;
        if (is_policy_that_cannot_be_staged(resource))
            refused.complaints.push_back({place,
                                          std::string(policy::document_kind(policy::kind_of(resource))) +
                                              " has no staged kind, and would be enforced",
                                          "apply it when it shall be; or write it as a GlobalNetworkPolicy"});
        if (std::optional<Resource> staged = staged_form(resource)) resource = *std::move(staged);
        const ResourceId id = policy::id_of(resource);
        if (const auto [first, fresh] = seen.emplace(id, place); !fresh)
            twice.complaints.push_back({place, id.text() + " is staged twice by this request",
                                        "it stands at " + first->second.text() + " too"});
        plan.changes.push_back({id, put(plan.after, std::move(resource))});
    }
    if (!twice.complaints.empty()) return twice;
    if (!refused.complaints.empty()) return refused;
    return plan;
}

}  // namespace drywall::control
