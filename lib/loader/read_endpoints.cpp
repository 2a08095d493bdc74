// Tiers, network sets and endpoints.
#include <algorithm>
#include <array>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

constexpr std::array<Choice<Action>, 2> kDefaultActions{Choice<Action>{"Deny", Action::kDeny}, {"Pass", Action::kPass}};

std::vector<std::string> read_profiles(Fields& spec) {
    std::vector<std::string> profiles;
    for (const Node& item : spec.list("profiles", kUnlimited)) {
        const auto name = read_text(item, "a profile in spec.profiles", spec.complaints());
        if (!name) continue;
        if (!is_dns_subdomain(*name)) {
            spec.complaints().add(item.line, item.column, shown(*name) + " can't be the name of a profile");
        }
        profiles.push_back(*name);
    }
    return profiles;
}

// The name of an interface, or `*` for every one.
std::string read_interface_name(Fields& spec) {
    const Node* node = spec.take("interfaceName");
    if (node == nullptr) return {};
    const auto name = read_text(*node, "spec.interfaceName", spec.complaints());
    if (!name || name->empty() || *name == "*" || is_interface_name(*name)) return name.value_or("");
    spec.complaints().add(node->line, node->column, shown(*name) + " can't be an interface",
                          "use letters, digits, '-', '_' and '.', at most 15; '*' means all");
    return *name;
}

// A field that names an object of Kubernetes' or of the orchestrator.
std::string read_object_name(Fields& spec, std::string_view name) {
    std::string text = spec.text(name).value_or("");
    if (text.empty() || is_dns_subdomain(text)) return text;
    const Node& node = *spec.node().find(name);
    spec.complaints().add(node.line, node.column, shown(text) + " can't be " + spec.path_to(name),
                          "use lower-case letters, digits, '-' and '.'");
    return text;
}

std::optional<net::Address> read_address(Fields& fields, std::string_view name) {
    const auto text = fields.text(name);
    if (!text || text->empty()) return std::nullopt;
    const auto address = net::Address::parse(*text);
    if (address) return address;
    const Node& node = *fields.node().find(name);
    fields.complaints().add(node.line, node.column, shown(*text) + " is not an address",
                            "write it as 10.0.0.1 or 2001:db8::1, without a length");
    return std::nullopt;
}

// The ports that an endpoint declares. Those of a workload may have no name: then they are only mapped to a port of its
// host, and no rule can speak of them.
std::vector<policy::NamedPort> read_named_ports(Fields& spec, bool workload) {
    std::vector<policy::NamedPort> ports;
    for (const Node& item : spec.list("ports", kUnlimited)) {
        Fields fields(item, "a port in spec.ports", spec.complaints());
        policy::NamedPort port;
        port.name = fields.text("name").value_or("");
        const auto protocol = read_protocol(fields, "protocol");
        port.protocol = protocol.value_or(0);
        port.port = static_cast<std::uint16_t>(fields.integer("port", 1, 65535).value_or(0));
        const bool mapped = workload && fields.integer("hostPort", 0, 65535).value_or(0) != 0;
        if (workload) static_cast<void>(read_address(fields, "hostIP"));
        fields.finish();
        if (!item.is_mapping()) continue;
        const auto complain = [&](std::string message, std::string hint = {}) {
            spec.complaints().add(item.line, item.column, std::move(message), std::move(hint));
        };
        if (item.find("protocol") == nullptr) complain("a port in spec.ports needs a protocol");
        if (item.find("port") == nullptr) complain("a port in spec.ports needs a port");
        if (protocol && !has_ports(*protocol)) complain("a port in spec.ports needs protocol TCP, UDP or SCTP");
        if (port.name.empty()) {
            if (!mapped) complain("a port in spec.ports needs a name", workload ? "or a hostPort" : "");
        } else if (const std::string_view trouble = trouble_with_port_name(port.name); !trouble.empty()) {
            complain(shown(port.name) + " can't be the name of a port", "a name " + std::string(trouble));
        } else {
            ports.push_back(std::move(port));
        }
    }
    return ports;
}

// "10.0.0.1/32", "2001:db8::1/128", or the bare address.
std::vector<net::Address> read_ip_networks(Fields& spec) {
    std::vector<net::Address> addresses;
    for (const Node& item : spec.list("ipNetworks", kUnlimited)) {
        const auto text = read_text(item, "an address in spec.ipNetworks", spec.complaints());
        if (!text) continue;
        const auto prefix = net::Prefix::parse_loose(*text);
        if (prefix && prefix->length == prefix->address.bits()) {
            addresses.push_back(prefix->address);
            continue;
        }
        spec.complaints().add(item.line, item.column, shown(*text) + " is not the address of one endpoint",
                              "write it as 10.0.0.1/32 or 2001:db8::1/128");
    }
    return addresses;
}

// The fields that an endpoint's name is made of.
std::vector<std::string> name_parts(const policy::WorkloadEndpoint& endpoint) {
    std::vector<std::string> parts{endpoint.node, endpoint.orchestrator};
    if (endpoint.orchestrator == "k8s") {
        parts.push_back(endpoint.pod);
    } else if (endpoint.orchestrator == "cni") {
        parts.push_back(endpoint.container_id);
    } else if (endpoint.orchestrator == "libnetwork") {
        parts.emplace_back("libnetwork");
    } else {
        parts.push_back(endpoint.workload);
    }
    parts.push_back(endpoint.endpoint);
    return parts;
}

// Calico's rule: node-orchestrator-pod-endpoint, with every '-' inside a part doubled. "" when a part is missing.
std::string derived_name(const policy::WorkloadEndpoint& endpoint) {
    std::string out;
    for (const std::string& part : name_parts(endpoint)) {
        if (part.empty()) return {};
        if (!out.empty()) out += '-';
        for (const char c : part) out += c == '-' ? "--" : std::string(1, c);
    }
    return out;
}

// The name agrees with the fields when all of them are there, and follows from them when it is not written.
void settle_name(Fields& spec, const policy::WorkloadEndpoint& endpoint, policy::Metadata& metadata) {
    const std::string derived = derived_name(endpoint);
    if (metadata.name.empty() && derived.empty()) {
        spec.complaints().add(metadata.place.line, metadata.place.column, "metadata.name is missing",
                              "write one, or all of the fields that it follows from: node, orchestrator, endpoint, and "
                              "the orchestrator's pod, containerID or workload");
    } else if (metadata.name.empty()) {
        metadata.name = derived;
    } else if (!derived.empty() && metadata.name != derived) {
        spec.complaints().add(metadata.place.line, metadata.place.column,
                              shown(metadata.name) +
                                  " does not agree with node, orchestrator and the other fields that "
                                  "make a WorkloadEndpoint's name",
                              "the name that follows from them is '" + derived + "'");
    }
}

bool is_mac(std::string_view text) noexcept {
    // 6, 8 or 20 octets in pairs of digits, or in fours with dots.
    const char separator = text.find('.') != std::string_view::npos   ? '.'
                           : text.find('-') != std::string_view::npos ? '-'
                                                                      : ':';
    const std::size_t group = separator == '.' ? 4 : 2;
    std::size_t digits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if ((i + 1) % (group + 1) == 0 ? c != separator : !digit) return false;
        digits += digit ? 1 : 0;
    }
    return (digits == 12 || digits == 16 || digits == 40) && text.back() != separator;
}

std::string read_mac(Fields& spec) {
    std::string text = spec.text("mac").value_or("");
    if (text.empty() || is_mac(text)) return text;
    const Node& node = *spec.node().find("mac");
    spec.complaints().add(node.line, node.column, shown(text) + " is not a MAC address",
                          "write it as 02:00:5e:00:53:01");
    return text;
}

// The gateways of a workload say how its host routes: no packet is judged by them.
void check_gateway(Fields& spec, std::string_view name, net::Family family) {
    const auto address = read_address(spec, name);
    if (!address || address->family == family) return;
    const Node& node = *spec.node().find(name);
    spec.complaints().add(
        node.line, node.column,
        spec.path_to(name) + " must be an IPv" + std::string(family == net::Family::kIPv4 ? "4" : "6") + " address");
}

// What a workload's host does to its packets before or after it judges them. A box on the wire sees the packets as
// they are there, and says so.
void check_nats(Fields& spec, const policy::WorkloadEndpoint& endpoint) {
    for (const Node& item : spec.list("ipNATs", kUnlimited)) {
        Fields nat(item, "a mapping in spec.ipNATs", spec.complaints());
        const auto internal = read_address(nat, "internalIP");
        const auto external = read_address(nat, "externalIP");
        nat.finish();
        if (!internal || !external) continue;
        const auto& own = endpoint.ip_networks;
        if (internal->family != external->family) {
            spec.complaints().add(item.line, item.column,
                                  "internalIP and externalIP of a mapping in spec.ipNATs are of two families");
        } else if (std::find(own.begin(), own.end(), *internal) == own.end()) {
            spec.complaints().add(item.line, item.column,
                                  internal->text() + " in spec.ipNATs is not one of spec.ipNetworks");
        } else if (std::find(own.begin(), own.end(), *external) == own.end()) {
            spec.complaints().warn(item.line, item.column,
                                   "nothing here is translated: packets that carry " + external->text() +
                                       " on this wire are not taken for this endpoint's",
                                   "add it to spec.ipNetworks if they shall be");
        }
    }
}

void check_spoofed_prefixes(Fields& spec) {
    for (const Node& item : spec.list("allowSpoofedSourcePrefixes", kUnlimited)) {
        const auto text = read_text(item, "a network in spec.allowSpoofedSourcePrefixes", spec.complaints());
        if (!text) continue;
        if (!net::Prefix::parse_loose(*text)) {
            spec.complaints().add(item.line, item.column, shown(*text) + " is neither an address nor a network");
            continue;
        }
        spec.complaints().warn(item.line, item.column,
                               "packets from " + *text +
                                   " pass or not as whoever owns that address, whoever sent them: "
                                   "the egress policies of this endpoint do not judge them",
                               "declare who owns these addresses as an endpoint or a network set");
    }
}

void check_qos(Fields& spec) {
    const Node* node = spec.take("qosControls");
    if (node == nullptr) return;
    Fields qos(*node, "spec.qosControls", spec.complaints());
    bool limits = false;
    for (const std::string_view name :
         {"ingressBandwidth", "ingressBurst", "ingressPeakrate", "ingressMinburst", "egressBandwidth", "egressBurst",
          "egressPeakrate", "egressMinburst", "ingressPacketRate", "ingressPacketBurst", "egressPacketRate",
          "egressPacketBurst", "ingressMaxConnections", "egressMaxConnections"}) {
        limits = qos.integer(name, 0, std::uint64_t{1} << 62).value_or(0) != 0 || limits;
    }
    qos.ignore("dscp");
    qos.finish();
    if (limits) {
        spec.complaints().warn(node->line, node->column, "spec.qosControls is not applied here",
                               "packets and connections past its limits pass as far as policies let them");
    }
}

}  // namespace

bool is_interface_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMaxInterfaceName || text == "." || text == "..") return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

policy::Tier read_tier(Fields& spec) {
    policy::Tier tier;
    tier.order = spec.number("order").value_or(policy::kDefaultTierOrder);
    tier.default_action = spec.choice<Action>("defaultAction", kDefaultActions).value_or(Action::kDeny);
    spec.finish();
    return tier;
}

policy::NetworkSet read_network_set(Fields& spec, bool global) {
    policy::NetworkSet set;
    set.global = global;
    for (const Node& item : spec.list("nets", kUnlimited)) {
        const auto text = read_text(item, "a net in spec.nets", spec.complaints());
        if (!text) continue;
        if (const auto prefix = net::Prefix::parse_loose(*text)) {
            set.nets.push_back(*prefix);
        } else {
            spec.complaints().add(item.line, item.column, shown(*text) + " is neither an address nor a network",
                                  "write it as 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32");
        }
    }
    set.allowed_egress_domains = read_domains(spec, "allowedEgressDomains", kUnlimited);
    spec.finish();
    return set;
}

policy::HostEndpoint read_host_endpoint(Fields& spec) {
    policy::HostEndpoint endpoint;
    if (const Node* node = spec.require("node")) {
        endpoint.node = read_object_name(spec, "node");
        if (is_empty_value(*node)) spec.complaints().add(node->line, node->column, "spec.node names no host");
    }
    endpoint.interface_name = read_interface_name(spec);
    for (const Node& item : spec.list("expectedIPs", kUnlimited)) {
        const auto text = read_text(item, "an address in spec.expectedIPs", spec.complaints());
        if (!text) continue;
        if (const auto address = net::Address::parse(*text)) {
            endpoint.expected_ips.push_back(*address);
        } else {
            spec.complaints().add(item.line, item.column, shown(*text) + " is not an address",
                                  "write it as 10.0.0.1 or 2001:db8::1, without a length");
        }
    }
    endpoint.profiles = read_profiles(spec);
    endpoint.ports = read_named_ports(spec, false);
    const auto says_nothing = [&](std::string_view name) {
        const Node* node = spec.node().find(name);
        return node == nullptr || is_empty_value(*node);
    };
    if (spec.node().is_mapping() && says_nothing("interfaceName") && says_nothing("expectedIPs")) {
        spec.complaints().add(spec.node().line, spec.node().column, "a HostEndpoint needs interfaceName or expectedIPs",
                              "name a port of this appliance, or list the addresses of the host to protect");
    }
    spec.finish();
    return endpoint;
}

policy::WorkloadEndpoint read_workload_endpoint(Fields& spec, policy::Metadata& metadata) {
    policy::WorkloadEndpoint endpoint;
    endpoint.node = read_object_name(spec, "node");
    endpoint.orchestrator = read_object_name(spec, "orchestrator");
    endpoint.workload = read_object_name(spec, "workload");
    endpoint.pod = read_object_name(spec, "pod");
    endpoint.endpoint = read_object_name(spec, "endpoint");
    endpoint.container_id = spec.text("containerID").value_or("");
    endpoint.interface_name = read_interface_name(spec);
    endpoint.mac = read_mac(spec);
    endpoint.service_account = read_object_name(spec, "serviceAccountName");
    endpoint.ip_networks = read_ip_networks(spec);
    endpoint.profiles = read_profiles(spec);
    endpoint.ports = read_named_ports(spec, true);
    check_gateway(spec, "ipv4Gateway", net::Family::kIPv4);
    check_gateway(spec, "ipv6Gateway", net::Family::kIPv6);
    check_nats(spec, endpoint);
    check_spoofed_prefixes(spec);
    check_qos(spec);
    settle_name(spec, endpoint, metadata);
    spec.finish();
    return endpoint;
}

}  // namespace drywall::loader
