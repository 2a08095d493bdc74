// Convert: what Kubernetes' resources mean in Calico's terms. Everything after `policy` knows Calico's terms only.
//
// Threads: pure functions.
// Source:  Calico's conversion of NetworkPolicy and ClusterNetworkPolicy (v3.32), of AdminNetworkPolicy and
//          BaselineAdminNetworkPolicy (v3.31), and of pods, namespaces and service accounts.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/policy/resources.h"

namespace drywall::policy {

inline constexpr double kKubernetesPolicyOrder = 1000;
inline constexpr std::string_view kAdminTier = "kube-admin";        // order 1000, Pass
inline constexpr std::string_view kBaselineTier = "kube-baseline";  // order 10000000, Pass

// A policy with `enforced_kind` kKubernetesNetworkPolicy (tier default, order 1000), staged as the given one is.
[[nodiscard]] Policy converted(const KubernetesNetworkPolicy& policy);

// A policy of the tier kube-admin or kube-baseline. A rule that can't be converted denies everything when it is Deny or
// Pass, and is left out when it is Allow (BaselineAdminNetworkPolicy: only Deny becomes deny-all), as in Calico.
[[nodiscard]] Policy converted(const AdminPolicy& policy);
[[nodiscard]] std::string_view tier_of(const AdminPolicy& policy) noexcept;

// Rules are numbered as converted, as Calico's flow logs number them: a written rule becomes one rule for each
// protocol of its ports (none, SCTP, TCP, UDP in this order) and, within it, for each peer; and a converted rule has
// the spot of the written one. This is the way back: the 0-based number of the written rule that a converted one came
// from, nothing for a number that is out of range.
[[nodiscard]] std::optional<std::size_t> written_rule(const KubernetesNetworkPolicy& policy, Direction direction,
                                                      std::size_t converted_rule);
[[nodiscard]] std::optional<std::size_t> written_rule(const AdminPolicy& policy, Direction direction,
                                                      std::size_t converted_rule);

// A rule that could not be converted, for those who warn about it.
struct FailedRule {
    Direction direction = Direction::kIngress;
    std::size_t rule = 0;     // as written, 0-based
    bool denies_all = false;  // else it was left out
    std::string reason;       // "network '10.0.0.0/33' is not a CIDR"
    Spot spot;
};
[[nodiscard]] std::vector<FailedRule> failed_rules(const AdminPolicy& policy);

// The endpoint that a pod is: nothing for pods of the host's network, finished ones and those without an address.
// Named `metadata.name` in its namespace; profiles kns.NAMESPACE and ksa.NAMESPACE.ACCOUNT.
[[nodiscard]] bool is_endpoint(const Pod& pod) noexcept;
[[nodiscard]] std::optional<WorkloadEndpoint> converted(const Pod& pod);

// kns.NAME: allows both ways; gives pcns. labels. ksa.NAMESPACE.NAME: no rules; gives pcsa. labels.
[[nodiscard]] Profile converted(const Namespace& ns);
[[nodiscard]] Profile converted(const ServiceAccount& account);

// An inventory in Calico's terms alone: policies, tiers, sets, endpoints, profiles, Felix's configuration; and the
// backends of services. Pointers reach into the inventory that it was made from, or into `owned`.
struct CalicoView {
    template <typename T>
    struct Item {
        ResourceId id;  // of the resource as it was written: kPod for an endpoint that is a pod
        const T* value = nullptr;
    };
    // Who answers for a service, as EndpointSlices say; every address with every port of its slice. A slice without
    // ports gives its addresses with protocol 0: they can be a rule's source, but no destination.
    struct Backend {
        net::Address address;
        std::uint8_t protocol = 6;
        std::uint16_t port = 0;  // 0: all ports
        auto operator<=>(const Backend&) const = default;
    };

    std::vector<Item<Policy>> policies;
    std::vector<Item<Tier>> tiers;
    std::vector<Item<NetworkSet>> sets;
    std::vector<Item<HostEndpoint>> hosts;
    std::vector<Item<WorkloadEndpoint>> workloads;
    std::map<std::string, const Profile*> profiles;  // the built-in one and those of namespaces included
    std::vector<Item<FelixConfiguration>> felix;
    std::map<std::pair<std::string, std::string>, std::vector<Backend>> services;  // by namespace and name; sorted
    std::vector<std::shared_ptr<const Resource>> owned;                            // what was made by conversion

    // The labels of a workload, host or set as selectors see them: own ones, Calico's additions, and what its profiles
    // apply (own labels win, then the first profile that has the key).
    [[nodiscard]] Labels labels_of(const WorkloadEndpoint& endpoint) const;
    [[nodiscard]] Labels labels_of(const HostEndpoint& endpoint) const;
    [[nodiscard]] Labels labels_of(const NetworkSet& set) const;
};

// The namespace and service account of a pod exist even when they were not given: they have then the labels
// kubernetes.io/metadata.name and projectcalico.org/name only. An explicit Profile wins over a converted one.
[[nodiscard]] CalicoView calico_view(const Inventory& inventory);

// The selectors of a policy or rule after Calico's scope rules: texts for policy::Selector, on the labels of
// CalicoView::labels_of().
// Source: Calico's "scope" rules: pcns. and pcsa. prefixes, namespace terms, all() and global() of namespaceSelector.
[[nodiscard]] std::string effective_selector(const Policy& policy);

struct EntityScope {
    std::optional<std::string> in;      // the address belongs to something that matches
    std::optional<std::string> not_in;  // and to nothing that matches this; only set when `in` is absent
};
[[nodiscard]] EntityScope effective_scope(const EntityRule& entity, const Policy& policy);

}  // namespace drywall::policy
