// What replay and recommend answer, as people read it; docs/replay.md and docs/api.md name the fields.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "client.h"
#include "render.h"

namespace drywall::cli {

[[nodiscard]] std::string render_replay(const Json& answer, const Style& style);

// The policies as YAML documents.
[[nodiscard]] std::string render_recommendation(const Json& answer);
// What they cover, and what they do not.
[[nodiscard]] std::string render_coverage(const Json& answer);

}  // namespace drywall::cli
