// JSON: how the API writes what it answers. One function per thing; docs/api.md names the fields.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "drywall/base/result.h"
#include "drywall/control/controller.h"
#include "drywall/explain/json.h"
#include "drywall/observe/flow_log.h"
#include "drywall/runtime/counts_json.h"
#include "drywall/runtime/dataplane.h"

namespace drywall::control {

using explain::Json;
using explain::json_of;
using runtime::json_of;

// Text on one line, with a newline. Bytes that are no UTF-8 (a file name may hold any) become U+FFFD.
[[nodiscard]] std::string write(const Json& json);

// "2026-11-22T12:15:07.123Z"
[[nodiscard]] std::string time_text(std::chrono::system_clock::time_point time);

[[nodiscard]] Json json_of(const std::vector<Complaint>& complaints);
[[nodiscard]] Json json_of(const Error& error);
[[nodiscard]] Json json_of(const Applied& applied);
[[nodiscard]] Json json_of(const runtime::Snapshot& snapshot);
[[nodiscard]] Json json_of(const observe::FlowAnswer& answer);
// `snapshot` is absent while the dataplane is not running.
[[nodiscard]] Json json_of_status(const State& state, const std::optional<runtime::Snapshot>& snapshot,
                                  std::chrono::seconds uptime);

}  // namespace drywall::control
