// SemanticDiff: what another ruleset, or another world of the same one, decides otherwise: regions of packets, exactly.
// Every packet whose verdict differs lies in exactly one region, and every region differs in all of its packets. Where
// rules ask what a connection says, the verdict is what they ask for: packets of which that differs are in a region,
// with an example of what a connection may say. Requirements that are written differently and come to the same are
// known as equal where that follows from single conditions; where it does not, they count as different.
//
// Threads: pure functions over immutable rulesets.
// Bounds:  at most DiffLimits::regions are listed, the rest is counted. A comparison that would ask more questions than
//          DiffLimits::questions is refused before it begins.
// Method:  both programs' sets and parties cut the addresses into classes, their rules the services; the classifiers
//          that the packets use answer for one packet of each combination. What both judge by the same walks is
//          skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/classify/program.h"
#include "drywall/explain/json.h"
#include "drywall/net/packet_meta.h"
#include "drywall/reference/connection_facts.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

// What becomes of packets. In the order of what passes.
enum class Outcome : std::uint8_t {
    kDeny,
    kDepends,  // on what their connection says
    kAllow,
};
[[nodiscard]] constexpr std::string_view name(Outcome outcome) noexcept {
    return outcome == Outcome::kAllow ? "allow" : outcome == Outcome::kDeny ? "deny" : "depends";
}

// What is compared: one world of one ruleset.
struct Regime {
    const ruleset::Ruleset* ruleset = nullptr;
    World world = World::kEnforced;

    // What policy decides, whether it is enforced just now or only observed: by addresses and ports. kAllow where it
    // depends on more.
    [[nodiscard]] Verdict verdict(const net::Tuple& tuple) const;
    [[nodiscard]] Outcome outcome(const net::Tuple& tuple) const;
    // Where it depends: what each step of the way asks for; all of these lines must be met.
    [[nodiscard]] std::vector<std::string> asked_words(const net::Tuple& tuple) const;
    // The hit that decides, as Calico's string.
    [[nodiscard]] std::string decider(const net::Tuple& tuple) const;
    // Where what the connection says decides: every rule that asks, by what it will be called once promoted, and what
    // each step comes to otherwise. Equal lists decide equally, whatever is said. Empty: addresses and ports decide.
    [[nodiscard]] std::vector<std::string> asks(const net::Tuple& tuple) const;
};

// Whatever of this packet's connections passes before passes after, too, whatever they say. Never said wrongly.
[[nodiscard]] bool passes_no_less(const Regime& before, const Regime& after, const net::Tuple& tuple);

// An address belongs to it when the longest of all these prefixes that holds it is one of `in`.
struct AddressRegion {
    std::vector<net::Prefix> in;
    std::vector<net::Prefix> except;
    [[nodiscard]] bool contains(const net::Address& address) const;
};

struct ProtocolRange {
    std::uint8_t first = 0;
    std::uint8_t last = 0;
    bool operator==(const ProtocolRange&) const = default;
};

struct ServiceRegion {
    std::vector<ProtocolRange> protocols;
    std::vector<classify::PortRange> source_ports;       // empty: any
    std::vector<classify::PortRange> destination_ports;  // empty: any; ICMP: type << 8 | code
    [[nodiscard]] bool contains(const net::Tuple& tuple) const;
    // "any", "tcp", "tcp/8080,9000-9010", "udp/53 from 1-1023", "icmp/8/0"
    [[nodiscard]] std::string text() const;
};

// A connection that one regime allows and the other one denies, by what it shows.
struct ShownDifference {
    reference::ConnectionFacts facts;
    Verdict before = Verdict::kDeny;
    Verdict after = Verdict::kDeny;
    std::string before_by;  // what decides
    std::string after_by;
};

struct Difference {
    Outcome before = Outcome::kDeny;
    Outcome after = Outcome::kDeny;
    bool newly_denied = false;  // something of it that passed does not any more
    bool newly_allowed = false;
    std::vector<std::string> before_asks;  // where it depends: "ingress of the destination: GET of /shop..."
    std::vector<std::string> after_asks;   // all of these lines must be met
    AddressRegion sources;
    AddressRegion destinations;
    std::vector<ServiceRegion> services;  // disjoint
    std::vector<std::uint16_t> lanes;     // ports by which the packets enter
    net::Tuple example;
    std::string before_by;  // what decides the example; where it depends, the first of `shown`
    std::string after_by;
    // Where it depends: one connection that is newly denied, one that is newly allowed. None where nothing was found
    // that shows the difference.
    std::vector<ShownDifference> shown;
    [[nodiscard]] bool contains(const net::Tuple& tuple) const;
};

struct SemanticDiff {
    std::vector<Difference> differences;  // what is newly denied first
    std::size_t newly_denied = 0;         // regions, listed or not; one may be of both kinds
    std::size_t newly_allowed = 0;
    std::size_t left_out = 0;
};

struct DiffLimits {
    std::size_t regions = 200;
    std::size_t questions = std::size_t{1} << 25;
    std::size_t service_cells = std::size_t{1} << 20;
};

// REQUIRES: both have rulesets. kInvalid when they are of appliances with other ports.
[[nodiscard]] Result<SemanticDiff> semantic_diff(const Regime& before, const Regime& after,
                                                 const DiffLimits& limits = {});

// Endpoints are named as `before` or `after` declares them.
[[nodiscard]] Json json_of(const SemanticDiff& diff, const Regime& before, const Regime& after);

// "tcp 10.0.0.1:49152 -> 10.1.0.9:8080"
[[nodiscard]] std::string packet_text(const net::Tuple& tuple);

}  // namespace drywall::explain
