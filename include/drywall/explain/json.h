// JSON: how answers to questions are written, by the API and by the offline commands alike; docs/api.md names the
// fields.
//
// Threads: pure functions.
#pragma once

#include <nlohmann/json.hpp>

#include "drywall/explain/matrix.h"
#include "drywall/explain/trace.h"

namespace drywall::explain {

using Json = nlohmann::ordered_json;  // fields appear in the order in which they are written

enum class MatrixView { kEnforced, kPending, kDiff };

[[nodiscard]] Json json_of(const Matrix& matrix, MatrixView view);
[[nodiscard]] Json json_of(const TraceAnswer& answer);

}  // namespace drywall::explain
