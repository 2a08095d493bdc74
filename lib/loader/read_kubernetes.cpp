// NetworkPolicy of networking.k8s.io/v1, and Calico's StagedKubernetesNetworkPolicy. Both are validated as Kubernetes
// validates the former: a staged policy that could not be promoted would rehearse nothing.
#include <array>

#include "kubernetes_parts.h"
#include "kubernetes_readers.h"
#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::KubernetesNetworkPolicy;
using policy::KubernetesPeer;
using policy::KubernetesPort;
using policy::KubernetesRule;
using policy::StagedAction;

class PolicyReader {
public:
    PolicyReader(Fields& spec, bool staged) : spec_(spec), complaints_(spec.complaints()) {
        if (staged) policy_.staged_action = StagedAction::kSet;
    }

    KubernetesNetworkPolicy run() {
        if (policy_.staged_action) read_staged_action();
        if (policy_.staged_action == StagedAction::kDelete) {
            refuse_content();
            return std::move(policy_);
        }
        policy_.pod_selector = read_label_selector(spec_, "podSelector").value_or(policy::LabelSelector{});
        policy_.ingress = read_rules("ingress", "from");
        policy_.egress = read_rules("egress", "to");
        read_types();
        spec_.finish();
        return std::move(policy_);
    }

private:
    void read_staged_action() {
        const Node* node = spec_.take("stagedAction");
        if (node == nullptr || (node->is_scalar() && node->scalar.empty())) return;  // "" is Set
        const auto action = read_choice<StagedAction>(*node, "spec.stagedAction", kStagedActions, complaints_);
        if (action) policy_.staged_action = *action;
    }

    // It says which policy goes, and nothing else.
    void refuse_content() {
        for (const std::string_view name : {"podSelector", "ingress", "egress", "policyTypes"}) {
            const Node* node = spec_.take(name);
            const bool empty =
                node == nullptr || is_empty_value(*node) || (node->is_mapping() && node->entries.empty());
            if (empty) continue;
            complaints_.add(node->line, node->column, spec_.path_to(name) + " can't stand beside stagedAction: Delete",
                            "remove it");
        }
        spec_.finish();
    }

    // Kubernetes fills in Ingress, and Egress where there are egress rules; nobody does that for the staged kind, whose
    // egress rules are then inert.
    void read_types() {
        const std::span<const Node> items = spec_.list("policyTypes", 2);
        policy_.ingress_type = items.empty();
        policy_.egress_type = items.empty() && !policy_.staged_action && !policy_.egress.empty();
        for (const Node& item : items) {
            const auto type = read_choice<Direction>(item, "an item of spec.policyTypes", kPolicyTypes, complaints_);
            if (type == Direction::kIngress) policy_.ingress_type = true;
            if (type == Direction::kEgress) policy_.egress_type = true;
        }
    }

    std::vector<KubernetesRule> read_rules(std::string_view name, std::string_view peers) {
        std::vector<KubernetesRule> rules;
        for (const Node& item : spec_.list(name, policy_.staged_action ? kMaxRules : kUnlimited)) {
            rules.push_back(read_one_rule(item, item_path(spec_, name, rules.size()), peers));
        }
        return rules;
    }

    KubernetesRule read_one_rule(const Node& node, std::string path, std::string_view peers) {
        Fields fields(node, std::move(path), complaints_);
        KubernetesRule rule;
        rule.spot = {node.line, node.column};
        for (const Node& item : fields.list("ports", kUnlimited)) {
            rule.ports.push_back(read_port(item, item_path(fields, "ports", rule.ports.size())));
        }
        for (const Node& item : fields.list(peers, kUnlimited)) {
            rule.peers.push_back(read_peer(item, item_path(fields, peers, rule.peers.size())));
        }
        fields.finish();
        return rule;
    }

    KubernetesPort read_port(const Node& node, std::string path) {
        Fields fields(node, std::move(path), complaints_);
        KubernetesPort port;
        if (const auto protocol = fields.choice<std::uint8_t>("protocol", kKubernetesProtocols)) {
            port.protocol = *protocol;
        }
        if (const Node* value = fields.take("port")) {
            const std::string what = fields.path_to("port");
            const bool number = value->is_scalar() && !value->quoted && parse_decimal(value->scalar);
            if (number) {
                port.port = read_port_number(*value, what, complaints_);
            } else {
                port.named_port = read_port_name(*value, what, complaints_).value_or("");
            }
        }
        read_end_port(fields, port);
        fields.finish();
        return port;
    }

    void read_end_port(Fields& fields, KubernetesPort& port) {
        const Node* node = fields.take("endPort");
        if (node == nullptr) return;
        const std::string what = fields.path_to("endPort");
        port.end_port = read_port_number(*node, what, complaints_);
        if (fields.node().find("port") == nullptr || !port.named_port.empty()) {
            complaints_.add(node->line, node->column, what + " needs a numeric port beside it",
                            "write the first port of the range as a number");
        } else if (port.port && port.end_port && *port.end_port < *port.port) {
            complaints_.add(node->line, node->column, what + " is below port " + std::to_string(*port.port),
                            "the range goes from port to endPort");
        }
    }

    KubernetesPeer read_peer(const Node& node, std::string path) {
        Fields fields(node, std::move(path), complaints_);
        KubernetesPeer peer;
        peer.pod_selector = read_label_selector(fields, "podSelector");
        peer.namespace_selector = read_label_selector(fields, "namespaceSelector");
        const Node* block = fields.take("ipBlock");
        if (block != nullptr) peer.ip_block = read_ip_block(*block, fields.path_to("ipBlock"));
        fields.finish();
        const bool selects = peer.pod_selector || peer.namespace_selector;
        if (block != nullptr && selects) {
            complaints_.add(block->line, block->column, fields.path() + ": ipBlock stands alone",
                            "write a peer of its own for the podSelector or namespaceSelector");
        } else if (block == nullptr && !selects && node.is_mapping()) {
            complaints_.add(node.line, node.column, fields.path() + " names no peer",
                            "write podSelector, namespaceSelector or ipBlock; 'podSelector: {}' is every pod of the "
                            "policy's namespace");
        }
        return peer;
    }

    policy::IpBlock read_ip_block(const Node& node, std::string path) {
        Fields fields(node, std::move(path), complaints_);
        policy::IpBlock block;
        std::optional<net::Prefix> cidr;
        if (const Node* text = fields.require("cidr")) cidr = read_cidr(*text, fields.path_to("cidr"));
        if (cidr) block.cidr = *cidr;
        for (const Node& item : fields.list("except", kUnlimited)) {
            const auto except = read_cidr(item, "a network in " + fields.path_to("except"));
            if (!except) continue;
            if (cidr && (!cidr->contains(*except) || except->length <= cidr->length)) {
                complaints_.add(item.line, item.column, shown(item.scalar) + " is not a part of " + cidr->text(),
                                "an exception is smaller than its cidr and lies in it");
            }
            block.except.push_back(*except);
        }
        fields.finish();
        return block;
    }

    // As Kubernetes takes it: a length is needed, bits past it are dropped.
    std::optional<net::Prefix> read_cidr(const Node& node, const std::string& what) {
        const auto text = read_text(node, what, complaints_);
        if (!text) return std::nullopt;
        const bool has_length = text->find('/') != std::string::npos;
        if (const auto prefix = has_length ? net::Prefix::parse_loose(*text) : std::nullopt) return prefix;
        complaints_.add(node.line, node.column, shown(*text) + " is not a network",
                        "write it as 10.0.0.0/8 or 2001:db8::/32");
        return std::nullopt;
    }

    Fields& spec_;
    Complaints& complaints_;
    KubernetesNetworkPolicy policy_;
};

}  // namespace

KubernetesNetworkPolicy read_kubernetes_policy(Fields& spec, bool staged) { return PolicyReader(spec, staged).run(); }

}  // namespace drywall::loader
