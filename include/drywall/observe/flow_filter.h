// FlowFilter: which flows are meant, by the logic of FilterConditions; `--not` turns the flag that follows it round.
//
// Threads: values; matches() is a pure function.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "drywall/base/result.h"
#include "drywall/observe/filter_conditions.h"
#include "drywall/observe/flow_group.h"

namespace drywall::observe {

// One flag as it was written: `--not --from-ip 10.0.0.1,10.0.0.2` is {"from-ip", "10.0.0.1,10.0.0.2", true}.
struct FlowTerm {
    std::string flag;
    std::string value;
    bool negated = false;
};

struct FlowFlag {
    std::string_view name;
    std::string_view value;  // what stands behind it, in a word: "IP", "NAME"
    std::string_view help;
};

class FlowFilter {
public:
    FlowFilter() = default;  // everything

    // kInvalid names the flag, what it was given and what it takes.
    [[nodiscard]] static Result<FlowFilter> of(std::span<const FlowTerm> terms);

    // Every flag that there is, in the order of the manual.
    [[nodiscard]] static std::span<const FlowFlag> flags() noexcept;

    [[nodiscard]] bool matches(const FlowRecord& flow) const;
    [[nodiscard]] bool everything() const noexcept { return conditions_.empty(); }

private:
    FilterConditions<FlowRecord> conditions_;
};

// `text` with every `*` standing for any characters.
[[nodiscard]] bool fits_pattern(std::string_view pattern, std::string_view text) noexcept;

// "10m" before `now`, or "2026-11-22T12:15:07Z". kInvalid says what is understood.
[[nodiscard]] Result<WallTime> moment(const std::string& text, WallTime now);

}  // namespace drywall::observe
