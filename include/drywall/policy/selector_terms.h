// Terms: what must be true of labels for a selector to hold, so that one need not ask it about everything.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drywall::policy {

// Labels and values that every label map has that the selector matches; other label maps need not be asked. Empty where
// there are none, or where the text does not parse.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> required_terms(std::string_view selector);

}  // namespace drywall::policy
