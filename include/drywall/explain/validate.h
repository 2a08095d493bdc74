// Validate: everything that is wrong or doubtful in a set of files, at once.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/loader/resources.h"
#include "drywall/loader/settings.h"

namespace drywall::explain {

enum class Severity : std::uint8_t { kError, kWarning };
[[nodiscard]] std::string_view name(Severity severity) noexcept;

struct Problem {
    Severity severity = Severity::kError;
    Complaint complaint;
};

// What the appliance would say to these sources: about each of them, about all of them together, and about what they
// compile to. Sorted by file (in the order of `sources`), line and column.
[[nodiscard]] std::vector<Problem> validate(std::span<const loader::Source> sources, const loader::Settings& settings);

}  // namespace drywall::explain
