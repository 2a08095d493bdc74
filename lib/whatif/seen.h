// Seen: what endpoints were seen doing that no explicit rule decides, ready to become rules.
//
// Threads: values.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/net/address.h"
#include "drywall/whatif/recommend.h"
#include "kin.h"

namespace drywall::whatif {

// The other side of a connection: declared endpoints by their kin, everything else by its address.
struct Counterpart {
    bool declared = false;
    KinId kin = 0;
    net::Address address;
    auto operator<=>(const Counterpart&) const = default;
};

struct SeenService {
    std::uint8_t protocol = 0;
    std::uint16_t port = 0;  // ICMP: type << 8 | code
    auto operator<=>(const SeenService&) const = default;
};

using SeenPair = std::pair<Counterpart, SeenService>;
using SeenOneWay = std::map<SeenPair, Evidence>;

// What one kin was seen doing, where a rule of one tier would decide.
struct SeenOf {
    std::array<SeenOneWay, 2> by_direction;  // by Direction

    [[nodiscard]] const SeenOneWay& in(Direction direction) const {
        return by_direction[static_cast<std::size_t>(direction)];
    }
    [[nodiscard]] SeenOneWay& in(Direction direction) { return by_direction[static_cast<std::size_t>(direction)]; }
};

struct Seen {
    std::map<std::pair<KinId, std::string>, SeenOf> by_kin_and_tier;
    // Endpoint by endpoint, and address by address where that is how the counterpart is written.
    struct Exact {
        std::size_t subject = 0;
        Direction direction{};
        std::size_t endpoint = kNoEndpoint;
        net::Address address;
        SeenService service;
        auto operator<=>(const Exact&) const = default;
    };
    static constexpr std::size_t kNoEndpoint = std::numeric_limits<std::size_t>::max();
    std::set<Exact> exact;
    std::set<std::size_t> subjects;  // endpoints that something was seen of
};

}  // namespace drywall::whatif
