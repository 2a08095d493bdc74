// ProgramChanges: what tells a program from the one before it, as far as answers may differ: rules, walks and addresses
// by their contents. Numbers of sets, rules and walks shift when anything comes or goes; contents do not.
//
// Threads: pure functions.
#pragma once

#include <vector>

#include "drywall/classify/program.h"

namespace drywall::ruleset {

struct ProgramChanges {
    std::vector<bool> fresh_rules;             // by RuleIndex: no rule of `before` asks and answers the same
    std::vector<bool> changed_walks;           // by WalkId: no walk of `before` has the same rules in the same order
    std::vector<classify::RuleIndex> gone;     // rules of `before` that no rule of `program` is like
    std::vector<net::Prefix> moved_addresses;  // of parties: new, gone, or judged by other walks than before
};

// Contents are told apart by 64 bits of their hash: good for choosing what is looked at, not for a proof.
[[nodiscard]] ProgramChanges changes_since(const classify::Program& before, const classify::Program& program);

}  // namespace drywall::ruleset
