// ServiceCover: who was seen with which services, as few rules.
//
// Threads: pure functions.
// Bounds:  exact: a rule's peers were all seen with all of its services. Rules are chosen greedily: at most ln(n) + 1
//          times as many as the fewest that could be made of n pairs by these candidates.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace drywall::whatif {

// Peers are numbers that mean something to the caller; services are ports, or ICMP's type << 8 | code.
using SeenServices = std::map<std::uint32_t, std::set<std::uint16_t>>;

struct ServiceRule {
    std::vector<std::uint32_t> peers;     // ascending
    std::vector<std::uint16_t> services;  // ascending
    bool operator==(const ServiceRule&) const = default;
};

// Covers exactly the pairs of `seen`.
[[nodiscard]] std::vector<ServiceRule> service_rules(const SeenServices& seen);

}  // namespace drywall::whatif
