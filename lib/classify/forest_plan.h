// ForestPlan: which rules share a tree. In a tree every prefix of its first dimension has a row of its own with all
// rules around it; a rule is copied into as many rows as there are prefixes inside its own. So rules that are wide on
// the first side and rules that are narrow there must not share a tree, unless there are few of them.
//
// Threads: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "decision_forest.h"
#include "rule_list.h"

namespace drywall::classify {

// Inclusive. Ranges of one dimension are laminar: of two, one holds the other or they are disjoint.
struct NumberRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0xffffffff;
    bool operator==(const NumberRange&) const = default;
};

// An entry of the list, in numbers.
struct ForestEntry {
    std::array<NumberRange, 2> addresses{};  // source, destination
    std::uint32_t content = 0;               // box and answer; the same order as the answers
};

struct TreePlan {
    Dimension first = Dimension::kSource;
    std::vector<std::uint32_t> entries;  // ascending
    std::size_t copies = 0;              // rules in all rows together: what the tree costs
};

// At most kMaxTrees trees, each with no more copies than `most_copies` where that can be.
[[nodiscard]] std::vector<TreePlan> plan_forest(const std::vector<ForestEntry>& entries, std::size_t most_copies);

}  // namespace drywall::classify
