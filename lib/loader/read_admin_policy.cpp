// AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy of policy.networking.k8s.io.
//
// They differ in their words: v1alpha1 says Allow, ports, portNumber, portRange and namedPort where v1alpha2 says
// Accept, protocols, tcp.destinationPort.number, .range and destinationNamedPort.
#include <array>
#include <string>

#include "kubernetes_parts.h"
#include "kubernetes_readers.h"
#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::AdminPeer;
using policy::AdminPolicy;
using policy::AdminPort;
using policy::AdminRule;
using policy::PortRange;
using Form = AdminPolicy::Form;

constexpr std::size_t kMaxAdminItems = 100;  // rules of a direction, peers and ports of a rule
constexpr std::size_t kMaxPeerItems = 25;    // networks and domain names of a peer
constexpr std::size_t kMaxRuleName = 100;
constexpr std::size_t kMaxNetworkText = 43;

constexpr std::array kAdminActions{Choice<Action>{"Allow", Action::kAllow}, Choice<Action>{"Deny", Action::kDeny},
                                   Choice<Action>{"Pass", Action::kPass}};
constexpr std::array kBaselineActions{Choice<Action>{"Allow", Action::kAllow}, Choice<Action>{"Deny", Action::kDeny}};
constexpr std::array kClusterActions{Choice<Action>{"Accept", Action::kAllow}, Choice<Action>{"Deny", Action::kDeny},
                                     Choice<Action>{"Pass", Action::kPass}};

constexpr std::array kTiers{Choice<bool>{"Admin", false}, Choice<bool>{"Baseline", true}};

struct ProtocolField {
    std::string_view name;
    std::uint8_t protocol;
};
constexpr std::array kProtocolFields{ProtocolField{"tcp", 6}, ProtocolField{"udp", 17}, ProtocolField{"sctp", 132}};

std::span<const Choice<Action>> actions(Form form) {
    switch (form) {
        case Form::kAdmin: return kAdminActions;
        case Form::kBaselineAdmin: return kBaselineActions;
        case Form::kCluster: break;
    }
    return kClusterActions;
}

class AdminPolicyReader {
public:
    AdminPolicyReader(Fields& spec, Form form) : spec_(spec), complaints_(spec.complaints()) { policy_.form = form; }

    AdminPolicy run() {
        if (policy_.form == Form::kCluster) {
            if (const Node* node = spec_.require("tier")) {
                policy_.baseline_tier = read_choice<bool>(*node, "spec.tier", kTiers, complaints_).value_or(false);
            }
        }
        if (policy_.form != Form::kBaselineAdmin) {
            if (const Node* node = spec_.require("priority")) {
                policy_.priority =
                    static_cast<int>(read_integer(*node, "spec.priority", 0, 1000, complaints_).value_or(0));
            }
        }
        read_subject();
        policy_.ingress = read_rules(Direction::kIngress);
        policy_.egress = read_rules(Direction::kEgress);
        spec_.finish();
        return std::move(policy_);
    }

private:
    // Kubernetes' unions: exactly one of the fields stands there.
    void require_one_of(const Fields& fields, std::string_view choices) {
        const Node& node = fields.node();
        if (!node.is_mapping() || node.entries.size() == 1) return;
        complaints_.add(node.line, node.column,
                        fields.path() + (node.entries.empty() ? " is empty" : " has more than one field"),
                        "write exactly one of " + std::string(choices));
    }

    void read_subject() {
        const Node* node = spec_.require("subject");
        if (node == nullptr) return;
        Fields subject(*node, "spec.subject", complaints_);
        if (auto namespaces = read_label_selector(subject, "namespaces")) {
            policy_.subject_namespaces = std::move(*namespaces);
        }
        if (const Node* pods = subject.take("pods")) {
            policy_.subject_pods.emplace();
            read_pods(*pods, "spec.subject.pods", policy_.subject_namespaces, *policy_.subject_pods);
        }
        subject.finish();
        require_one_of(subject, "namespaces, pods");
    }

    void read_pods(const Node& node, std::string path, policy::LabelSelector& namespaces, policy::LabelSelector& pods) {
        Fields fields(node, std::move(path), complaints_);
        // v1alpha2: every namespace unless written.
        const Node* of =
            policy_.form == Form::kCluster ? fields.take("namespaceSelector") : fields.require("namespaceSelector");
        if (of != nullptr) namespaces = read_label_selector(*of, fields.path_to("namespaceSelector"), complaints_);
        if (const Node* selector = fields.require("podSelector")) {
            pods = read_label_selector(*selector, fields.path_to("podSelector"), complaints_);
        }
        fields.finish();
    }

    std::vector<AdminRule> read_rules(Direction direction) {
        const std::string_view name = direction == Direction::kIngress ? "ingress" : "egress";
        std::vector<AdminRule> rules;
        for (const Node& item : spec_.list(name, kMaxAdminItems)) {
            rules.push_back(read_one_rule(item, item_path(spec_, name, rules.size()), direction));
        }
        return rules;
    }

    AdminRule read_one_rule(const Node& node, std::string path, Direction direction) {
        Fields fields(node, std::move(path), complaints_);
        AdminRule rule;
        rule.spot = {node.line, node.column};
        read_rule_name(fields, rule);
        if (const Node* action = fields.require("action")) {
            rule.action = read_choice<Action>(*action, fields.path_to("action"), actions(policy_.form), complaints_)
                              .value_or(Action::kDeny);
        }
        read_peers(fields, direction, rule);
        const bool cluster = policy_.form == Form::kCluster;
        const std::string_view ports = cluster ? "protocols" : "ports";
        for (const Node& item : fields.list(ports, kMaxAdminItems)) {
            std::string at = item_path(fields, ports, rule.ports.size());
            rule.ports.push_back(cluster ? read_protocol(item, std::move(at)) : read_port(item, std::move(at)));
        }
        fields.finish();
        check_combinations(fields, rule);
        return rule;
    }

    void read_rule_name(Fields& fields, AdminRule& rule) {
        const Node* node = fields.take("name");
        if (node == nullptr) return;
        rule.name = read_text(*node, fields.path_to("name"), complaints_).value_or("");
        if (rule.name.size() > kMaxRuleName) {
            complaints_.add(node->line, node->column, fields.path_to("name") + " is longer than 100 characters");
        }
    }

    void read_peers(Fields& fields, Direction direction, AdminRule& rule) {
        const std::string_view name = direction == Direction::kIngress ? "from" : "to";
        const Node* node = fields.require(name);
        if (node == nullptr) return;
        if (node->is_sequence() && node->items.empty()) {
            complaints_.add(node->line, node->column, fields.path_to(name) + " names no peer",
                            "'namespaces: {}' is every namespace");
        }
        for (const Node& item : fields.list(name, kMaxAdminItems)) {
            rule.peers.push_back(read_peer(item, item_path(fields, name, rule.peers.size()), direction));
        }
    }

    AdminPeer read_peer(const Node& node, std::string path, Direction direction) {
        Fields fields(node, std::move(path), complaints_);
        AdminPeer peer;
        peer.namespaces = read_label_selector(fields, "namespaces");
        if (const Node* pods = fields.take("pods")) {
            peer.namespaces.emplace();
            peer.pods.emplace();
            read_pods(*pods, fields.path_to("pods"), *peer.namespaces, *peer.pods);
        }
        std::string choices = "namespaces, pods";
        if (direction == Direction::kEgress) choices += read_egress_peer(fields, peer);
        fields.finish();
        require_one_of(fields, choices);
        return peer;
    }

    // The peers that only `to` has; returns their names. Nodes and domain names are known, and Calico has no rule for
    // them: the conversion fails the rule.
    std::string read_egress_peer(Fields& fields, AdminPeer& peer) {
        if (require_items(fields, "networks")) {
            for (const Node& item : fields.list("networks", kMaxPeerItems)) read_network(fields, item, peer);
        }
        peer.nodes = read_label_selector(fields, "nodes");
        if (peer.nodes) peer.unsupported_fields.emplace_back("nodes");
        if (policy_.form == Form::kBaselineAdmin) return ", networks, nodes";
        if (require_items(fields, "domainNames")) {
            peer.unsupported_fields.emplace_back("domainNames");
            for (const Node& item : fields.list("domainNames", kMaxPeerItems)) {
                const auto name = read_text(item, "a name in " + fields.path_to("domainNames"), complaints_);
                if (name) peer.domain_names.push_back(*name);
            }
        }
        return ", networks, nodes, domainNames";
    }

    // Whether the list is there; an empty one is a complaint.
    bool require_items(Fields& fields, std::string_view name) {
        const Node* node = fields.take(name);
        if (node == nullptr) return false;
        if (node->is_sequence() && node->items.empty()) {
            complaints_.add(node->line, node->column, fields.path_to(name) + " is empty");
        }
        return true;
    }

    // Kubernetes looks no closer than this, so that such a policy exists in a cluster; Calico's conversion then fails
    // the rule, which denies more, never less.
    void read_network(Fields& fields, const Node& item, AdminPeer& peer) {
        const auto text = read_text(item, "a network in " + fields.path_to("networks"), complaints_);
        if (!text) return;
        const bool v4 = text->find('.') != std::string::npos;
        const bool v6 = text->find(':') != std::string::npos;
        if (v4 == v6 || text->size() > kMaxNetworkText) {
            complaints_.add(item.line, item.column, shown(*text) + " is not a network",
                            "write it as 10.0.0.0/8 or 2001:db8::/32");
        }
        peer.networks.push_back(*text);
    }

    AdminPort read_port(const Node& node, std::string path) {
        Fields fields(node, std::move(path), complaints_);
        AdminPort port;
        if (const Node* number = fields.take("portNumber")) {
            Fields inner(*number, fields.path_to("portNumber"), complaints_);
            port.protocol = inner.choice<std::uint8_t>("protocol", kKubernetesProtocols).value_or(6);
            if (const Node* value = inner.require("port")) port.range = read_single(*value, inner.path_to("port"));
            inner.finish();
        }
        if (const Node* range = fields.take("portRange")) {
            Fields inner(*range, fields.path_to("portRange"), complaints_);
            port.protocol = inner.choice<std::uint8_t>("protocol", kKubernetesProtocols).value_or(6);
            port.range = read_range(inner);
            inner.finish();
        }
        if (const Node* name = fields.take("namedPort")) {
            port.named_port = read_port_name(*name, fields.path_to("namedPort"), complaints_).value_or("");
            port.any = true;  // Calico's conversion of v1alpha1 does not know named ports
        }
        fields.finish();
        require_one_of(fields, "portNumber, portRange, namedPort");
        return port;
    }

    AdminPort read_protocol(const Node& node, std::string path) {
        Fields fields(node, std::move(path), complaints_);
        AdminPort port;
        for (const ProtocolField& field : kProtocolFields) {
            const Node* value = fields.take(field.name);
            if (value == nullptr) continue;
            port.protocol = field.protocol;
            Fields inner(*value, fields.path_to(field.name), complaints_);
            if (const Node* ports = inner.take("destinationPort")) {
                port.range = read_destination(*ports, inner.path_to("destinationPort"));
            }
            inner.finish();
        }
        if (const Node* name = fields.take("destinationNamedPort")) {
            port.named_port = read_port_name(*name, fields.path_to("destinationNamedPort"), complaints_).value_or("");
        }
        fields.finish();
        require_one_of(fields, "tcp, udp, sctp, destinationNamedPort");
        return port;
    }

    std::optional<PortRange> read_destination(const Node& node, std::string path) {
        Fields fields(node, std::move(path), complaints_);
        std::optional<PortRange> out;
        if (const Node* number = fields.take("number")) out = read_single(*number, fields.path_to("number"));
        if (const Node* range = fields.take("range")) {
            Fields inner(*range, fields.path_to("range"), complaints_);
            out = read_range(inner);
            inner.finish();
        }
        fields.finish();
        require_one_of(fields, "number, range");
        return out;
    }

    std::optional<PortRange> read_single(const Node& node, const std::string& what) {
        const auto port = read_port_number(node, what, complaints_);
        if (!port) return std::nullopt;
        return PortRange{*port, *port};
    }

    std::optional<PortRange> read_range(Fields& fields) {
        const Node* first = fields.require("start");
        const Node* last = fields.require("end");
        const auto number = [&](const Node* node, std::string_view name) -> std::uint16_t {
            return node == nullptr ? 0 : read_port_number(*node, fields.path_to(name), complaints_).value_or(0);
        };
        const std::uint16_t start = number(first, "start");
        const std::uint16_t end = number(last, "end");
        if (start == 0 || end == 0) return std::nullopt;
        if (start >= end) {
            complaints_.add(last->line, last->column,
                            fields.path_to("end") + " must be above start, " + std::to_string(start),
                            "one port alone is written as a number");
        }
        return PortRange{start, end};
    }

    void check_combinations(const Fields& fields, const AdminRule& rule) {
        bool outside = false;
        bool domains = false;
        bool named = false;
        for (const AdminPeer& peer : rule.peers) {
            outside = outside || !peer.networks.empty() || !peer.unsupported_fields.empty();
            domains = domains || !peer.domain_names.empty();
        }
        for (const AdminPort& port : rule.ports) named = named || !port.named_port.empty();
        const Node& node = fields.node();
        if (outside && named) {
            complaints_.add(node.line, node.column,
                            fields.path() + ": networks, nodes and domain names have no named ports",
                            "write the port's number");
        }
        if (domains && rule.action != Action::kAllow) {
            complaints_.add(node.line, node.column,
                            fields.path() + ": domainNames may only be allowed, not denied or passed");
        }
    }

    Fields& spec_;
    Complaints& complaints_;
    AdminPolicy policy_;
};

}  // namespace

AdminPolicy read_admin_policy(Fields& spec, Form form) { return AdminPolicyReader(spec, form).run(); }

}  // namespace drywall::loader
