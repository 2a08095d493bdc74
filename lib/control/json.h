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
#include "drywall/runtime/health.h"

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
[[nodiscard]] Json json_of(const PendingChange& change, const Moment& now);
[[nodiscard]] Json confirmation_json(const GuardView& view);
[[nodiscard]] Json reverted_json(const GuardView& view);
[[nodiscard]] Json safety_json(const GuardView& view);
[[nodiscard]] Json json_of(const Drill& drill);
// `snapshot` may be null: then nothing is known of what it caught.
[[nodiscard]] Json safety_net_json(const SafetyNet& net, const runtime::Snapshot* snapshot);
[[nodiscard]] Json json_of(const runtime::Snapshot& snapshot);
// Every drop reason with what it counted, in all and by port, and what to check next.
[[nodiscard]] Json json_of_drops(const runtime::Snapshot& snapshot);
[[nodiscard]] Json json_of(const observe::FlowAnswer& answer);
// `snapshot` is absent while the dataplane is not running.
[[nodiscard]] Json json_of_status(const State& state, const std::optional<runtime::Snapshot>& snapshot,
                                  std::chrono::seconds uptime);
// What status says about the appliance's state: state, state_since, reasons, fail.
[[nodiscard]] Json json_of(const runtime::Health& health);
// Says of every rule in the stats whether it is a safety net's: `safety_net`.
void mark_safety_nets(Json& stats, const runtime::Snapshot& snapshot, const std::vector<SafetyNet>& nets);
// What status says about guards: confirmation, safety, last_revert, safety_nets, failsafe.
[[nodiscard]] Json guard_status_json(const State& state, const std::optional<runtime::Snapshot>& snapshot,
                                     const GuardView& view);

}  // namespace drywall::control
