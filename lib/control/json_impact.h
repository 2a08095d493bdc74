// JSON of impact, check and review: docs/api.md names the fields.
//
// Threads: pure functions.
#pragma once

#include "drywall/explain/review.h"
#include "drywall/observe/impact.h"
#include "json.h"

namespace drywall::control {

// Who, to whom, and how much of it was seen.
[[nodiscard]] Json summary_of(const observe::FlowGroup& flow);
[[nodiscard]] Json json_of(const observe::ImpactCount& count);
[[nodiscard]] Json json_of(const observe::Impact& impact);
[[nodiscard]] Json json_of(const ruleset::PolicyRef& policy);

}  // namespace drywall::control
