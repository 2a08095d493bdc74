// Query parameters as numbers, words and switches, with complaints that name the parameter.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/base/verdict.h"

namespace drywall::explain {

using Query = std::map<std::string, std::string>;

// A decimal number without sign.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

// The parameter, or `otherwise` when it is absent. kInvalid when it is no number or larger than `most`.
[[nodiscard]] Result<std::uint64_t> number_parameter(const Query& query, const std::string& name,
                                                     std::uint64_t otherwise, std::uint64_t most);
[[nodiscard]] Result<bool> switch_parameter(const Query& query, const std::string& name);
[[nodiscard]] Result<std::optional<Verdict>> verdict_parameter(const Query& query, const std::string& name);
[[nodiscard]] std::string text_parameter(const Query& query, const std::string& name,
                                         const std::string& otherwise = {});

}  // namespace drywall::explain
