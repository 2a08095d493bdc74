#include "plan.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "drywall/explain/site.h"

namespace drywall::control {

namespace {

using policy::Inventory;
using policy::Kind;
using policy::Policy;
using policy::Resource;
using policy::ResourceId;
using policy::StagedAction;

constexpr std::size_t kMaxComplaints = 1000;

// An answer of bounded size that says what it leaves out.
Error shortened(Error error) {
    if (error.complaints.size() <= kMaxComplaints) return error;
    const std::size_t more = error.complaints.size() - kMaxComplaints;
    error.complaints.resize(kMaxComplaints);
    error.complaints.push_back({{}, "and " + std::to_string(more) + " more problems that are not listed"});
    return error;
}

}  // namespace

Outcome put(Inventory& inventory, Resource resource) {
    const ResourceId id = policy::id_of(resource);
    const auto known = inventory.find(id);
    if (known == inventory.end()) {
        inventory.emplace(id, std::make_shared<const Resource>(std::move(resource)));
        return Outcome::kCreated;
    }
    if (loader::to_json(*known->second) == loader::to_json(resource)) return Outcome::kUnchanged;
    known->second = std::make_shared<const Resource>(std::move(resource));
    return Outcome::kConfigured;
}

namespace {

std::string known_names(const Inventory& inventory, Kind kind) {
    std::string names;
    std::size_t count = 0;
    for (const auto& [id, resource] : inventory) {
        if (id.kind != kind) continue;
        if (++count > 8) return names + ", ...";
        names += (names.empty() ? "" : ", ") + (id.ns.empty() ? id.name : id.ns + '/' + id.name);
    }
    return names;
}

Complaint missing(const Inventory& inventory, const ResourceId& id) {
    const std::string names = known_names(inventory, id.kind);
    return {{},
            id.text() + " does not exist",
            names.empty() ? "there is no " + std::string(policy::name(id.kind)) + " at all" : "there are: " + names};
}

Error ignored(const ResourceId& id) {
    return Error::of(ErrorKind::kRefused,
                     id.text() + " has stagedAction: Ignore, which says that it shall take part in nothing",
                     "set stagedAction to Set (or Delete) and apply it, look at its effect, then promote it");
}

}  // namespace

bool Plan::changes_something() const noexcept {
    return std::any_of(changes.begin(), changes.end(),
                       [](const Change& change) { return change.outcome != Outcome::kUnchanged; });
}

Result<Plan> plan_apply(const Inventory& before, std::span<const loader::Source> sources) {
    Result<loader::Loaded> loaded = explain::gather(sources, before);
    if (!loaded) return shortened(std::move(loaded).error());

    Plan plan{before, {}, std::move(loaded->warnings)};
    for (Resource& resource : loaded->resources) {
        const ResourceId id = policy::id_of(resource);
        plan.changes.push_back({id, put(plan.after, std::move(resource))});
    }
    return plan;
}

Result<Plan> plan_remove(const Inventory& before, std::span<const ResourceId> ids) {
    Plan plan{before, {}};
    Error absent{ErrorKind::kNotFound, {}};
    for (const ResourceId& id : ids) {
        if (id.kind == Kind::kTier && policy::initial_inventory().contains(id))
            return Error::of(ErrorKind::kRefused, "the tier '" + id.name + "' can't be deleted",
                             "it is always there; delete the policies that it holds instead");
        if (plan.after.erase(id) == 1) {
            plan.changes.push_back({id, Outcome::kDeleted});
        } else {
            absent.complaints.push_back(missing(before, id));
        }
    }
    if (!absent.complaints.empty()) return shortened(std::move(absent));
    if (plan.changes.empty()) return Error::of(ErrorKind::kInvalid, "the request names nothing to delete");
    return plan;
}

Plan plan_become(const Inventory& before, const Inventory& wanted) {
    Plan plan{before, {}};
    for (const auto& [id, resource] : wanted) {
        const auto known = before.find(id);
        // The same object, or another one that means the same: then the old one stays.
        if (known != before.end() &&
            (known->second == resource || loader::to_json(*known->second) == loader::to_json(*resource)))
            continue;
        plan.after[id] = resource;
        plan.changes.push_back({id, known == before.end() ? Outcome::kCreated : Outcome::kConfigured});
    }
    for (const auto& [id, resource] : before)
        if (!wanted.contains(id) && plan.after.erase(id) == 1) plan.changes.push_back({id, Outcome::kDeleted});
    return plan;
}

Result<Plan> plan_restore(const Inventory& before, std::span<const loader::Source> sources) {
    const Inventory nothing = policy::initial_inventory();
    Result<Plan> wanted = plan_apply(nothing, sources);
    if (!wanted) return wanted;
    Plan plan = plan_become(before, wanted->after);
    plan.warnings = std::move(wanted->warnings);
    return plan;
}

Result<ResourceId> find_staged(const Inventory& inventory, const StagedName& wanted) {
    if (wanted.kind && !policy::enforced_twin(*wanted.kind))
        return Error::of(ErrorKind::kInvalid,
                         std::string(policy::name(*wanted.kind)) + " is not a kind of staged policy",
                         "the kinds are sgnp, snp and sknp");
    std::vector<ResourceId> found;
    std::string staged;  // all of them, for a name that is none
    for (const auto& [id, resource] : inventory) {
        if (!policy::enforced_twin(id.kind)) continue;
        staged += (staged.empty() ? "" : ", ") + id.text();
        const bool meant =
            id.name == wanted.name && (!wanted.kind || id.kind == *wanted.kind) && (!wanted.ns || id.ns == *wanted.ns);
        if (meant) found.push_back(id);
    }
    if (found.size() == 1) return found.front();
    const std::string name = (wanted.ns ? *wanted.ns + '/' : std::string()) + wanted.name;
    if (found.empty())
        return Error::of(ErrorKind::kNotFound, "there is no staged policy '" + name + "'",
                         staged.empty() ? "nothing is staged at all" : "staged are: " + staged);
    std::string candidates;
    for (const ResourceId& id : found) candidates += (candidates.empty() ? "" : ", ") + id.text();
    return Error::of(ErrorKind::kInvalid, "'" + name + "' names more than one staged policy: " + candidates,
                     "name the one that you mean with its kind and namespace: " +
                         std::string(policy::short_name(found.front().kind)) + '/' +
                         (found.front().ns.empty() ? "" : found.front().ns + '/') + found.front().name);
}

namespace {

// What the staged resource becomes; nothing if it is no staged policy.
struct Promotion {
    StagedAction action;
    Resource enforced;
};

std::optional<Promotion> promotion_of(const Resource& resource) {
    if (const auto* policy = std::get_if<Policy>(&resource); policy != nullptr && policy->staged())
        return Promotion{*policy->staged_action, policy::promoted(*policy)};
    if (const auto* policy = std::get_if<policy::KubernetesNetworkPolicy>(&resource);
        policy != nullptr && policy->staged_action)
        return Promotion{*policy->staged_action, policy::promoted(*policy)};
    return std::nullopt;
}

}  // namespace

Result<Plan> plan_promote(const Inventory& before, const ResourceId& staged) {
    const auto found = before.find(staged);
    if (found == before.end()) return Error{ErrorKind::kNotFound, {missing(before, staged)}};
    std::optional<Promotion> promotion = promotion_of(*found->second);
    if (!promotion)
        return Error::of(ErrorKind::kInvalid, staged.text() + " is not a staged policy",
                         "only staged policies can be promoted");
    if (promotion->action == StagedAction::kIgnore) return ignored(staged);

    const ResourceId target = policy::id_of(promotion->enforced);
    Plan plan{before, {}};
    if (promotion->action == StagedAction::kDelete) {
        if (plan.after.erase(target) == 1) plan.changes.push_back({target, Outcome::kDeleted});
    } else {
        const Outcome outcome = put(plan.after, std::move(promotion->enforced));
        plan.changes.push_back({target, outcome});
    }
    plan.after.erase(staged);
    plan.changes.push_back({staged, Outcome::kDeleted});
    return plan;
}

}  // namespace drywall::control
