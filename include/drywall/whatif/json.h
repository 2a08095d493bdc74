// JSON: how answers of replay and recommend are written, by the offline commands and by the API alike; docs/api.md and
// docs/replay.md name the fields.
//
// Threads: pure functions.
#pragma once

#include "drywall/explain/json.h"
#include "drywall/whatif/recommend.h"
#include "drywall/whatif/recorded_flows.h"
#include "drywall/whatif/replay_captures.h"

namespace drywall::whatif {

using explain::Json;

enum class Listed { kDiffering, kAll };  // which flows stand in the answer

[[nodiscard]] Json json_of(const CaptureReplay& replay, const ruleset::Ruleset& ruleset, Listed listed);
[[nodiscard]] Json json_of(const FlowReplay& replay, const ruleset::Ruleset& ruleset, Listed listed);

// `lost`: flow records that were lost while the flows were recorded.
[[nodiscard]] Json json_of(const Recommendation& recommendation, Generation generation, std::uint64_t lost);

}  // namespace drywall::whatif
