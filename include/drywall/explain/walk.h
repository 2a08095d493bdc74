// Walk: every rule that was looked at on a packet's way, whether it matched, and where not, why not.
//
// Threads: pure functions over an immutable ruleset and the inventory that it was built from.
// Source:  which rules are walked, and which of them match, comes from the compiled program; why one does not match
//          comes from what its author wrote.
#pragma once

#include <string>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/net/packet_meta.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/rule.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

struct WalkedRule {
    int index = 0;
    Action action = Action::kDeny;
    bool matched = false;
    std::string why_not;  // "destination.ports: 443 is not in 8080"; empty when it matched
    policy::Spot spot;    // where its author wrote it; 0 for a rule that was converted or generated
};

struct WalkedPolicy {
    std::string name;  // "gnp:web", "np:prod/db", "pro:kns.prod", "hep:tcp/22" for failsafe ports
    std::string file;
    bool staged = false;
    std::vector<WalkedRule> rules;  // up to the one that decided
};

struct WalkedTier {
    std::string tier;  // "__PROFILE__" for profiles
    std::vector<WalkedPolicy> policies;
    std::string end;  // "deny" or "pass", when no rule decided
};

struct WalkedStep {
    std::string step;  // as TraceHit::step
    std::vector<WalkedTier> tiers;
    std::string otherwise;  // "allow" or "deny": what is left after the last tier
};

// The steps of one world, up to the one that denies. Nothing when the failsafe list decides, or nobody is declared.
// `took_part`: the hits of that world; rules with conditions on what a connection says matched only if they are among
// them. REQUIRES: as Ruleset::classify; `view` is of the inventory that `ruleset` was built from.
[[nodiscard]] std::vector<WalkedStep> walked(const ruleset::Ruleset& ruleset, const policy::CalicoView& view,
                                             const net::Tuple& tuple, bool pending,
                                             std::span<const HitId> took_part = {});

}  // namespace drywall::explain
