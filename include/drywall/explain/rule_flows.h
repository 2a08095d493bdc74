// RuleFlows: for every rule of the enforced world, packets that it decides or takes part in deciding, each verified by
// the compiled ruleset; and for those that none was found for, why.
//
// Threads: pure functions over an immutable ruleset.
// Bounds:  at most FlowsWanted::most packets for a rule, from its own boundaries: addresses that its parties and sets
// name,
//          ports that it names. None found does not prove that there is none, but for dead_rules().
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "drywall/net/packet_meta.h"
#include "drywall/policy/convert.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

struct FlowsWanted {
    std::size_t most = 16;           // packets for a rule
    std::uint16_t ingress_port = 0;  // by which they enter
};

struct RuleFlows {
    HitId hit{};
    std::string rule;  // "default|gnp:web|allow|0"
    Direction direction = Direction::kIngress;
    std::vector<net::Tuple> allowed;  // pass in the end
    std::vector<net::Tuple> denied;   // are denied in the end, by this rule or by one behind it
    std::string why_none;             // where both are empty
};

// In the order of the ruleset's hits. Staged policies take no part. REQUIRES: `view` is of the inventory that the
// ruleset was built from
[[nodiscard]] std::vector<RuleFlows> rule_flows(const ruleset::Ruleset& ruleset, const policy::CalicoView& view,
                                                const FlowsWanted& wanted);

}  // namespace drywall::explain
