// Resources: what people wrote, typed. Nothing here is resolved or compiled. Kubernetes' own resources are in
// policy/kubernetes.h; policy/convert.h says what they mean in the terms of the ones here.
//
// Threads: values. An Inventory is copied to change it; resources themselves are shared and immutable.
// Source:  projectcalico.org/v3.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/net/address.h"
#include "drywall/policy/kind.h"
#include "drywall/policy/kubernetes.h"
#include "drywall/policy/metadata.h"
#include "drywall/policy/rule.h"
#include "drywall/policy/selector.h"

namespace drywall::policy {

enum class StagedAction : std::uint8_t { kSet, kDelete, kLearn, kIgnore };

inline constexpr std::string_view kDefaultTier = "default";
inline constexpr double kDefaultTierOrder = 1'000'000;

// Every policy kind is this in the end: Calico's four as they are written, Kubernetes' ones after policy/convert.h.
struct Policy {
    Metadata metadata;
    // What it is, or will be once promoted: kGlobalNetworkPolicy, kNetworkPolicy, or the kind it was converted from
    // (kKubernetesNetworkPolicy, kAdminNetworkPolicy, kBaselineAdminNetworkPolicy, kClusterNetworkPolicy).
    Kind enforced_kind = Kind::kGlobalNetworkPolicy;
    std::string tier{kDefaultTier};
    Spot tier_spot{};                      // where it was written
    std::optional<double> order;           // absent: last
    std::string selector;                  // "" = all()
    std::string namespace_selector;        // "" = no restriction; global policies only
    std::string service_account_selector;  // "" = no restriction
    bool ingress_type = true;              // `types`, inferred when absent as Calico's client does
    bool egress_type = false;
    std::vector<Rule> ingress;
    std::vector<Rule> egress;
    bool do_not_track = false;
    bool pre_dnat = false;
    bool apply_on_forward = false;
    std::vector<std::string> performance_hints;  // no effect on verdicts
    std::optional<StagedAction> staged_action;   // set exactly for the staged kinds

    [[nodiscard]] bool staged() const noexcept { return staged_action.has_value(); }
    // The staged kind for a staged policy, `enforced_kind` for the others.
    [[nodiscard]] Kind kind() const noexcept;
};

// The staged twin of an enforced kind, and the other way around; nothing for kinds that have none.
[[nodiscard]] std::optional<Kind> staged_twin(Kind enforced) noexcept;
[[nodiscard]] std::optional<Kind> enforced_twin(Kind staged) noexcept;

struct Tier {
    Metadata metadata;
    double order = kDefaultTierOrder;
    Action default_action = Action::kDeny;  // kDeny or kPass
};

// GlobalNetworkSet, or NetworkSet of a namespace.
struct NetworkSet {
    Metadata metadata;
    bool global = true;
    std::vector<net::Prefix> nets;
    // Names or patterns (net/domain_name.h), folded. Where the destination of an egress rule that Allows selects the
    // set, an address that is known by one of them belongs to it, too; elsewhere they have no effect.
    std::vector<std::string> allowed_egress_domains;
};

// A protected host behind the appliance (expectedIPs), or one of the appliance's own ports (interfaceName).
struct HostEndpoint {
    Metadata metadata;
    std::string node;
    std::string interface_name;
    std::vector<net::Address> expected_ips;
    std::vector<std::string> profiles;
    std::vector<NamedPort> ports;
};

struct WorkloadEndpoint {
    Metadata metadata;
    std::string node;
    std::string orchestrator;
    std::string workload;
    std::string pod;
    std::string endpoint;
    std::string container_id;
    std::string interface_name;
    std::string mac;
    std::string service_account;
    std::vector<net::Address> ip_networks;  // written as /32 or /128
    std::vector<std::string> profiles;
    std::vector<NamedPort> ports;
};

// The profile that exists without being declared: it allows both ways.
inline constexpr std::string_view kDefaultAllowProfile = "projectcalico-default-allow";

struct Profile {
    Metadata metadata;
    std::vector<Rule> ingress;
    std::vector<Rule> egress;
    Labels labels_to_apply;
};

// A port of a protected host that is always open.
struct FailsafePort {
    std::uint8_t protocol = 6;       // TCP or UDP
    std::uint16_t port = 0;          // destination
    std::optional<net::Prefix> net;  // inbound: the source is in it; outbound: the destination is
    bool operator==(const FailsafePort&) const = default;
};

// `default`, or `node.<name>` for the HostEndpoints of one node. Only what affects policy is kept.
struct FelixConfiguration {
    Metadata metadata;
    std::optional<std::vector<FailsafePort>> failsafe_inbound;  // absent: Calico's defaults; empty: none
    std::optional<std::vector<FailsafePort>> failsafe_outbound;
};

using Resource =
    std::variant<Tier, Policy, NetworkSet, HostEndpoint, WorkloadEndpoint, Profile, FelixConfiguration,
                 KubernetesNetworkPolicy, AdminPolicy, Namespace, ServiceAccount, Pod, Node, Service, EndpointSlice>;

[[nodiscard]] Kind kind_of(const Resource& resource) noexcept;
[[nodiscard]] ResourceId id_of(const Resource& resource);
[[nodiscard]] const Metadata& metadata_of(const Resource& resource);

// The state of all resources at one moment. Copying it copies pointers only.
using Inventory = std::map<ResourceId, std::shared_ptr<const Resource>>;

// The checks that need more than one resource: a policy's tier exists, a tier to be deleted is empty, no address
// belongs to two endpoints. Every complaint carries the place of the resource it is about. A fresh Inventory starts as
// `initial_inventory()`.
[[nodiscard]] Status check(const Inventory& inventory);

// The same, and that HostEndpoints agree with the names of the appliance's ports: a port has no addresses; an interface
// that is no port needs expectedIPs, or it would protect nothing.
[[nodiscard]] Status check(const Inventory& inventory, const std::vector<std::string>& own_ports);

// What is there before anyone wrote anything: the tiers default, kube-admin and kube-baseline.
[[nodiscard]] Inventory initial_inventory();

// The enforced policy that a staged one becomes: same name and content, without stagedAction. REQUIRES: staged.staged()
[[nodiscard]] Policy promoted(const Policy& staged);
[[nodiscard]] KubernetesNetworkPolicy promoted(const KubernetesNetworkPolicy& staged);

// Labels that selectors see on an endpoint: its own, and those that Calico adds (namespace, orchestrator, service
// account). Without what profiles apply.
[[nodiscard]] Labels effective_labels(const WorkloadEndpoint& endpoint);

}  // namespace drywall::policy
