// LiveImpact: what promoting staged policies would do to the connections that are open now, as a census of the flow
// tables found them. Each is judged by its own first packet, so nothing of this is uncertain.
//
// Threads: pure functions over values and immutable rulesets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drywall/flow/census.h"
#include "drywall/observe/impact.h"

namespace drywall::observe {

struct LiveImpact {
    std::uint64_t walked = 0;       // entries in the tables; the sum of the next three
    std::uint64_t connections = 0;  // open, and they pass now
    std::uint64_t closed = 0;       // TCP, FIN both ways or RST: only their entries outlive them for a moment
    std::uint64_t denied_now = 0;   // cut by a change that was, or policy denies them already
    std::uint64_t touched = 0;      // open; denied then, or allowed by other rules: what `existing: reset` ends
    // Open, and denied then: what `existing: recheck` ends. Those that carried most come first.
    std::vector<flow::CensusEntry> cut{};
};
[[nodiscard]] LiveImpact rehearse(std::span<const flow::CensusEntry> census, const Rehearsal& rehearsal);

// The number of the flow group in which this connection is recorded if `ruleset` judged it: FlowGroup::id.
[[nodiscard]] std::uint64_t flow_id(const ruleset::Ruleset& ruleset, const net::Tuple& tuple);

// How many of those that would be cut belong to no recorded group that would newly be denied, and are not acknowledged
// by the number of theirs.
[[nodiscard]] std::uint64_t unforeseen(const LiveImpact& live, const Impact& recorded, const Rehearsal& rehearsal,
                                       std::span<const std::uint64_t> acknowledged);

}  // namespace drywall::observe
