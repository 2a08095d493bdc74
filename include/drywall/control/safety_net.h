// Safety nets: enforced policies that stand last and let everything pass. On the way to a default deny they catch what
// no rule has a word for yet; what they catch is the list of what is left to write.
//
// Threads: pure functions.
#pragma once

#include <span>
#include <vector>

#include "drywall/net/packet_meta.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::control {

struct SafetyNet {
    ruleset::PolicyRef policy;
    int ingress_rule = -1;  // the rule that lets everything in; -1: none does
    int egress_rule = -1;   // the rule that lets everything out
};

// Global enforced policies for all(), whose last rule of a direction allows without any condition, and behind which no
// other enforced policy of their tier stands.
[[nodiscard]] std::vector<SafetyNet> safety_nets(const policy::Inventory& inventory);

// Whether this hit is a safety net catching something: its last rule.
[[nodiscard]] bool is_caught_by(const SafetyNet& net, const ruleset::HitDescriptor& hit);

// The hit of a safety net that lets this packet pass, when no rule before it has a word for it; null otherwise.
[[nodiscard]] const ruleset::HitDescriptor* caught(const ruleset::Ruleset& ruleset, std::span<const SafetyNet> nets,
                                                   const net::Tuple& tuple);

}  // namespace drywall::control
