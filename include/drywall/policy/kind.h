// Kind: what sort of resource a document is, and the names that people know it by.
//
// Threads: values and constants.
// Source:  projectcalico.org/v3; networking.k8s.io/v1; policy.networking.k8s.io v1alpha1 and v1alpha2; Kubernetes v1.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace drywall::policy {

enum class Kind : std::uint8_t {
    // projectcalico.org/v3
    kTier,
    kGlobalNetworkPolicy,
    kStagedGlobalNetworkPolicy,
    kNetworkPolicy,
    kStagedNetworkPolicy,
    kStagedKubernetesNetworkPolicy,
    kGlobalNetworkSet,
    kNetworkSet,
    kHostEndpoint,
    kWorkloadEndpoint,
    kProfile,
    kFelixConfiguration,
    // Kubernetes: policies
    kKubernetesNetworkPolicy,     // networking.k8s.io/v1 NetworkPolicy
    kAdminNetworkPolicy,          // policy.networking.k8s.io/v1alpha1
    kBaselineAdminNetworkPolicy,  // policy.networking.k8s.io/v1alpha1
    kClusterNetworkPolicy,        // policy.networking.k8s.io/v1alpha2
    // Kubernetes: inventory
    kNamespace,
    kServiceAccount,
    kPod,
    kNode,
    kService,
    kEndpointSlice,
};

// Unique: "GlobalNetworkPolicy"; Kubernetes' own NetworkPolicy is "KubernetesNetworkPolicy", as in Calico.
[[nodiscard]] std::string_view name(Kind kind) noexcept;
[[nodiscard]] std::string_view short_name(Kind kind) noexcept;  // "gnp", "knp", "kcnp"
// What stands in a document: "NetworkPolicy" with "networking.k8s.io/v1".
[[nodiscard]] std::string_view document_kind(Kind kind) noexcept;
[[nodiscard]] std::string_view api_version(Kind kind) noexcept;
[[nodiscard]] bool is_namespaced(Kind kind) noexcept;
// The kind of a document. Nothing for an apiVersion or kind that is not known.
[[nodiscard]] std::optional<Kind> kind_of_document(std::string_view api_version, std::string_view kind) noexcept;
// A kind by its name, plural or short name, in any letter case: "gnp", "GlobalNetworkPolicies", "tier", "knp". A bare
// "networkpolicy" is Calico's.
[[nodiscard]] std::optional<Kind> kind_by_name(std::string_view text) noexcept;
[[nodiscard]] std::span<const Kind> all_kinds() noexcept;

struct ResourceId {
    Kind kind{};
    std::string ns;  // empty for cluster-wide kinds
    std::string name;

    auto operator<=>(const ResourceId&) const = default;
    // "globalnetworkpolicy/web-to-db", "workloadendpoint/prod/web-1"
    [[nodiscard]] std::string text() const;
};

}  // namespace drywall::policy
