// What a safety net is made of: a rule that lets everything pass, for everyone. What it allows, nobody has thought
// about.
//
// Threads: pure functions on values.
#pragma once

#include "drywall/policy/resources.h"

namespace drywall::policy {

// A rule of a GlobalNetworkPolicy (or of its staged kind) for all(), in the tiers' walk, that allows without any
// condition.
[[nodiscard]] bool lets_everything_pass(const Policy& policy, const Rule& rule);

}  // namespace drywall::policy
