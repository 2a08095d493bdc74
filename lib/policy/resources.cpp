#include "drywall/policy/resources.h"

#include <utility>

#include "drywall/policy/convert.h"

namespace drywall::policy {
namespace {

struct KindOf {
    Kind operator()(const Tier&) const noexcept { return Kind::kTier; }
    Kind operator()(const Policy& policy) const noexcept { return policy.kind(); }
    Kind operator()(const NetworkSet& set) const noexcept {
        return set.global ? Kind::kGlobalNetworkSet : Kind::kNetworkSet;
    }
    Kind operator()(const HostEndpoint&) const noexcept { return Kind::kHostEndpoint; }
    Kind operator()(const WorkloadEndpoint&) const noexcept { return Kind::kWorkloadEndpoint; }
    Kind operator()(const Profile&) const noexcept { return Kind::kProfile; }
    Kind operator()(const FelixConfiguration&) const noexcept { return Kind::kFelixConfiguration; }
    Kind operator()(const KubernetesNetworkPolicy& policy) const noexcept {
        return policy.staged_action ? Kind::kStagedKubernetesNetworkPolicy : Kind::kKubernetesNetworkPolicy;
    }
    Kind operator()(const AdminPolicy& policy) const noexcept {
        switch (policy.form) {
            case AdminPolicy::Form::kAdmin: return Kind::kAdminNetworkPolicy;
            case AdminPolicy::Form::kBaselineAdmin: return Kind::kBaselineAdminNetworkPolicy;
            case AdminPolicy::Form::kCluster: break;
        }
        return Kind::kClusterNetworkPolicy;
    }
    Kind operator()(const Namespace&) const noexcept { return Kind::kNamespace; }
    Kind operator()(const ServiceAccount&) const noexcept { return Kind::kServiceAccount; }
    Kind operator()(const Pod&) const noexcept { return Kind::kPod; }
    Kind operator()(const Node&) const noexcept { return Kind::kNode; }
    Kind operator()(const Service&) const noexcept { return Kind::kService; }
    Kind operator()(const EndpointSlice&) const noexcept { return Kind::kEndpointSlice; }
};

constexpr std::pair<Kind, Kind> kTwins[] = {
    {Kind::kGlobalNetworkPolicy, Kind::kStagedGlobalNetworkPolicy},
    {Kind::kNetworkPolicy, Kind::kStagedNetworkPolicy},
    {Kind::kKubernetesNetworkPolicy, Kind::kStagedKubernetesNetworkPolicy},
};

void add_tier(Inventory& inventory, std::string_view name, double order, Action default_action) {
    Tier tier;
    tier.metadata.name = name;
    tier.order = order;
    tier.default_action = default_action;
    auto resource = std::make_shared<const Resource>(std::move(tier));
    inventory.emplace(id_of(*resource), resource);
}

}  // namespace

std::optional<Kind> staged_twin(Kind enforced) noexcept {
    for (const auto& [plain, staged] : kTwins)
        if (plain == enforced) return staged;
    return std::nullopt;
}

std::optional<Kind> enforced_twin(Kind staged) noexcept {
    for (const auto& [plain, twin] : kTwins)
        if (twin == staged) return plain;
    return std::nullopt;
}

Kind Policy::kind() const noexcept {
    return staged() ? staged_twin(enforced_kind).value_or(enforced_kind) : enforced_kind;
}

Kind kind_of(const Resource& resource) noexcept { return std::visit(KindOf{}, resource); }

const Metadata& metadata_of(const Resource& resource) {
    return std::visit([](const auto& r) -> const Metadata& { return r.metadata; }, resource);
}

ResourceId id_of(const Resource& resource) {
    const Metadata& metadata = metadata_of(resource);
    const Kind kind = kind_of(resource);
    return {kind, is_namespaced(kind) ? metadata.ns : std::string(), metadata.name};
}

Inventory initial_inventory() {
    Inventory inventory;
    add_tier(inventory, kDefaultTier, kDefaultTierOrder, Action::kDeny);
    add_tier(inventory, kAdminTier, 1'000, Action::kPass);
    add_tier(inventory, kBaselineTier, 10'000'000, Action::kPass);
    return inventory;
}

Policy promoted(const Policy& staged) {
    Policy enforced = staged;
    enforced.staged_action.reset();
    return enforced;
}

KubernetesNetworkPolicy promoted(const KubernetesNetworkPolicy& staged) {
    KubernetesNetworkPolicy enforced = staged;
    enforced.staged_action.reset();
    return enforced;
}

Labels effective_labels(const WorkloadEndpoint& endpoint) {
    Labels labels;
    // pcns. and pcsa. labels come from namespaces and service accounts only: written by hand, they would forge them.
    for (const auto& [key, value] : endpoint.metadata.labels)
        if (!key.starts_with("pcns.") && !key.starts_with("pcsa.")) labels.emplace(key, value);
    labels["projectcalico.org/namespace"] = endpoint.metadata.ns;
    if (endpoint.orchestrator.empty()) {
        labels.erase("projectcalico.org/orchestrator");
    } else {
        labels["projectcalico.org/orchestrator"] = endpoint.orchestrator;
    }
    labels.erase("projectcalico.org/serviceaccount");
    if (!endpoint.service_account.empty()) labels["projectcalico.org/serviceaccount"] = endpoint.service_account;
    return labels;
}

}  // namespace drywall::policy
