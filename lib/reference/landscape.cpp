#include "landscape.h"

#include <algorithm>

#include "drywall/net/packet_meta.h"

namespace drywall::reference {
namespace {

bool has(const Endpoint& endpoint, const net::Address& address) {
    return std::find(endpoint.addresses.begin(), endpoint.addresses.end(), address) != endpoint.addresses.end();
}

Endpoint read(const policy::WorkloadEndpoint& workload, const policy::CalicoView& view) {
    Endpoint endpoint;
    endpoint.name = workload.metadata.name;
    endpoint.node = workload.node;
    endpoint.labels = view.labels_of(workload);
    endpoint.addresses = workload.ip_networks;
    endpoint.ports = workload.ports;
    endpoint.profiles = workload.profiles;
    return endpoint;
}

Endpoint read(const policy::HostEndpoint& host, const policy::CalicoView& view) {
    Endpoint endpoint;
    endpoint.host = true;
    endpoint.name = host.metadata.name;
    endpoint.node = host.node;
    endpoint.interface_name = host.interface_name;
    endpoint.labels = view.labels_of(host);
    endpoint.addresses = host.expected_ips;
    endpoint.ports = host.ports;
    endpoint.profiles = host.profiles;
    return endpoint;
}

}  // namespace

Landscape::Landscape(const policy::CalicoView& view) : view_(view) {
    for (const auto& item : view.workloads) endpoints_.push_back(read(*item.value, view));
    for (const auto& item : view.hosts) endpoints_.push_back(read(*item.value, view));
    for (const auto& item : view.sets)
        sets_.push_back({.labels = view.labels_of(*item.value),
                         .nets = item.value->nets,
                         .domains = item.value->allowed_egress_domains});
    std::stable_sort(endpoints_.begin(), endpoints_.end(),
                     [](const Endpoint& a, const Endpoint& b) { return a.name < b.name; });
}

const Endpoint* Landscape::at(const net::Address& address) const {
    for (const Endpoint& endpoint : endpoints_)
        if (has(endpoint, address)) return &endpoint;
    return nullptr;
}

const Endpoint* Landscape::of_port(const std::string& port_name) const {
    for (const std::string& wanted : {port_name, std::string("*")})
        for (const Endpoint& endpoint : endpoints_)
            if (endpoint.host && endpoint.interface_name == wanted) return &endpoint;
    return nullptr;
}

bool Landscape::belongs(const net::Address& address, const policy::Selector& selector) const {
    for (const Endpoint& endpoint : endpoints_)
        if (has(endpoint, address) && selector.matches(endpoint.labels)) return true;
    for (const Set& set : sets_)
        for (const net::Prefix& net : set.nets)
            if (net.contains(address) && selector.matches(set.labels)) return true;
    return false;
}

std::vector<std::string> Landscape::allowed_domains(const policy::Selector& selector) const {
    std::vector<std::string> domains;
    for (const Set& set : sets_)
        if (selector.matches(set.labels)) domains.insert(domains.end(), set.domains.begin(), set.domains.end());
    return domains;
}

bool Landscape::declares(const net::Address& address, const std::string& port_name, std::uint8_t protocol,
                         std::uint16_t port, const policy::Selector& selector) const {
    for (const Endpoint& endpoint : endpoints_) {
        if (!has(endpoint, address) || !selector.matches(endpoint.labels)) continue;
        for (const policy::NamedPort& declared : endpoint.ports)
            if (declared.name == port_name && declared.protocol == protocol && declared.port == port) return true;
    }
    return false;
}

bool Landscape::backs(const std::pair<std::string, std::string>& service, const net::Address& address) const {
    const auto found = view_.services.find(service);
    if (found == view_.services.end()) return false;
    for (const policy::CalicoView::Backend& backend : found->second)
        if (backend.address == address) return true;
    return false;
}

bool Landscape::serves(const std::pair<std::string, std::string>& service, const net::Address& address,
                       std::uint8_t protocol, std::uint16_t port) const {
    const auto found = view_.services.find(service);
    if (found == view_.services.end() || !net::has_ports(protocol)) return false;
    for (const policy::CalicoView::Backend& backend : found->second) {
        if (backend.address != address || backend.protocol != protocol) continue;
        if (backend.port == 0 || backend.port == port) return true;
    }
    return false;
}

}  // namespace drywall::reference
