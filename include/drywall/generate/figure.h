// Figure: one number of a report, as often as it was measured; and what two reports say of the same figure.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "drywall/base/result.h"

namespace drywall::generate {

using Json = nlohmann::ordered_json;

enum class Better : std::uint8_t { kHigher, kLower };

struct Figure {
    std::string name;  // "NDR", "latency p99 at 50% of NDR"
    std::string unit;  // "packets/s", "ns"
    Better better = Better::kHigher;
    double resolution = 0;        // relative: what the measurement itself can't tell apart
    std::vector<double> samples;  // one of each repetition; not empty
};

// Of at least one sample. The true median lies between least and greatest with `confidence` = 1 - 2^(1 - n), whatever
// the distribution (order statistics: all n samples on one side of it has probability 2 * 2^-n).
struct Spread {
    double median = 0;
    double lower_quartile = 0;
    double upper_quartile = 0;
    double least = 0;
    double greatest = 0;
    double confidence = 0;
};
// REQUIRES: !samples.empty()
[[nodiscard]] Spread spread_of(std::vector<double> samples);

[[nodiscard]] Json json_of(const Figure& figure);

// With six significant digits.
[[nodiscard]] std::string number_text(double value);

enum class Change : std::uint8_t { kSame, kBetter, kWorse, kOnlyBefore, kOnlyAfter };
[[nodiscard]] std::string_view name(Change change) noexcept;

// Better or worse: the medians differ, and the ranges of both, widened by the resolution, do not touch. So what both
// runs saw in their own repetitions is never called a change.
struct Compared {
    std::string name;
    std::string unit;
    std::optional<double> before;  // medians
    std::optional<double> after;
    double noise = 0;  // relative to `before`: half the wider range, with the resolution
    Change change = Change::kSame;
    unsigned samples = 0;  // the fewer of both
};

struct Comparison {
    std::vector<Compared> figures;
    std::vector<std::string> differences;  // of the configurations: what else may have made the change
    [[nodiscard]] bool has_regressed() const noexcept;
};

// Of two reports with figures. kInvalid: one of them is none, or they are of different commands.
[[nodiscard]] Result<Comparison> compare(const Json& before, const Json& after);

}  // namespace drywall::generate
