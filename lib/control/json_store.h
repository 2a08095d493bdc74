// JSON: what the API says about the store. docs/api.md names the fields.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "drywall/store/generation_store.h"
#include "json.h"
#include "text_diff.h"

namespace drywall::control {

[[nodiscard]] Json json_of(const store::GenerationRecord& record);
[[nodiscard]] Json json_of(const store::AuditEntry& entry);
[[nodiscard]] Json json_of(const std::vector<ResourceDiff>& diffs);
// How the memory is, and where the policies came from.
[[nodiscard]] Json json_of_store(store::GenerationStore& store);
[[nodiscard]] Json json_of(const Origin& origin);

}  // namespace drywall::control
