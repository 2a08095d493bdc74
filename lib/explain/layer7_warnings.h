// Warnings about rules that ask what connections say, and won't get the answer that is meant.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drywall/policy/rule.h"
#include "drywall/policy/surroundings.h"

namespace drywall::explain {

struct RuleWarning {
    std::string about;  // to be said of a rule: "asks for requests on tcp/443, ..."
    std::string hint;
};

[[nodiscard]] std::vector<RuleWarning> warnings_of_http(const policy::Rule& rule);

// Absent: names can become known.
[[nodiscard]] std::optional<RuleWarning> warning_of_names(const policy::DomainConditions& domains);

}  // namespace drywall::explain
