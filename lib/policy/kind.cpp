// The kinds and their names: one table.
#include "drywall/policy/kind.h"

#include <algorithm>
#include <array>

namespace drywall::policy {
namespace {

constexpr std::string_view kCalico = "projectcalico.org/v3";
constexpr std::string_view kNetworking = "networking.k8s.io/v1";
constexpr std::string_view kPolicyAlpha1 = "policy.networking.k8s.io/v1alpha1";
constexpr std::string_view kPolicyAlpha2 = "policy.networking.k8s.io/v1alpha2";
constexpr std::string_view kCore = "v1";
constexpr std::string_view kDiscovery = "discovery.k8s.io/v1";

struct KindText {
    Kind kind;
    std::string_view api_version;
    std::string_view document;  // what stands in `kind:`
    std::string_view name;
    std::string_view plural;
    std::string_view short_name;  // calicoctl's, kubectl's or flow logs'; ours where they have none
    bool namespaced;
};

constexpr std::array kKinds{
    KindText{Kind::kTier, kCalico, "Tier", "Tier", "Tiers", "tier", false},
    KindText{Kind::kGlobalNetworkPolicy, kCalico, "GlobalNetworkPolicy", "GlobalNetworkPolicy", "GlobalNetworkPolicies",
             "gnp", false},
    KindText{Kind::kStagedGlobalNetworkPolicy, kCalico, "StagedGlobalNetworkPolicy", "StagedGlobalNetworkPolicy",
             "StagedGlobalNetworkPolicies", "sgnp", false},
    KindText{Kind::kNetworkPolicy, kCalico, "NetworkPolicy", "NetworkPolicy", "NetworkPolicies", "np", true},
    KindText{Kind::kStagedNetworkPolicy, kCalico, "StagedNetworkPolicy", "StagedNetworkPolicy", "StagedNetworkPolicies",
             "snp", true},
    KindText{Kind::kStagedKubernetesNetworkPolicy, kCalico, "StagedKubernetesNetworkPolicy",
             "StagedKubernetesNetworkPolicy", "StagedKubernetesNetworkPolicies", "sknp", true},
    KindText{Kind::kGlobalNetworkSet, kCalico, "GlobalNetworkSet", "GlobalNetworkSet", "GlobalNetworkSets", "gns",
             false},
    KindText{Kind::kNetworkSet, kCalico, "NetworkSet", "NetworkSet", "NetworkSets", "ns", true},
    KindText{Kind::kHostEndpoint, kCalico, "HostEndpoint", "HostEndpoint", "HostEndpoints", "hep", false},
    KindText{Kind::kWorkloadEndpoint, kCalico, "WorkloadEndpoint", "WorkloadEndpoint", "WorkloadEndpoints", "wep",
             true},
    KindText{Kind::kProfile, kCalico, "Profile", "Profile", "Profiles", "pro", false},
    KindText{Kind::kFelixConfiguration, kCalico, "FelixConfiguration", "FelixConfiguration", "FelixConfigurations",
             "felixconfig", false},
    KindText{Kind::kKubernetesNetworkPolicy, kNetworking, "NetworkPolicy", "KubernetesNetworkPolicy",
             "KubernetesNetworkPolicies", "knp", true},
    KindText{Kind::kAdminNetworkPolicy, kPolicyAlpha1, "AdminNetworkPolicy", "AdminNetworkPolicy",
             "AdminNetworkPolicies", "kanp", false},
    KindText{Kind::kBaselineAdminNetworkPolicy, kPolicyAlpha1, "BaselineAdminNetworkPolicy",
             "BaselineAdminNetworkPolicy", "BaselineAdminNetworkPolicies", "kbanp", false},
    KindText{Kind::kClusterNetworkPolicy, kPolicyAlpha2, "ClusterNetworkPolicy", "KubernetesClusterNetworkPolicy",
             "KubernetesClusterNetworkPolicies", "kcnp", false},
    KindText{Kind::kNamespace, kCore, "Namespace", "Namespace", "Namespaces", "namespace", false},
    KindText{Kind::kServiceAccount, kCore, "ServiceAccount", "ServiceAccount", "ServiceAccounts", "sa", true},
    KindText{Kind::kPod, kCore, "Pod", "Pod", "Pods", "po", true},
    KindText{Kind::kNode, kCore, "Node", "Node", "Nodes", "no", false},
    KindText{Kind::kService, kCore, "Service", "Service", "Services", "svc", true},
    KindText{Kind::kEndpointSlice, kDiscovery, "EndpointSlice", "EndpointSlice", "EndpointSlices", "eps", true},
};

constexpr auto kKindsInOrder = [] {
    std::array<Kind, kKinds.size()> kinds{};
    std::transform(kKinds.begin(), kKinds.end(), kinds.begin(), [](const KindText& kind) { return kind.kind; });
    return kinds;
}();

const KindText& text_of(Kind kind) noexcept {
    const auto* found = std::find_if(kKinds.begin(), kKinds.end(), [&](const KindText& k) { return k.kind == kind; });
    return found == kKinds.end() ? kKinds.front() : *found;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
    return out;
}

bool same_letters(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view name(Kind kind) noexcept { return text_of(kind).name; }
std::string_view short_name(Kind kind) noexcept { return text_of(kind).short_name; }
std::string_view document_kind(Kind kind) noexcept { return text_of(kind).document; }
std::string_view api_version(Kind kind) noexcept { return text_of(kind).api_version; }
bool is_namespaced(Kind kind) noexcept { return text_of(kind).namespaced; }

std::optional<Kind> kind_of_document(std::string_view api_version, std::string_view kind) noexcept {
    for (const KindText& known : kKinds)
        if (known.api_version == api_version && known.document == kind) return known.kind;
    return std::nullopt;
}

std::optional<Kind> kind_by_name(std::string_view text) noexcept {
    for (const KindText& kind : kKinds)
        for (const std::string_view known : {kind.name, kind.plural, kind.short_name, kind.document})
            if (same_letters(known, text)) return kind.kind;
    return std::nullopt;
}

std::span<const Kind> all_kinds() noexcept { return kKindsInOrder; }

std::string ResourceId::text() const {
    std::string out = lower(policy::name(kind)) + '/';
    if (!ns.empty()) out += ns + '/';
    return out + name;
}

}  // namespace drywall::policy
