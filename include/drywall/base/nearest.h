// The word that somebody probably meant.
//
// Threads: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace drywall {

// "did you mean 'source'?" for the candidate nearest to `text`, or "" if none is near.
[[nodiscard]] std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace drywall
