// ConditionBook: what the rules of one generation ask of connections, each thing once.
//
// Threads: the builder of one generation only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "drywall/inspect/conditions.h"
#include "drywall/policy/rule.h"

namespace drywall::ruleset {

// What `http` says, as text: equal for what asks the same.
[[nodiscard]] std::string text_of(const policy::HttpMatch& http);

class ConditionBook {
public:
    inspect::ConditionId add(const policy::HttpMatch& http);
    // Some of these names.
    inspect::ConditionId add(std::vector<std::string> names);

    [[nodiscard]] std::vector<inspect::Condition> take() { return std::move(conditions_); }

private:
    inspect::ConditionId add(std::string text, inspect::Condition condition);

    std::vector<inspect::Condition> conditions_;
    std::map<std::string, inspect::ConditionId> by_text_;
};

}  // namespace drywall::ruleset
