// Conditions in words, and what they have to do with each other.
//
// Threads: pure functions over an immutable ruleset.
#pragma once

#include <span>
#include <string>

#include "drywall/inspect/conditions.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

// "ingress of the destination", "egress port", ...: where on the packet's way a hit stands.
[[nodiscard]] std::string step_of(const ruleset::HitDescriptor& hit);

// "GET or HEAD of /shop... or /health", "any request", "to a.example or *.b.example"
[[nodiscard]] std::string condition_text(const inspect::Condition& condition);

// Equal for conditions that hold for the same connections, whatever ruleset they are of.
[[nodiscard]] std::string condition_key(const ruleset::Ruleset& ruleset, inspect::ConditionId id);

// Whenever `one` holds, one of `others` does. Never said wrongly; where names of several conditions would have to be
// taken together it is not said.
[[nodiscard]] bool implies_one_of(const inspect::Condition& one, std::span<const inspect::Condition> others);

}  // namespace drywall::explain
