// What changed between two texts, line by line, in the form that diff -u and patch know; and between two inventories,
// as YAML.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drywall/control/controller.h"
#include "drywall/policy/resources.h"

namespace drywall::control {

// "@@ -3,7 +3,7 @@" and what follows, with three lines around each change; "" for equal texts.
[[nodiscard]] std::string text_diff(std::string_view before, std::string_view after);

struct ResourceDiff {
    Change change;     // created, configured or deleted
    std::string text;  // with a header of two lines
};

// In the order of the inventory. The names stand in the headers: "generation 41".
[[nodiscard]] std::vector<ResourceDiff> resource_diffs(const policy::Inventory& before, const std::string& before_name,
                                                       const policy::Inventory& after, const std::string& after_name);

}  // namespace drywall::control
