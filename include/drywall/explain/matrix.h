// Matrix: who reaches whom, computed through the classifier for every pair of declared endpoints and every service that
// the rules tell apart.
//
// Threads: pure functions over an immutable ruleset.
// Bounds:  at most `max_endpoints` rows, kMaxServices services, kMaxAddresses addresses of an endpoint. What is left
//          out is said in the answer. Questions are asked from the source port kEphemeralPort.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/net/packet_meta.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

inline constexpr std::size_t kMaxServices = 64;
inline constexpr std::size_t kMaxAddresses = 4;

// Destination ports (or ICMP types and codes) that no rule tells apart, and one of them to ask with.
struct Service {
    std::uint8_t protocol = 0;
    std::uint16_t first = 0;  // also what is asked with; ICMP: type << 8 | code
    std::uint16_t last = 0;
    bool other = false;  // the rest: everything of the protocol that no rule names
    // "tcp/8080", "udp/5000-5010", "tcp/other", "icmp/8/0", "47"
    [[nodiscard]] std::string text() const;
    bool operator==(const Service&) const = default;
};

// The services that the rules of both worlds tell apart: each protocol's named ports, and one for its other ports.
// TCP, UDP, ICMP and ICMPv6 are always among them.
[[nodiscard]] std::vector<Service> services_of(const classify::Program& program);

// "tcp/8080", "udp/53", "icmp/8/0", "tcp" (its other ports), "47".
[[nodiscard]] Result<Service> parse_service(std::string_view text);

enum class Reach : std::uint8_t {
    kNone,     // the two have no address family in common, or are the same endpoint
    kDeny,     // no service passes
    kAllow,    // every service passes
    kDepends,  // of every service passes what says what rules ask for
    kMixed,    // some pass, or it depends on the port of entry or the address
};
[[nodiscard]] std::string_view name(Reach reach) noexcept;

// A service of which passes what says what rules ask for, and what that is, where it was asked first.
struct AskedService {
    std::string service;
    std::vector<std::string> asks;  // "ingress of the destination: GET of /shop..."; all of them must be met
};

struct Cell {
    Reach enforced = Reach::kNone;
    Reach pending = Reach::kNone;
    bool differs = false;  // for at least one service the worlds disagree, or ask for something else
    std::vector<std::string>
        enforced_allowed;  // services that pass, wholly or in part; filled in when mixed or differing
    std::vector<std::string> pending_allowed;
    std::vector<AskedService> enforced_depends;  // wholly or in part; filled in whenever there are any
    std::vector<AskedService> pending_depends;
};

struct Matrix {
    Generation generation{};
    std::string group_by;                // the label; empty: endpoints one by one
    std::vector<std::string> endpoints;  // rows are sources, columns destinations; or the groups, by the label's value
    std::vector<std::string> services;
    std::vector<std::vector<Cell>> cells;
    std::size_t endpoints_left_out = 0;
    std::size_t services_left_out = 0;
};

struct MatrixQuery {
    std::optional<Service> service;  // this one alone
    std::size_t max_endpoints = 60;
    std::string group_by;  // a label: endpoints that have the same value of it are one row, "(none)" without it
};

[[nodiscard]] Matrix connectivity(const ruleset::Ruleset& ruleset, const MatrixQuery& query);

}  // namespace drywall::explain
