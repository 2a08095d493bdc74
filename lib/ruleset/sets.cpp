#include "sets.h"

#include <algorithm>

namespace drywall::ruleset {

namespace {

void insert(const DeclaredPorts& declared,
            std::map<std::pair<std::uint8_t, std::uint16_t>, std::vector<net::Prefix>>& all) {
    for (const auto& [port, addresses] : declared) {
        std::vector<net::Prefix>& prefixes = all[port];
        for (const net::Address& address : addresses) prefixes.push_back(net::Prefix::host(address));
    }
}

// REQUIRES: ports come in ascending order
void append(std::uint16_t port, std::vector<classify::PortRange>& ranges) {
    if (!ranges.empty() && ranges.back().last + 1 == port)
        ranges.back().last = port;
    else
        ranges.push_back({port, port});
}

}  // namespace

classify::SetId SetTable::of(std::vector<net::Prefix> prefixes) {
    std::sort(prefixes.begin(), prefixes.end());
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    const classify::SetId next{static_cast<std::uint32_t>(program_.sets.size())};
    const auto [entry, fresh] = by_content_.try_emplace(std::move(prefixes), next);
    if (fresh) program_.sets.push_back({entry->first});
    return entry->second;
}

classify::SetId SetTable::of(const SelectorBook::Selected& selected) {
    if (const auto known = by_selector_.find(&selected); known != by_selector_.end()) return known->second;
    std::vector<net::Prefix> prefixes;
    for (const LabelsId labels : selected.labels) {
        const std::vector<net::Prefix>& named = population_.named[index(labels)];
        prefixes.insert(prefixes.end(), named.begin(), named.end());
    }
    return by_selector_.emplace(&selected, of(std::move(prefixes))).first->second;
}

const std::vector<PortGroup>& SetTable::declared(const std::vector<std::string>& names,
                                                 const SelectorBook::Selected* within) {
    static const std::vector<PortGroup> none;
    if (names.empty()) return none;
    const auto [entry, fresh] = declared_.try_emplace({names, within});
    if (!fresh) return entry->second;
    ByPort all;
    for (const std::string& name : names) {
        const auto declarers = population_.ports.find(name);
        if (declarers == population_.ports.end()) continue;
        if (within == nullptr) {
            for (const auto& [labels, declared] : declarers->second) insert(declared, all);
            continue;
        }
        for (const LabelsId labels : within->labels)
            if (const auto found = declarers->second.find(labels); found != declarers->second.end())
                insert(found->second, all);
    }
    entry->second = grouped(std::move(all));
    return entry->second;
}

std::vector<PortGroup> SetTable::grouped(ByPort&& by_port) {
    std::vector<PortGroup> groups;
    std::map<std::pair<std::uint8_t, classify::SetId>, std::size_t> known;
    for (auto& [key, prefixes] : by_port) {
        const auto& [protocol, port] = key;
        if (prefixes.empty()) continue;
        const classify::SetId addresses = of(std::move(prefixes));
        if (port == 0) {
            groups.push_back({.protocol = protocol, .ports = {}, .addresses = addresses});
            continue;
        }
        const auto [entry, fresh] = known.try_emplace({protocol, addresses}, groups.size());
        if (fresh) groups.push_back({.protocol = protocol, .ports = {}, .addresses = addresses});
        append(port, groups[entry->second].ports);
    }
    return groups;
}

const std::vector<policy::CalicoView::Backend>& SetTable::backends_of(const std::string& ns,
                                                                      const std::string& name) const {
    static const std::vector<policy::CalicoView::Backend> none;
    const auto found = view_.services.find({ns, name});
    return found == view_.services.end() ? none : found->second;
}

const std::vector<PortGroup>& SetTable::backends(const std::string& ns, const std::string& name) {
    const auto [entry, fresh] = backends_.try_emplace({ns, name});
    if (!fresh) return entry->second;
    ByPort all;
    for (const policy::CalicoView::Backend& backend : backends_of(ns, name))
        if (backend.protocol != 0)  // no port at all: can't be a destination
            all[{backend.protocol, backend.port}].push_back(net::Prefix::host(backend.address));
    entry->second = grouped(std::move(all));
    return entry->second;
}

classify::SetId SetTable::addresses_of(const std::string& ns, const std::string& name) {
    std::vector<net::Prefix> prefixes;
    for (const policy::CalicoView::Backend& backend : backends_of(ns, name))
        prefixes.push_back(net::Prefix::host(backend.address));
    return of(std::move(prefixes));
}

}  // namespace drywall::ruleset
