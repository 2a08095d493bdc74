#include "names.h"

#include <algorithm>
#include <optional>

namespace drywall::explain {

namespace {

using ruleset::EndpointInfo;

constexpr std::size_t kListed = 8;  // of endpoints that share a name

const policy::WorkloadEndpoint* workload(const policy::Inventory* inventory, const policy::ResourceId& id) {
    if (inventory == nullptr) return nullptr;
    const auto found = inventory->find(id);
    return found == inventory->end() ? nullptr : std::get_if<policy::WorkloadEndpoint>(found->second.get());
}

}  // namespace

EndpointNames::EndpointNames(const ruleset::Ruleset& ruleset, const policy::Inventory* inventory) : ruleset_(ruleset) {
    for (std::size_t i = 0; i < ruleset.endpoints().size(); ++i) {
        const policy::ResourceId& id = ruleset.endpoints()[i].id;
        add(0, id.text(), i);
        if (id.kind == policy::Kind::kHostEndpoint) {
            add(1, id.name, i);
            continue;
        }
        add(1, id.ns + '/' + id.name, i);
        add(2, id.name, i);
        if (const policy::WorkloadEndpoint* endpoint = workload(inventory, id);
            endpoint != nullptr && !endpoint->pod.empty() && endpoint->pod != id.name)
            add(2, id.ns + '/' + endpoint->pod, i);
    }
}

void EndpointNames::add(std::size_t rank, std::string name, std::size_t endpoint) {
    by_rank_[rank][std::move(name)].push_back(endpoint);
}

Result<const EndpointInfo*> EndpointNames::find(std::string_view name) const {
    for (const ByName& by_name : by_rank_) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) continue;
        if (found->second.size() == 1) return &ruleset_.endpoints()[found->second.front()];
        std::string names;
        for (std::size_t i = 0; i < std::min(found->second.size(), kListed); ++i)
            names += (i == 0 ? "" : ", ") + ruleset_.endpoints()[found->second[i]].id.text();
        if (found->second.size() > kListed) names += ", ...";
        return Error::of(ErrorKind::kInvalid, "several endpoints are called '" + std::string(name) + "'",
                         "name one of: " + names);
    }
    return Error::of(ErrorKind::kNotFound, "'" + std::string(name) + "' is neither an address nor a declared endpoint",
                     "write an address, NAMESPACE/POD, or the name of a HostEndpoint");
}

Result<Side> side_of(const ruleset::Ruleset& ruleset, const EndpointNames& names, std::string_view text) {
    if (const std::optional<net::Address> address = net::Address::parse(text)) {
        const EndpointInfo* endpoint = ruleset.endpoint_of(*address);
        return Side{endpoint == nullptr ? std::string() : endpoint->id.text(), {*address}};
    }
    const Result<const EndpointInfo*> endpoint = names.find(text);
    if (!endpoint) return endpoint.error();
    return Side{(*endpoint)->id.text(), (*endpoint)->addresses};
}

Result<std::pair<net::Address, net::Address>> common_family(const Side& source, const Side& destination) {
    for (const net::Address& from : source.addresses)
        for (const net::Address& to : destination.addresses)
            if (from.family == to.family) return std::pair(from, to);
    return Error::of(ErrorKind::kInvalid, "source and destination have no address family in common",
                     "give two IPv4 addresses or two IPv6 addresses");
}

}  // namespace drywall::explain
