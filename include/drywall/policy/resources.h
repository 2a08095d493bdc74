// Resources: what people wrote, typed. One struct per kind; nothing here is resolved or compiled.
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
#include "drywall/policy/selector.h"

namespace drywall::policy {

enum class Kind : std::uint8_t {
    kTier,
    kGlobalNetworkPolicy,
    kStagedGlobalNetworkPolicy,
    kGlobalNetworkSet,
    kHostEndpoint,
    kWorkloadEndpoint,
};

[[nodiscard]] std::string_view name(Kind kind) noexcept;        // "GlobalNetworkPolicy"
[[nodiscard]] std::string_view short_name(Kind kind) noexcept;  // "gnp"
[[nodiscard]] bool is_namespaced(Kind kind) noexcept;
// A kind by its name, plural or Calico short name, in any letter case: "gnp", "GlobalNetworkPolicies", "tier".
[[nodiscard]] std::optional<Kind> kind_by_name(std::string_view text) noexcept;
[[nodiscard]] const std::vector<Kind>& all_kinds() noexcept;

struct ResourceId {
    Kind kind{};
    std::string ns;  // empty for cluster-wide kinds
    std::string name;

    auto operator<=>(const ResourceId&) const = default;
    // "globalnetworkpolicy/web-to-db", "workloadendpoint/prod/web-1"
    [[nodiscard]] std::string text() const;
};

struct Metadata {
    std::string name;
    std::string ns;
    Labels labels;
    std::map<std::string, std::string> annotations;
    Place place;  // where the document's metadata.name stood; not part of the resource's content
};

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;  // inclusive, first <= last, both 1-65535
    bool operator==(const PortRange&) const = default;
};

struct EntityRule {
    std::vector<net::Prefix> nets;
    std::vector<net::Prefix> not_nets;
    std::optional<std::string> selector;  // text as written; it parses (checked when loaded)
    std::optional<std::string> not_selector;
    std::vector<PortRange> ports;
    std::vector<PortRange> not_ports;
    bool operator==(const EntityRule&) const = default;
};

struct Icmp {
    std::uint8_t type = 0;
    std::optional<std::uint8_t> code;
    bool operator==(const Icmp&) const = default;
};

struct Rule {
    Action action = Action::kDeny;
    std::optional<net::Family> ip_version;
    std::optional<std::uint8_t> protocol;
    std::optional<std::uint8_t> not_protocol;
    std::optional<Icmp> icmp;
    std::optional<Icmp> not_icmp;
    EntityRule source;
    EntityRule destination;
    std::map<std::string, std::string> annotations;  // metadata.annotations: no matching effect
    bool operator==(const Rule&) const = default;
};

enum class StagedAction : std::uint8_t { kSet, kDelete, kLearn, kIgnore };

inline constexpr std::string_view kDefaultTier = "default";
inline constexpr double kDefaultTierOrder = 1'000'000;

// GlobalNetworkPolicy and, with `staged_action`, StagedGlobalNetworkPolicy.
struct Policy {
    Metadata metadata;
    std::string tier{kDefaultTier};
    std::optional<double> order;  // absent: last
    std::string selector;         // "" = all()
    bool ingress_type = true;     // `types`, inferred when absent as Calico's client does
    bool egress_type = false;
    std::vector<Rule> ingress;
    std::vector<Rule> egress;
    bool apply_on_forward = false;
    std::optional<StagedAction> staged_action;  // set exactly for the staged kind

    [[nodiscard]] bool staged() const noexcept { return staged_action.has_value(); }
};

struct Tier {
    Metadata metadata;
    double order = kDefaultTierOrder;
    Action default_action = Action::kDeny;  // kDeny or kPass
};

struct GlobalNetworkSet {
    Metadata metadata;
    std::vector<net::Prefix> nets;
};

// A protected host behind the appliance (expectedIPs), or one of the appliance's own ports (interfaceName).
struct HostEndpoint {
    Metadata metadata;
    std::string node;
    std::string interface_name;
    std::vector<net::Address> expected_ips;
    std::vector<std::string> profiles;
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
    std::vector<net::Address> ip_networks;  // written as /32 or /128
    std::vector<std::string> profiles;
};

// The one profile that exists without being declared: it allows both ways.
inline constexpr std::string_view kDefaultAllowProfile = "projectcalico-default-allow";

using Resource = std::variant<Tier, Policy, GlobalNetworkSet, HostEndpoint, WorkloadEndpoint>;

[[nodiscard]] ResourceId id_of(const Resource& resource);
[[nodiscard]] const Metadata& metadata_of(const Resource& resource);

// The state of all resources at one moment. Copying it copies pointers only.
using Inventory = std::map<ResourceId, std::shared_ptr<const Resource>>;

// The checks that need more than one resource: a policy's tier exists, a tier to be deleted is empty, no address
// belongs to two endpoints, profiles are known. Every complaint carries the place of the resource it is about. A fresh
// Inventory starts as `initial_inventory()`.
[[nodiscard]] Status check(const Inventory& inventory);

// The same, and that HostEndpoints agree with the names of the appliance's ports: a port has no addresses and one
// HostEndpoint at most; an interface that is no port needs expectedIPs, or it would protect nothing.
[[nodiscard]] Status check(const Inventory& inventory, const std::vector<std::string>& own_ports);

// What is there before anyone wrote anything: the default tier.
[[nodiscard]] Inventory initial_inventory();

// The enforced policy that a staged one becomes: same name and content, without stagedAction. REQUIRES: staged.staged()
[[nodiscard]] Policy promoted(const Policy& staged);

// Labels that selectors see on an endpoint: its own, and those that Calico adds (namespace, orchestrator).
[[nodiscard]] Labels effective_labels(const WorkloadEndpoint& endpoint);

}  // namespace drywall::policy
