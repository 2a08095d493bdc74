// What the conversions of Kubernetes' policies share: label selectors as Calico's text, and ports grouped by protocol.
//
// Threads: pure functions.
// Source:  Calico's conversion of NetworkPolicy and ClusterNetworkPolicy.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/policy/kubernetes.h"
#include "drywall/policy/resources.h"
#include "drywall/policy/rule.h"

namespace drywall::policy::conversion {

inline constexpr std::string_view kNamespaceLabel = "projectcalico.org/namespace";
inline constexpr std::string_view kServiceAccountLabel = "projectcalico.org/serviceaccount";
inline constexpr std::string_view kNameLabel = "projectcalico.org/name";
inline constexpr std::string_view kMetadataNameLabel = "kubernetes.io/metadata.name";
inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr std::string_view kNamespacePrefix = "pcns.";
inline constexpr std::string_view kServiceAccountPrefix = "pcsa.";
inline constexpr std::string_view kOrchestrator = "k8s";

// Pods: always with the term for the orchestrator, so that neither hosts nor network sets match.
[[nodiscard]] std::string pod_selector(const LabelSelector& selector);
// Namespaces: nothing written is all().
[[nodiscard]] std::string namespace_selector(const LabelSelector& selector);

// The ports of one protocol; no ports at all: every port.
struct PortGroup {
    std::optional<std::uint8_t> protocol;
    std::vector<PortRange> ranges;
    std::vector<std::string> names;
};
// Sorted by the protocol's name, numbers sorted and merged. Without entries one group: any protocol, any port.
[[nodiscard]] std::vector<PortGroup> grouped(std::span<const KubernetesPort> ports);
[[nodiscard]] std::vector<PortGroup> grouped(std::span<const AdminPort> ports);

// The rule of one group and one peer.
[[nodiscard]] Rule rule_of(Action action, const PortGroup& ports, EntityRule peer, Direction direction, Spot spot);

// kns.NAMESPACE and ksa.NAMESPACE.ACCOUNT
[[nodiscard]] std::string namespace_profile(std::string_view ns);
[[nodiscard]] std::string account_profile(std::string_view ns, std::string_view account);

}  // namespace drywall::policy::conversion
