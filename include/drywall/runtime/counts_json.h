// JSON of what was counted: how the API and the offline commands write it; docs/api.md names the fields (/v1/stats).
//
// Threads: pure functions.
#pragma once

#include <map>
#include <vector>

#include "drywall/base/drop_reason.h"
#include "drywall/explain/json.h"
#include "drywall/runtime/dataplane.h"

namespace drywall::runtime {

using explain::Json;

[[nodiscard]] Json json_of(const telemetry::PacketsBytes& count);
[[nodiscard]] Json json_of(const std::vector<RuleCounts>& rules);
[[nodiscard]] Json json_of(const std::vector<PolicyCounts>& policies);
[[nodiscard]] Json json_of(const std::vector<Disagreement>& disagreements);
// Every reason, also those with nothing to show: a dashboard wants them all.
[[nodiscard]] Json json_of(const std::map<DropReason, telemetry::PacketsBytes>& drops);

}  // namespace drywall::runtime
