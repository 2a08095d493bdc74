// Kubernetes' kinds as JSON, fields in the order of Kubernetes' own documents. Of the inventory kinds only what was
// kept is there to be written.
#include <string>
#include <string_view>

#include "drywall/policy/resources.h"
#include "json_fields.h"
#include "kubernetes_writers.h"

namespace drywall::loader {
namespace {

using Json = nlohmann::ordered_json;
using policy::AdminPolicy;
using Form = AdminPolicy::Form;

std::string protocol(std::uint8_t value) {
    switch (value) {
        case 17: return "UDP";
        case 132: return "SCTP";
        default: return "TCP";
    }
}

std::string operator_name(policy::LabelRequirement::Operator op) {
    using Operator = policy::LabelRequirement::Operator;
    switch (op) {
        case Operator::kIn: return "In";
        case Operator::kNotIn: return "NotIn";
        case Operator::kExists: return "Exists";
        case Operator::kDoesNotExist: break;
    }
    return "DoesNotExist";
}

void put_texts(Json& out, const char* key, const std::vector<std::string>& texts) {
    put_list(out, key, texts, [](const std::string& text) { return Json(text); });
}

Json label_selector(const policy::LabelSelector& selector) {
    Json out = Json::object();
    if (!selector.match_labels.empty()) {
        Json labels = Json::object();
        for (const auto& [key, value] : selector.match_labels) labels[key] = value;
        out["matchLabels"] = std::move(labels);
    }
    put_list(out, "matchExpressions", selector.match_expressions, [](const policy::LabelRequirement& requirement) {
        Json item{{"key", requirement.key}, {"operator", operator_name(requirement.op)}};
        put_texts(item, "values", requirement.values);
        return item;
    });
    return out;
}

Json kubernetes_port(const policy::KubernetesPort& port) {
    Json out{{"protocol", protocol(port.protocol)}};
    if (port.port) out["port"] = *port.port;
    put_text(out, "port", port.named_port);
    if (port.end_port) out["endPort"] = *port.end_port;
    return out;
}

Json kubernetes_peer(const policy::KubernetesPeer& peer) {
    Json out = Json::object();
    if (peer.pod_selector) out["podSelector"] = label_selector(*peer.pod_selector);
    if (peer.namespace_selector) out["namespaceSelector"] = label_selector(*peer.namespace_selector);
    if (peer.ip_block) {
        Json block{{"cidr", peer.ip_block->cidr.text()}};
        put_list(block, "except", peer.ip_block->except, [](const net::Prefix& p) { return Json(p.text()); });
        out["ipBlock"] = std::move(block);
    }
    return out;
}

void put_rules(Json& spec, const char* key, const char* peers, const std::vector<policy::KubernetesRule>& rules) {
    put_list(spec, key, rules, [&](const policy::KubernetesRule& rule) {
        Json out = Json::object();
        put_list(out, "ports", rule.ports, kubernetes_port);
        put_list(out, peers, rule.peers, kubernetes_peer);
        return out;
    });
}

Json pods(const std::optional<policy::LabelSelector>& namespaces, const policy::LabelSelector& selector) {
    return {{"namespaceSelector", label_selector(namespaces.value_or(policy::LabelSelector{}))},
            {"podSelector", label_selector(selector)}};
}

Json admin_peer(const policy::AdminPeer& peer) {
    Json out = Json::object();
    if (peer.pods) {
        out["pods"] = pods(peer.namespaces, *peer.pods);
    } else if (peer.namespaces) {
        out["namespaces"] = label_selector(*peer.namespaces);
    }
    put_texts(out, "networks", peer.networks);
    if (peer.nodes) out["nodes"] = label_selector(*peer.nodes);
    put_texts(out, "domainNames", peer.domain_names);
    return out;
}

Json range(const policy::PortRange& ports) { return {{"start", ports.first}, {"end", ports.last}}; }

Json admin_port(const policy::AdminPort& port) {
    if (!port.named_port.empty()) return {{"namedPort", port.named_port}};
    if (!port.range) return Json::object();
    Json out{{"protocol", protocol(port.protocol.value_or(6))}};
    if (port.range->first == port.range->last) {
        out["port"] = port.range->first;
        return {{"portNumber", std::move(out)}};
    }
    out.update(range(*port.range));
    return {{"portRange", std::move(out)}};
}

Json cluster_protocol(const policy::AdminPort& port) {
    if (!port.named_port.empty()) return {{"destinationNamedPort", port.named_port}};
    Json ports = Json::object();
    if (port.range) {
        const bool single = port.range->first == port.range->last;
        ports["destinationPort"] = single ? Json{{"number", port.range->first}} : Json{{"range", range(*port.range)}};
    }
    const std::string name = protocol(port.protocol.value_or(6));
    return {{name == "UDP" ? "udp" : name == "SCTP" ? "sctp" : "tcp", std::move(ports)}};
}

std::string admin_action(Action action, Form form) {
    switch (action) {
        case Action::kAllow: return form == Form::kCluster ? "Accept" : "Allow";
        case Action::kPass: return "Pass";
        default: return "Deny";
    }
}

void put_rules(Json& spec, const char* key, const char* peers, const std::vector<policy::AdminRule>& rules, Form form) {
    put_list(spec, key, rules, [&](const policy::AdminRule& rule) {
        Json out = Json::object();
        put_text(out, "name", rule.name);
        out["action"] = admin_action(rule.action, form);
        put_list(out, peers, rule.peers, admin_peer);
        if (form == Form::kCluster) {
            put_list(out, "protocols", rule.ports, cluster_protocol);
        } else {
            put_list(out, "ports", rule.ports, admin_port);
        }
        return out;
    });
}

Json container_port(const policy::NamedPort& port) {
    return {{"name", port.name}, {"containerPort", port.port}, {"protocol", protocol(port.protocol)}};
}

}  // namespace

void put_body(Json& document, const policy::KubernetesNetworkPolicy& policy) {
    Json spec = Json::object();
    if (policy.staged_action) spec["stagedAction"] = staged_action_name(*policy.staged_action);
    if (policy.staged_action != policy::StagedAction::kDelete) {  // which says what goes, and nothing else
        spec["podSelector"] = label_selector(policy.pod_selector);
        put_rules(spec, "ingress", "from", policy.ingress);
        put_rules(spec, "egress", "to", policy.egress);
        Json types = Json::array();
        if (policy.ingress_type) types.push_back("Ingress");
        if (policy.egress_type) types.push_back("Egress");
        spec["policyTypes"] = std::move(types);
    }
    document["spec"] = std::move(spec);
}

void put_body(Json& document, const AdminPolicy& policy) {
    Json spec = Json::object();
    if (policy.form == Form::kCluster) spec["tier"] = policy.baseline_tier ? "Baseline" : "Admin";
    if (policy.form != Form::kBaselineAdmin) spec["priority"] = policy.priority;
    spec["subject"] = policy.subject_pods ? Json{{"pods", pods(policy.subject_namespaces, *policy.subject_pods)}}
                                          : Json{{"namespaces", label_selector(policy.subject_namespaces)}};
    put_rules(spec, "ingress", "from", policy.ingress, policy.form);
    put_rules(spec, "egress", "to", policy.egress, policy.form);
    document["spec"] = std::move(spec);
}

void put_body(Json&, const policy::Namespace&) {}
void put_body(Json&, const policy::ServiceAccount&) {}

void put_body(Json& document, const policy::Pod& pod) {
    Json spec = Json::object();
    put_text(spec, "nodeName", pod.node);
    put_text(spec, "serviceAccountName", pod.service_account);
    if (pod.host_network) spec["hostNetwork"] = true;
    if (!pod.ports.empty()) {
        Json container = Json::object();
        put_list(container, "ports", pod.ports, container_port);
        spec["containers"] = Json::array({std::move(container)});
    }
    document["spec"] = std::move(spec);
    Json status = Json::object();
    if (pod.finished) status["phase"] = "Succeeded";
    put_list(status, "podIPs", pod.addresses, [](const net::Address& a) { return Json{{"ip", a.text()}}; });
    if (!status.empty()) document["status"] = std::move(status);
}

void put_body(Json& document, const policy::Node& node) {
    if (node.addresses.empty()) return;
    put_list(document["status"], "addresses", node.addresses, [](const net::Address& a) {
        return Json{{"type", "InternalIP"}, {"address", a.text()}};
    });
}

void put_body(Json& document, const policy::Service& service) {
    Json spec = Json::object();
    put_texts(spec, "clusterIPs", service.cluster_ips);
    if (!service.selector.empty()) {
        Json selector = Json::object();
        for (const auto& [key, value] : service.selector) selector[key] = value;
        spec["selector"] = std::move(selector);
    }
    put_list(spec, "ports", service.ports, [](const policy::Service::Port& port) {
        Json out = Json::object();
        put_text(out, "name", port.name);
        out["protocol"] = protocol(port.protocol);
        if (port.port != 0) out["port"] = port.port;
        put_text(out, "targetPort", port.target);
        return out;
    });
    document["spec"] = std::move(spec);
}

void put_body(Json& document, const policy::EndpointSlice& slice) {
    put_text(document, "addressType", slice.address_type);
    if (!slice.addresses.empty()) {
        Json endpoint = Json::object();
        put_list(endpoint, "addresses", slice.addresses, [](const net::Address& a) { return Json(a.text()); });
        document["endpoints"] = Json::array({std::move(endpoint)});
    }
    put_list(document, "ports", slice.ports, [](const policy::NamedPort& port) {
        Json out{{"name", port.name}, {"protocol", protocol(port.protocol)}};
        if (port.port != 0) out["port"] = port.port;
        return out;
    });
}

}  // namespace drywall::loader
