// JSON values as block YAML, in the look of kubectl's: two spaces per level, quotes only where a reader would go wrong.
//
// Threads: no state.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace drywall::loader {

// A document that ends with a line break.
[[nodiscard]] std::string yaml_text(const nlohmann::ordered_json& value);

}  // namespace drywall::loader
