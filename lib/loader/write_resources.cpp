// Resources into JSON and YAML, keys in Calico's order. nlohmann's exceptions can't arise here: every text is written
// with invalid bytes replaced.
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "drywall/loader/resources.h"
#include "json_fields.h"
#include "kubernetes_writers.h"
#include "yaml_writer.h"

namespace drywall::loader {
namespace {

using Json = nlohmann::ordered_json;
using policy::Policy;

// 100, not 100.0; and 99.5.
Json number(double value) {
    constexpr double kExact = 9007199254740992;  // 2^53: whole numbers up to here are exact
    if (std::trunc(value) == value && std::abs(value) <= kExact) return static_cast<std::int64_t>(value);
    return value;
}

std::string action_name(Action action) {
    switch (action) {
        case Action::kAllow: return "Allow";
        case Action::kDeny: return "Deny";
        case Action::kPass: return "Pass";
        case Action::kLog: return "Log";
    }
    return "Deny";
}

Json calico_protocol(std::uint8_t value) {
    switch (value) {
        case 1: return "ICMP";
        case 6: return "TCP";
        case 17: return "UDP";
        case 58: return "ICMPv6";
        case 132: return "SCTP";
        case 136: return "UDPLite";
        default: return value;
    }
}

Json icmp(const policy::Icmp& match) {
    Json out{{"type", match.type}};
    if (match.code) out["code"] = *match.code;
    return out;
}

Json prefix(const net::Prefix& value) { return value.text(); }
Json address(const net::Address& value) { return value.text(); }
Json text(const std::string& value) { return value; }

Json port(const policy::PortRange& range) {
    if (range.first == range.last) return range.first;
    return std::to_string(range.first) + ":" + std::to_string(range.last);
}

// Numbers before names: the order among them says nothing.
void put_ports(Json& out, const char* key, const std::vector<policy::PortRange>& ranges,
               const std::vector<std::string>& names) {
    if (ranges.empty() && names.empty()) return;
    Json items = Json::array();
    for (const policy::PortRange& range : ranges) items.push_back(port(range));
    for (const std::string& name : names) items.push_back(name);
    out[key] = std::move(items);
}

Json service_accounts(const policy::ServiceAccountMatch& match) {
    Json out = Json::object();
    put_list(out, "names", match.names, text);
    if (match.selector) out["selector"] = *match.selector;
    return out;
}

Json services(const policy::ServiceMatch& match) {
    Json out{{"name", match.name}};
    put_text(out, "namespace", match.ns);
    return out;
}

void put_entity(Json& out, const char* key, const policy::EntityRule& entity) {
    Json object = Json::object();
    put_list(object, "nets", entity.nets, prefix);
    put_list(object, "notNets", entity.not_nets, prefix);
    if (entity.selector) object["selector"] = *entity.selector;
    if (entity.not_selector) object["notSelector"] = *entity.not_selector;
    if (entity.namespace_selector) object["namespaceSelector"] = *entity.namespace_selector;
    if (entity.services) object["services"] = services(*entity.services);
    put_ports(object, "ports", entity.ports, entity.named_ports);
    put_ports(object, "notPorts", entity.not_ports, entity.not_named_ports);
    if (entity.service_accounts) object["serviceAccounts"] = service_accounts(*entity.service_accounts);
    put_list(object, "domains", entity.domains, text);
    if (!object.empty()) out[key] = std::move(object);
}

Json http(const policy::HttpMatch& match) {
    Json out = Json::object();
    put_list(out, "methods", match.methods, text);
    put_list(out, "paths", match.paths, [](const policy::HttpPath& path) {
        Json item = Json::object();
        item[path.prefix ? "prefix" : "exact"] = path.path;
        return item;
    });
    return out;
}

Json rule(const policy::Rule& value) {
    Json out{{"action", action_name(value.action)}};
    if (!value.annotations.empty()) put_map(out["metadata"], "annotations", value.annotations);
    if (value.ip_version) out["ipVersion"] = static_cast<int>(*value.ip_version);
    if (value.protocol) out["protocol"] = calico_protocol(*value.protocol);
    if (value.not_protocol) out["notProtocol"] = calico_protocol(*value.not_protocol);
    if (value.icmp) out["icmp"] = icmp(*value.icmp);
    if (value.not_icmp) out["notICMP"] = icmp(*value.not_icmp);
    put_entity(out, "source", value.source);
    put_entity(out, "destination", value.destination);
    if (value.http) out["http"] = http(*value.http);
    return out;
}

Json named_port(const policy::NamedPort& value) {
    return {{"name", value.name}, {"protocol", calico_protocol(value.protocol)}, {"port", value.port}};
}

Json failsafe_port(const policy::FailsafePort& value) {
    Json out{{"protocol", calico_protocol(value.protocol)}, {"port", value.port}};
    if (value.net) out["net"] = value.net->text();
    return out;
}

Json spec(const policy::Tier& tier) {
    return {{"order", number(tier.order)}, {"defaultAction", action_name(tier.default_action)}};
}

Json spec(const Policy& policy) {
    Json out = Json::object();
    if (policy.staged_action) out["stagedAction"] = staged_action_name(*policy.staged_action);
    out["tier"] = policy.tier;
    if (policy.staged_action == policy::StagedAction::kDelete) return out;  // says which policy goes, and nothing else
    if (policy.order) out["order"] = number(*policy.order);
    put_text(out, "selector", policy.selector);
    put_text(out, "namespaceSelector", policy.namespace_selector);
    put_text(out, "serviceAccountSelector", policy.service_account_selector);
    Json types = Json::array();
    if (policy.ingress_type) types.push_back("Ingress");
    if (policy.egress_type) types.push_back("Egress");
    if (!types.empty()) out["types"] = std::move(types);
    put_list(out, "ingress", policy.ingress, rule);
    put_list(out, "egress", policy.egress, rule);
    if (policy.do_not_track) out["doNotTrack"] = true;
    if (policy.pre_dnat) out["preDNAT"] = true;
    if (policy.apply_on_forward) out["applyOnForward"] = true;
    put_list(out, "performanceHints", policy.performance_hints, text);
    return out;
}

Json spec(const policy::NetworkSet& set) {
    Json out = Json::object();
    put_list(out, "nets", set.nets, prefix);
    put_list(out, "allowedEgressDomains", set.allowed_egress_domains, text);
    return out;
}

Json spec(const policy::HostEndpoint& endpoint) {
    Json out{{"node", endpoint.node}};
    put_text(out, "interfaceName", endpoint.interface_name);
    put_list(out, "expectedIPs", endpoint.expected_ips, address);
    put_list(out, "profiles", endpoint.profiles, text);
    put_list(out, "ports", endpoint.ports, named_port);
    return out;
}

Json spec(const policy::WorkloadEndpoint& endpoint) {
    Json out = Json::object();
    put_text(out, "orchestrator", endpoint.orchestrator);
    put_text(out, "workload", endpoint.workload);
    put_text(out, "node", endpoint.node);
    put_text(out, "containerID", endpoint.container_id);
    put_text(out, "pod", endpoint.pod);
    put_text(out, "endpoint", endpoint.endpoint);
    put_list(out, "ipNetworks", endpoint.ip_networks,
             [](const net::Address& a) { return Json(net::Prefix::host(a).text()); });
    put_list(out, "profiles", endpoint.profiles, text);
    put_text(out, "interfaceName", endpoint.interface_name);
    put_text(out, "mac", endpoint.mac);
    put_text(out, "serviceAccountName", endpoint.service_account);
    put_list(out, "ports", endpoint.ports, named_port);
    return out;
}

Json spec(const policy::Profile& profile) {
    Json out = Json::object();
    put_list(out, "ingress", profile.ingress, rule);
    put_list(out, "egress", profile.egress, rule);
    put_map(out, "labelsToApply", profile.labels_to_apply);
    return out;
}

// An empty list says "none"; an absent one "the defaults".
Json spec(const policy::FelixConfiguration& felix) {
    Json out = Json::object();
    const auto put = [&](const char* key, const std::optional<std::vector<policy::FailsafePort>>& ports) {
        if (!ports) return;
        Json items = Json::array();
        for (const policy::FailsafePort& port : *ports) items.push_back(failsafe_port(port));
        out[key] = std::move(items);
    };
    put("failsafeInboundHostPorts", felix.failsafe_inbound);
    put("failsafeOutboundHostPorts", felix.failsafe_outbound);
    return out;
}

Json document(const policy::Resource& resource) {
    const policy::Metadata& metadata = policy::metadata_of(resource);
    const policy::Kind kind = policy::kind_of(resource);
    Json about{{"name", metadata.name}};
    if (policy::is_namespaced(kind)) put_text(about, "namespace", metadata.ns);
    put_map(about, "labels", metadata.labels);
    put_map(about, "annotations", metadata.annotations);
    Json out{{"apiVersion", std::string(policy::api_version(kind))},
             {"kind", std::string(policy::document_kind(kind))}};
    out["metadata"] = std::move(about);
    const auto put = [&](const auto& r) {
        if constexpr (requires { spec(r); }) {
            out["spec"] = spec(r);
        } else {
            put_body(out, r);
        }
    };
    std::visit(put, resource);
    return out;
}

}  // namespace

std::string staged_action_name(policy::StagedAction action) {
    switch (action) {
        case policy::StagedAction::kSet: return "Set";
        case policy::StagedAction::kDelete: return "Delete";
        case policy::StagedAction::kLearn: return "Learn";
        case policy::StagedAction::kIgnore: return "Ignore";
    }
    return "Set";
}

std::string to_json(const policy::Resource& resource) {
    return document(resource).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_yaml(const policy::Resource& resource) { return yaml_text(document(resource)); }

}  // namespace drywall::loader
