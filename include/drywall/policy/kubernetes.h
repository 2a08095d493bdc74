// Kubernetes' own resources, as their authors write them: policies, and the inventory that they are about. What they
// mean in Calico's terms is in policy/convert.h.
//
// Threads: values.
// Source:  networking.k8s.io/v1 NetworkPolicy; policy.networking.k8s.io v1alpha1 (AdminNetworkPolicy,
//          BaselineAdminNetworkPolicy) and v1alpha2 (ClusterNetworkPolicy); v1; discovery.k8s.io/v1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drywall/net/address.h"
#include "drywall/policy/metadata.h"
#include "drywall/policy/rule.h"

namespace drywall::policy {

enum class StagedAction : std::uint8_t;

// metav1.LabelSelector. Nothing written selects everything.
struct LabelRequirement {
    enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist };
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;
    bool operator==(const LabelRequirement&) const = default;
};
struct LabelSelector {
    std::map<std::string, std::string> match_labels;
    std::vector<LabelRequirement> match_expressions;
    bool operator==(const LabelSelector&) const = default;
};

// An entry of a NetworkPolicy's `ports`. Neither number nor name: all ports of the protocol.
struct KubernetesPort {
    std::uint8_t protocol = 6;  // TCP unless written
    std::optional<std::uint16_t> port;
    std::optional<std::uint16_t> end_port;
    std::string named_port;
    bool operator==(const KubernetesPort&) const = default;
};

struct IpBlock {
    net::Prefix cidr;
    std::vector<net::Prefix> except;
    bool operator==(const IpBlock&) const = default;
};

struct KubernetesPeer {
    std::optional<LabelSelector> pod_selector;
    std::optional<LabelSelector> namespace_selector;
    std::optional<IpBlock> ip_block;
    bool operator==(const KubernetesPeer&) const = default;
};

struct KubernetesRule {
    std::vector<KubernetesPort> ports;  // empty: any protocol
    std::vector<KubernetesPeer> peers;  // empty: anyone
    Spot spot;
    bool operator==(const KubernetesRule&) const = default;
};

// NetworkPolicy and, with `staged_action`, StagedKubernetesNetworkPolicy.
struct KubernetesNetworkPolicy {
    Metadata metadata;
    LabelSelector pod_selector;
    bool ingress_type = true;
    bool egress_type = false;
    std::vector<KubernetesRule> ingress;
    std::vector<KubernetesRule> egress;
    std::optional<StagedAction> staged_action;  // set exactly for the staged kind
};

// An entry of an admin rule's `ports` (v1alpha1) or `protocols` (v1alpha2).
struct AdminPort {
    std::optional<std::uint8_t> protocol;  // absent: TCP, UDP and SCTP
    std::optional<PortRange> range;        // absent: all ports
    std::string named_port;
    bool any = false;  // an entry that Calico reads as any protocol and port
    bool operator==(const AdminPort&) const = default;
};

struct AdminPeer {
    std::optional<LabelSelector> namespaces;      // `namespaces`, or the namespaceSelector of `pods`
    std::optional<LabelSelector> pods;            // `pods.podSelector`
    std::vector<std::string> networks;            // as written; egress only
    std::vector<std::string> unsupported_fields;  // peers that Calico can't convert: "domainNames", "nodes"
    std::optional<LabelSelector> nodes;           // what those said, so that it can be shown
    std::vector<std::string> domain_names;
    bool operator==(const AdminPeer&) const = default;
};

struct AdminRule {
    std::string name;
    Action action = Action::kDeny;  // kAllow, kDeny or kPass
    std::vector<AdminPeer> peers;
    std::vector<AdminPort> ports;  // empty: any protocol
    Spot spot;
    bool operator==(const AdminRule&) const = default;
};

// AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy.
struct AdminPolicy {
    enum class Form : std::uint8_t { kAdmin, kBaselineAdmin, kCluster };
    Metadata metadata;
    Form form = Form::kAdmin;
    bool baseline_tier = false;  // kCluster: `tier: Baseline`
    int priority = 0;            // not of kBaselineAdmin
    LabelSelector subject_namespaces;
    std::optional<LabelSelector> subject_pods;
    std::vector<AdminRule> ingress;
    std::vector<AdminRule> egress;
};

struct Namespace {
    Metadata metadata;
};

struct ServiceAccount {
    Metadata metadata;
};

struct Node {
    Metadata metadata;
    std::vector<net::Address> addresses;  // status.addresses of the types InternalIP and ExternalIP
};

// A port that an endpoint declares by name.
struct NamedPort {
    std::string name;
    std::uint8_t protocol = 6;
    std::uint16_t port = 0;
    bool operator==(const NamedPort&) const = default;
};

struct Pod {
    Metadata metadata;
    std::string node;                     // spec.nodeName
    std::string service_account;          // spec.serviceAccountName, "default" unless written
    bool host_network = false;            // the node's own address: no endpoint
    bool finished = false;                // status.phase Succeeded or Failed: its address may be another pod's by now
    std::vector<net::Address> addresses;  // status.podIPs, status.podIP
    std::vector<NamedPort> ports;         // of all containers
};

struct Service {
    Metadata metadata;
    struct Port {
        std::string name;
        std::uint8_t protocol = 6;
        std::uint16_t port = 0;
        std::string target;  // a number or a name, as written
        bool operator==(const Port&) const = default;
    };
    std::map<std::string, std::string> selector;
    std::vector<std::string> cluster_ips;
    std::vector<Port> ports;
};

struct EndpointSlice {
    Metadata metadata;                    // the label kubernetes.io/service-name names its Service
    std::string address_type;             // IPv4, IPv6, FQDN
    std::vector<net::Address> addresses;  // of endpoints that are not known to be unready
    std::vector<NamedPort> ports;         // port 0: all ports
};

}  // namespace drywall::policy
