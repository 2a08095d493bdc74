#include "endpoints.h"

#include <algorithm>
#include <utility>

namespace drywall::ruleset {

namespace {

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

class Census {
public:
    explicit Census(const Surroundings& surroundings) : surroundings_(surroundings) {
        port_taken_.resize(surroundings.port_names.size(), false);
    }

    void add(const policy::ResourceId& id, const policy::WorkloadEndpoint& endpoint) {
        const LabelsId labels = intern(policy::effective_labels(endpoint));
        name_addresses(labels, endpoint.ip_networks);
        // A workload without addresses is filtered out before policy, as in Calico.
        if (endpoint.ip_networks.empty()) return;
        judge(id, Role::kWorkload, labels, endpoint.ip_networks, endpoint.profiles, std::nullopt);
    }

    void add(const policy::ResourceId& id, const policy::HostEndpoint& endpoint) {
        const LabelsId labels = intern(endpoint.metadata.labels);
        name_addresses(labels, endpoint.expected_ips);
        const auto port =
            std::find(surroundings_.port_names.begin(), surroundings_.port_names.end(), endpoint.interface_name);
        if (port != surroundings_.port_names.end()) {
            add_port(id, labels, static_cast<std::size_t>(port - surroundings_.port_names.begin()));
        } else if (!endpoint.expected_ips.empty()) {
            judge(id, Role::kHost, labels, endpoint.expected_ips, endpoint.profiles, std::nullopt);
        } else {
            complain(id, endpoint);
        }
    }

    void add(const policy::NetworkSet& set) {
        auto& named = population_.named[index(intern(set.metadata.labels))];
        named.insert(named.end(), set.nets.begin(), set.nets.end());
    }

    Result<Population> finish() && {
        if (!complaints_.empty()) return Error{ErrorKind::kInvalid, std::move(complaints_)};
        for (std::vector<net::Prefix>& prefixes : population_.named) {
            std::sort(prefixes.begin(), prefixes.end());
            prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
        }
        return std::move(population_);
    }

private:
    LabelsId intern(const policy::Labels& labels) {
        const LabelsId next{static_cast<std::uint32_t>(population_.labels.size())};
        const auto [entry, fresh] = known_.try_emplace(labels, next);
        if (fresh) {
            population_.labels.push_back(labels);
            population_.named.emplace_back();
        }
        return entry->second;
    }

    void name_addresses(LabelsId labels, const std::vector<net::Address>& addresses) {
        for (const net::Address& address : addresses)
            population_.named[index(labels)].push_back(net::Prefix::host(address));
    }

    // Exactly one HostEndpoint governs a port: the one with the lowest name, which an Inventory lists first.
    void add_port(const policy::ResourceId& id, LabelsId labels, std::size_t port) {
        if (port_taken_[port]) return;
        port_taken_[port] = true;
        judge(id, Role::kPort, labels, {}, {}, PortId{static_cast<std::uint16_t>(port)});
    }

    void judge(const policy::ResourceId& id, Role role, LabelsId labels, const std::vector<net::Address>& addresses,
               const std::vector<std::string>& profiles, std::optional<PortId> port) {
        population_.subjects.push_back(
            {.info = {.id = id, .labels = population_.labels[index(labels)], .addresses = addresses},
             .role = role,
             .labels = labels,
             .profiles = profiles,
             .port = port});
    }

    void complain(const policy::ResourceId& id, const policy::HostEndpoint& endpoint) {
        const std::string ports = listed(surroundings_.port_names);
        if (endpoint.interface_name == "*") {
            complaints_.push_back({.place = endpoint.metadata.place,
                                   .message = id.text() +
                                              ": interfaceName '*' without expectedIPs names every interface"
                                              " of a host that Drywall is not",
                                   .hint = "write one HostEndpoint per port (" + ports +
                                           "), or expectedIPs for a host behind the appliance"});
            return;
        }
        complaints_.push_back({.place = endpoint.metadata.place,
                               .message = id.text() + ": interfaceName '" + endpoint.interface_name +
                                          "' is not a port of this appliance, and there are no expectedIPs",
                               .hint = "the ports are " + ports + "; a host behind the appliance needs expectedIPs"});
    }

    const Surroundings& surroundings_;
    Population population_;
    std::map<policy::Labels, LabelsId> known_;
    std::vector<bool> port_taken_;
    std::vector<Complaint> complaints_;
};

}  // namespace

Result<Population> populate(const policy::Inventory& inventory, const Surroundings& surroundings) {
    Census census(surroundings);
    for (const auto& [id, resource] : inventory) {
        if (const auto* workload = std::get_if<policy::WorkloadEndpoint>(resource.get())) census.add(id, *workload);
        if (const auto* host = std::get_if<policy::HostEndpoint>(resource.get())) census.add(id, *host);
        if (const auto* set = std::get_if<policy::NetworkSet>(resource.get())) census.add(*set);
    }
    return std::move(census).finish();
}

}  // namespace drywall::ruleset
