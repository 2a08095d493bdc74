// Commands that ask what a promotion would do, and what can be cleaned up.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "commands.h"

namespace drywall::cli {

// A staged policy: NAME, KIND/NAME or KIND/NAMESPACE/NAME; all of them when it is empty.
struct StagedArguments {
    std::string name;
    std::string kind;
    std::string ns;
    bool all = false;
};

struct ImpactArguments {
    StagedArguments policy;
    std::string since;  // "10m", "26h"
    std::size_t limit = 20;
};
Exit impact(const Invocation& invocation, const ImpactArguments& arguments);

struct CheckArguments {
    std::string what;  // "promote"
    StagedArguments policy;
    std::string min_time;  // "24h"
    std::string min_connections;
    std::vector<std::string> acknowledged;
    std::size_t limit = 20;
};
// kOk: SAFE. kNegative: NOT SAFE. kNotEnough: NOT ENOUGH EVIDENCE.
Exit check_promote(const Invocation& invocation, const CheckArguments& arguments);

struct ReviewArguments {
    std::string what;
};
Exit review(const Invocation& invocation, const ReviewArguments& arguments);

struct SemanticDiffArguments {
    std::string from;
    std::string to;
    std::vector<std::string> files;  // what applying them would change; against `base` offline, else what is in force
    std::vector<std::string> base;
    std::string config;
    std::size_t limit = 200;
};
// kNegative: something is decided otherwise.
Exit semantic_diff(const Invocation& invocation, const SemanticDiffArguments& arguments);

[[nodiscard]] std::string render_impact(const Json& answer, const Style& style);
[[nodiscard]] std::string render_check(const Json& answer, const Style& style);
[[nodiscard]] std::string render_review(const Json& answer, const Style& style);
[[nodiscard]] std::string render_semantic_diff(const Json& answer, const Style& style);

// "90", "90s", "10m", "26h", "7d" as seconds.
[[nodiscard]] Result<std::uint64_t> seconds_of(const std::string& option, const std::string& text);

}  // namespace drywall::cli
