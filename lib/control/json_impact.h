// JSON of impact, check and review: docs/api.md names the fields.
//
// Threads: pure functions.
#pragma once

#include "drywall/explain/review.h"
#include "drywall/observe/impact.h"
#include "drywall/observe/live_impact.h"
#include "drywall/runtime/dataplane.h"
#include "json.h"

namespace drywall::control {

// Who, to whom, and how much of it was seen.
[[nodiscard]] Json summary_of(const observe::FlowGroup& flow);
[[nodiscard]] Json json_of(const observe::ImpactCount& count);
// At most `limit` requests are listed; of groups those that it has.
[[nodiscard]] Json json_of(const observe::Impact& impact, std::size_t limit);
[[nodiscard]] Json json_of(const ruleset::PolicyRef& policy);
// Of the connections that would be cut, at most `limit` are listed.
[[nodiscard]] Json live_json(const runtime::Census& census, const observe::LiveImpact& live,
                             const observe::Rehearsal& rehearsal, std::size_t limit);

}  // namespace drywall::control
