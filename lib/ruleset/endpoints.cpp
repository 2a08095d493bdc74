#include "endpoints.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "failsafes.h"

namespace drywall::ruleset {

namespace {

constexpr std::string_view kAllInterfaces = "*";

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

struct LabelsHash {
    std::size_t operator()(const policy::Labels& labels) const noexcept {
        std::size_t hash = labels.size();
        for (const auto& [key, value] : labels) {
            hash = (hash ^ std::hash<std::string_view>()(key)) * 0x9e3779b97f4a7c15u;
            hash = (hash ^ std::hash<std::string_view>()(value)) * 0x9e3779b97f4a7c15u;
            hash ^= hash >> 32;
        }
        return hash;
    }
};

class Census {
public:
    Census(const policy::CalicoView& view, const Surroundings& surroundings)
        : view_(view), surroundings_(surroundings), felix_(view, population_.failsafes) {}

    Result<Population> run() && {
        for (const auto& [id, workload] : view_.workloads) add(id, *workload);
        for (const auto& [id, host] : hosts_by_name()) add(id, *host);
        for (const auto& [id, set] : view_.sets) add(*set);
        govern_other_ports();
        if (!complaints_.empty()) return Error{ErrorKind::kInvalid, std::move(complaints_)};
        for (std::vector<net::Prefix>& prefixes : population_.named) {
            std::sort(prefixes.begin(), prefixes.end());
            prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
        }
        return std::move(population_);
    }

private:
    using HostItem = policy::CalicoView::Item<policy::HostEndpoint>;

    // Of several HostEndpoints that claim one port or one address, the one with the lowest name governs it.
    [[nodiscard]] std::vector<HostItem> hosts_by_name() const {
        std::vector<HostItem> hosts = view_.hosts;
        std::stable_sort(hosts.begin(), hosts.end(),
                         [](const HostItem& a, const HostItem& b) { return a.id.name < b.id.name; });
        return hosts;
    }

    void add(const policy::ResourceId& id, const policy::WorkloadEndpoint& endpoint) {
        const LabelsId labels = intern(view_.labels_of(endpoint));
        name_addresses(labels, endpoint.ip_networks, endpoint.ports);
        // A workload without addresses is filtered out before policy, as in Calico.
        if (endpoint.ip_networks.empty()) return;
        judge(id, endpoint.ip_networks,
              {.role = Role::kWorkload, .labels = labels, .profiles = intern(endpoint.profiles)});
    }

    void add(const policy::ResourceId& id, const policy::HostEndpoint& endpoint) {
        const LabelsId labels = intern(view_.labels_of(endpoint));
        name_addresses(labels, endpoint.expected_ips, endpoint.ports);
        const auto port =
            std::find(surroundings_.port_names.begin(), surroundings_.port_names.end(), endpoint.interface_name);
        if (port != surroundings_.port_names.end()) {
            govern(PortId{static_cast<std::uint16_t>(port - surroundings_.port_names.begin())},
                   group_of(endpoint, Role::kPort, labels));
        } else if (!endpoint.expected_ips.empty()) {
            add_host(id, endpoint, labels);
        } else if (endpoint.interface_name == kAllInterfaces) {
            if (!everywhere_) everywhere_ = group_of(endpoint, Role::kPort, labels);
        } else {
            complain(id, endpoint);
        }
    }

    void add_host(const policy::ResourceId& id, const policy::HostEndpoint& endpoint, LabelsId labels) {
        std::vector<net::Address> governed;
        for (const net::Address& address : endpoint.expected_ips)
            if (governed_.insert(address).second) governed.push_back(address);
        if (!governed.empty()) judge(id, governed, group_of(endpoint, Role::kHost, labels));
    }

    void add(const policy::NetworkSet& set) {
        const LabelsId labels = intern(view_.labels_of(set));
        auto& named = population_.named[index(labels)];
        named.insert(named.end(), set.nets.begin(), set.nets.end());
        auto& domains = population_.domains[index(labels)];
        domains.insert(domains.end(), set.allowed_egress_domains.begin(), set.allowed_egress_domains.end());
    }

    [[nodiscard]] Group group_of(const policy::HostEndpoint& endpoint, Role role, LabelsId labels) {
        return {.role = role,
                .labels = labels,
                .failsafes = felix_.of_node(endpoint.node),
                .untracked = endpoint.interface_name != kAllInterfaces,
                .profiles = role == Role::kPort ? intern(std::vector<std::string>{}) : intern(endpoint.profiles)};
    }

    LabelsId intern(const policy::Labels& labels) {
        const LabelsId next{static_cast<std::uint32_t>(population_.labels.size())};
        const auto [entry, fresh] = labels_.try_emplace(labels, next);
        if (fresh) {
            population_.labels.push_back(labels);
            population_.named.emplace_back();
            population_.domains.emplace_back();
        }
        return entry->second;
    }

    std::size_t intern(const std::vector<std::string>& profiles) {
        const auto [entry, fresh] = profiles_.try_emplace(profiles, population_.profile_lists.size());
        if (fresh) population_.profile_lists.push_back(profiles);
        return entry->second;
    }

    std::size_t intern(const Group& group) {
        const auto [entry, fresh] = groups_.try_emplace(group, population_.groups.size());
        if (fresh) population_.groups.push_back(group);
        return entry->second;
    }

    void name_addresses(LabelsId labels, const std::vector<net::Address>& addresses,
                        const std::vector<policy::NamedPort>& ports) {
        for (const net::Address& address : addresses)
            population_.named[index(labels)].push_back(net::Prefix::host(address));
        for (const policy::NamedPort& port : ports) {
            auto& declared = population_.ports[port.name][labels][{port.protocol, port.port}];
            declared.insert(declared.end(), addresses.begin(), addresses.end());
        }
    }

    void judge(const policy::ResourceId& id, const std::vector<net::Address>& addresses, const Group& group) {
        population_.subjects.push_back(
            {.info = {.id = id, .labels = population_.labels[index(group.labels)], .addresses = addresses},
             .group = intern(group)});
    }

    void govern(PortId port, const Group& group) { population_.port_groups.try_emplace(port, intern(group)); }

    // A HostEndpoint of all interfaces stands for the ports that have none of their own.
    void govern_other_ports() {
        if (!everywhere_) return;
        for (std::size_t port = 0; port < surroundings_.port_names.size(); ++port)
            govern(PortId{static_cast<std::uint16_t>(port)}, *everywhere_);
    }

    void complain(const policy::ResourceId& id, const policy::HostEndpoint& endpoint) {
        complaints_.push_back({.place = endpoint.metadata.place,
                               .message = id.text() + ": interfaceName '" + endpoint.interface_name +
                                          "' is not a port of this appliance, and there are no expectedIPs",
                               .hint = "the ports are " + listed(surroundings_.port_names) +
                                       "; a host behind the appliance needs expectedIPs",
                               .about = {.kind = "HostEndpoint", .ns = {}, .name = id.name}});
    }

    const policy::CalicoView& view_;
    const Surroundings& surroundings_;
    Population population_;
    FelixLists felix_;
    std::unordered_map<policy::Labels, LabelsId, LabelsHash> labels_;
    std::map<std::vector<std::string>, std::size_t> profiles_;
    std::map<Group, std::size_t> groups_;
    std::set<net::Address> governed_;  // addresses of hosts
    std::optional<Group> everywhere_;
    std::vector<Complaint> complaints_;
};

}  // namespace

Result<Population> populate(const policy::CalicoView& view, const Surroundings& surroundings) {
    return Census(view, surroundings).run();
}

}  // namespace drywall::ruleset
