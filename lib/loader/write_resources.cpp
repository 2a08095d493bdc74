// Resources into JSON and YAML, keys in Calico's order. nlohmann's exceptions can't arise here: every text is written
// with invalid bytes replaced.
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "drywall/loader/resources.h"
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

std::string staged_action_name(policy::StagedAction action) {
    switch (action) {
        case policy::StagedAction::kSet: return "Set";
        case policy::StagedAction::kDelete: return "Delete";
        case policy::StagedAction::kLearn: return "Learn";
        case policy::StagedAction::kIgnore: return "Ignore";
    }
    return "Set";
}

Json protocol(std::uint8_t value) {
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

template <typename List, typename Writer>
void put_list(Json& out, const char* key, const List& list, Writer write) {
    if (list.empty()) return;
    Json items = Json::array();
    for (const auto& item : list) items.push_back(write(item));
    out[key] = std::move(items);
}

void put_text(Json& out, const char* key, const std::string& text) {
    if (!text.empty()) out[key] = text;
}

template <typename Map>
void put_map(Json& out, const char* key, const Map& map) {
    if (map.empty()) return;
    Json object = Json::object();
    for (const auto& [name, value] : map) object[name] = value;
    out[key] = std::move(object);
}

Json prefix(const net::Prefix& value) { return value.text(); }
Json address(const net::Address& value) { return value.text(); }
Json text(const std::string& value) { return value; }

Json port(const policy::PortRange& range) {
    if (range.first == range.last) return range.first;
    return std::to_string(range.first) + ":" + std::to_string(range.last);
}

void put_entity(Json& out, const char* key, const policy::EntityRule& entity) {
    Json object = Json::object();
    put_list(object, "nets", entity.nets, prefix);
    put_list(object, "notNets", entity.not_nets, prefix);
    if (entity.selector) object["selector"] = *entity.selector;
    if (entity.not_selector) object["notSelector"] = *entity.not_selector;
    put_list(object, "ports", entity.ports, port);
    put_list(object, "notPorts", entity.not_ports, port);
    if (!object.empty()) out[key] = std::move(object);
}

Json rule(const policy::Rule& value) {
    Json out{{"action", action_name(value.action)}};
    if (!value.annotations.empty()) put_map(out["metadata"], "annotations", value.annotations);
    if (value.ip_version) out["ipVersion"] = static_cast<int>(*value.ip_version);
    if (value.protocol) out["protocol"] = protocol(*value.protocol);
    if (value.not_protocol) out["notProtocol"] = protocol(*value.not_protocol);
    if (value.icmp) out["icmp"] = icmp(*value.icmp);
    if (value.not_icmp) out["notICMP"] = icmp(*value.not_icmp);
    put_entity(out, "source", value.source);
    put_entity(out, "destination", value.destination);
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
    Json types = Json::array();
    if (policy.ingress_type) types.push_back("Ingress");
    if (policy.egress_type) types.push_back("Egress");
    if (!types.empty()) out["types"] = std::move(types);
    put_list(out, "ingress", policy.ingress, rule);
    put_list(out, "egress", policy.egress, rule);
    if (policy.apply_on_forward) out["applyOnForward"] = true;
    return out;
}

Json spec(const policy::NetworkSet& set) {
    Json out = Json::object();
    put_list(out, "nets", set.nets, prefix);
    return out;
}

Json spec(const policy::HostEndpoint& endpoint) {
    Json out{{"node", endpoint.node}};
    put_text(out, "interfaceName", endpoint.interface_name);
    put_list(out, "expectedIPs", endpoint.expected_ips, address);
    put_list(out, "profiles", endpoint.profiles, text);
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
    return out;
}

Json document(const policy::Resource& resource) {
    const policy::Metadata& metadata = policy::metadata_of(resource);
    const policy::Kind kind = policy::id_of(resource).kind;
    Json about{{"name", metadata.name}};
    if (policy::is_namespaced(kind)) put_text(about, "namespace", metadata.ns);
    put_map(about, "labels", metadata.labels);
    put_map(about, "annotations", metadata.annotations);
    Json out{{"apiVersion", "projectcalico.org/v3"}, {"kind", std::string(policy::name(kind))}};
    out["metadata"] = std::move(about);
    out["spec"] = std::visit(
        [](const auto& r) -> Json {
            if constexpr (requires { spec(r); }) return spec(r);
            return Json::object();
        },
        resource);
    return out;
}

}  // namespace

std::string to_json(const policy::Resource& resource) {
    return document(resource).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_yaml(const policy::Resource& resource) { return yaml_text(document(resource)); }

}  // namespace drywall::loader
