// Tiers, network sets and endpoints.
#include <algorithm>
#include <array>
#include <limits>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

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

std::string read_interface_name(Fields& spec) {
    const Node* node = spec.take("interfaceName");
    if (node == nullptr) return {};
    const auto name = read_text(*node, "spec.interfaceName", spec.complaints());
    if (!name || name->empty() || is_interface_name(*name)) return name.value_or("");
    if (*name == "*") {
        spec.complaints().unsupported(node->line, node->column, "spec.interfaceName '*' is not supported yet",
                                      "declare one HostEndpoint for each port");
    } else {
        spec.complaints().add(node->line, node->column, shown(*name) + " can't be an interface",
                              "use letters, digits, '-', '_' and '.', at most 15");
    }
    return *name;
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

// Calico's rule for Kubernetes' endpoints: node-k8s-pod-endpoint, with every '-' inside a part doubled.
std::string derived_name(const policy::WorkloadEndpoint& endpoint) {
    std::string out;
    for (const std::string& part : {endpoint.node, endpoint.orchestrator, endpoint.pod, endpoint.endpoint}) {
        if (!out.empty()) out += '-';
        for (const char c : part) out += c == '-' ? "--" : std::string(1, c);
    }
    return out;
}

void check_derived_name(Fields& spec, const policy::WorkloadEndpoint& endpoint, const policy::Metadata& metadata) {
    const bool complete =
        endpoint.orchestrator == "k8s" && !endpoint.node.empty() && !endpoint.pod.empty() && !endpoint.endpoint.empty();
    if (!complete || metadata.name == derived_name(endpoint)) return;
    spec.complaints().add(metadata.place.line, metadata.place.column,
                          shown(metadata.name) + " does not agree with node, orchestrator, pod and endpoint",
                          "the name that follows from them is '" + derived_name(endpoint) + "'");
}

void refuse_what_is_not_there(Fields& spec) {
    spec.unsupported("ipNATs", "only the addresses in ipNetworks are matched");
    spec.unsupported("ports", "named ports can't be used in rules either");
    spec.unsupported("serviceAccountName");
    spec.unsupported("allowSpoofedSourcePrefixes");
    spec.unsupported("qosControls");
    // Routing of the workload's host: no packet is judged by it.
    spec.ignore("ipv4Gateway");
    spec.ignore("ipv6Gateway");
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

policy::NetworkSet read_network_set(Fields& spec) {
    policy::NetworkSet set;
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
    spec.finish();
    return set;
}

policy::HostEndpoint read_host_endpoint(Fields& spec) {
    policy::HostEndpoint endpoint;
    if (const Node* node = spec.require("node")) {
        endpoint.node = read_text(*node, "spec.node", spec.complaints()).value_or("");
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
    spec.unsupported("ports", "named ports can't be used in rules either");
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

policy::WorkloadEndpoint read_workload_endpoint(Fields& spec, const policy::Metadata& metadata) {
    policy::WorkloadEndpoint endpoint;
    endpoint.node = spec.text("node").value_or("");
    endpoint.orchestrator = spec.text("orchestrator").value_or("");
    endpoint.workload = spec.text("workload").value_or("");
    endpoint.pod = spec.text("pod").value_or("");
    endpoint.endpoint = spec.text("endpoint").value_or("");
    endpoint.container_id = spec.text("containerID").value_or("");
    endpoint.interface_name = read_interface_name(spec);
    endpoint.mac = spec.text("mac").value_or("");
    endpoint.ip_networks = read_ip_networks(spec);
    endpoint.profiles = read_profiles(spec);
    refuse_what_is_not_there(spec);
    check_derived_name(spec, endpoint, metadata);
    spec.finish();
    return endpoint;
}

}  // namespace drywall::loader
