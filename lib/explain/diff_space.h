// DiffSpace: the packets that two regimes may tell apart, cut into combinations that neither of them does: classes of
// sources, of destinations, of services, and of the ports where packets enter.
//
// Threads: values, made by one comparison.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/explain/semantic_diff.h"

namespace drywall::explain {

// What both regimes do with addresses on one side of a packet: the walk of their party (kNoWalk: undeclared), by
// content, so that equal numbers judge equally.
struct SideSteps {
    std::uint32_t before = 0;
    std::uint32_t after = 0;
    [[nodiscard]] bool differ() const noexcept { return before != after; }
};

struct DiffAddressClass {
    net::Family family{};
    SideSteps steps;
    std::vector<net::Address> examples;  // one or two
};

// Prefixes in order, each with the classes of the addresses for which it is the longest.
struct ClassedAddresses {
    struct Entry {
        net::Prefix prefix;
        std::uint32_t source = 0;
        std::uint32_t destination = 0;
    };
    std::vector<Entry> entries;
    std::vector<DiffAddressClass> sources;
    std::vector<DiffAddressClass> destinations;

    // Of the classes that are marked. `side`: &Entry::source or &Entry::destination.
    [[nodiscard]] AddressRegion region(std::uint32_t Entry::*side, const std::vector<bool>& marked) const;
};

// Packets of one family without their addresses.
struct ClassedServices {
    // One protocol, or several that no rule names: a table [source ports][destination ports] of classes.
    struct Slab {
        std::vector<ProtocolRange> protocols;
        std::vector<classify::PortRange> sources;
        std::vector<classify::PortRange> destinations;
        std::vector<std::uint32_t> classes;
    };
    std::vector<Slab> slabs;
    std::vector<net::Tuple> examples;  // by class

    [[nodiscard]] std::vector<ServiceRegion> regions(const std::vector<bool>& marked) const;
};

struct LaneClass {
    std::vector<std::uint16_t> lanes;
    bool differs = false;  // a port's own policies do
};

struct DiffSpace {
    ClassedAddresses addresses;
    std::array<ClassedServices, 2> services;  // IPv4, IPv6
    std::vector<LaneClass> lanes;
    bool everything_differs = false;  // the failsafe list, or the verdict for what nobody declared
};

[[nodiscard]] Result<DiffSpace> diff_space(const Regime& before, const Regime& after, const DiffLimits& limits);

}  // namespace drywall::explain
