// Parts of requests that several handlers read, and how they answer.
//
// Threads: pure functions.
#pragma once

#include <vector>

#include "api.h"
#include "drywall/loader/resources.h"
#include "json.h"
#include "plan.h"

namespace drywall::control {

[[nodiscard]] ApiResponse json_response(const Json& json);

// A bundle of files, or a body that is YAML (or one JSON resource) itself.
[[nodiscard]] Result<std::vector<loader::Source>> sources_of(const ApiRequest& request);

// {"name": ..., "kind": ..., "namespace": ...}
[[nodiscard]] Result<StagedName> staged_name(const Json& wanted);

}  // namespace drywall::control
