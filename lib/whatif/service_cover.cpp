#include "service_cover.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace drywall::whatif {

namespace {

// Beyond so many different sets of services each is a rule of its own: a search for fewer would take too long.
constexpr std::size_t kMostAlike = 400;

using Services = std::set<std::uint16_t>;

// Peers with the same services.
struct Alike {
    Services services;
    std::vector<std::uint32_t> peers;
};

std::vector<Alike> alike(const SeenServices& seen) {
    std::map<Services, std::vector<std::uint32_t>> by_services;
    for (const auto& [peer, services] : seen)
        if (!services.empty()) by_services[services].push_back(peer);
    std::vector<Alike> out;
    out.reserve(by_services.size());
    for (auto& [services, peers] : by_services) out.push_back({services, std::move(peers)});
    return out;
}

bool includes(const Services& all, const Services& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// Services, and the groups (by number) whose peers have them all.
struct Proposal {
    Services services;
    std::vector<std::size_t> groups;
};

// The services of each group, and what those who have one service in common have in common.
std::vector<Proposal> proposals(const std::vector<Alike>& groups) {
    std::set<Services> sets;
    std::map<std::uint16_t, Services> common;
    for (const Alike& group : groups) {
        sets.insert(group.services);
        for (const std::uint16_t service : group.services) {
            const auto [found, fresh] = common.try_emplace(service, group.services);
            if (fresh) continue;
            Services both;
            std::set_intersection(found->second.begin(), found->second.end(), group.services.begin(),
                                  group.services.end(), std::inserter(both, both.end()));
            found->second = std::move(both);
        }
    }
    for (auto& [service, services] : common) sets.insert(std::move(services));
    std::vector<Proposal> out;
    for (const Services& services : sets) {
        Proposal proposal{services, {}};
        for (std::size_t i = 0; i < groups.size(); ++i)
            if (includes(groups[i].services, services)) proposal.groups.push_back(i);
        out.push_back(std::move(proposal));
    }
    return out;
}

ServiceRule rule_of(const Proposal& proposal, const std::vector<Alike>& groups) {
    ServiceRule rule{{}, {proposal.services.begin(), proposal.services.end()}};
    for (const std::size_t group : proposal.groups)
        rule.peers.insert(rule.peers.end(), groups[group].peers.begin(), groups[group].peers.end());
    std::sort(rule.peers.begin(), rule.peers.end());
    return rule;
}

// The product that adds most, again and again.
std::vector<ServiceRule> shared_rules(const std::vector<Alike>& groups) {
    std::vector<ServiceRule> rules;
    std::vector<Services> left;
    for (const Alike& group : groups) left.push_back(group.services);
    const std::vector<Proposal> all = proposals(groups);
    while (true) {
        const Proposal* best = nullptr;
        std::size_t best_gain = 0;
        for (const Proposal& proposal : all) {
            std::size_t gain = 0;
            for (const std::size_t group : proposal.groups)
                gain += groups[group].peers.size() *
                        static_cast<std::size_t>(
                            std::count_if(proposal.services.begin(), proposal.services.end(),
                                          [&](std::uint16_t service) { return left[group].contains(service); }));
            if (gain > best_gain) {
                best = &proposal;
                best_gain = gain;
            }
        }
        if (best == nullptr) return rules;
        for (const std::size_t group : best->groups)
            for (const std::uint16_t service : best->services) left[group].erase(service);
        rules.push_back(rule_of(*best, groups));
    }
}

}  // namespace

std::vector<ServiceRule> service_rules(const SeenServices& seen) {
    const std::vector<Alike> groups = alike(seen);
    std::vector<ServiceRule> each;
    for (std::size_t i = 0; i < groups.size(); ++i) each.push_back(rule_of({groups[i].services, {i}}, groups));
    if (groups.size() > kMostAlike) return each;
    std::vector<ServiceRule> shared = shared_rules(groups);
    return shared.size() < each.size() ? shared : each;
}

}  // namespace drywall::whatif
