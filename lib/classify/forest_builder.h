// Building a DecisionForest from a list of rules: which rules share a tree, and what the trees may cost.
//
// Threads: pure functions.
#pragma once

#include "decision_forest.h"
#include "drywall/base/result.h"
#include "rule_list.h"

namespace drywall::classify {

// Refuses, before it allocates them, trees that would take more than `budget_bytes`.
[[nodiscard]] Result<DecisionForest> build_forest(const RuleList& list, std::size_t budget_bytes);

}  // namespace drywall::classify
