// Flow records as JSON: the names of Calico's Whisker, and Drywall's own beside them. docs/api.md lists them.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "drywall/base/result.h"
#include "drywall/observe/flow_group.h"

namespace drywall::observe {

// "2026-11-22T12:15:07.123Z"
[[nodiscard]] std::string utc_text(WallTime time);

[[nodiscard]] nlohmann::ordered_json json_of_hit(const Hit& hit);
[[nodiscard]] nlohmann::ordered_json json_of_flow(const FlowGroup& group);

// What json_of_flow() wrote, also by another version: what is missing has its default. kInvalid when it is no flow.
[[nodiscard]] Result<FlowGroup> flow_of_json(const nlohmann::ordered_json& json);

}  // namespace drywall::observe
