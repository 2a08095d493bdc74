// Two things in one process, pass by pass in alternation (A B B A), in thread CPU time: a ratio that a busy machine
// can't bend.
#pragma once

#include <cstdint>
#include <vector>

#include "support/measure.h"

namespace drywall::perf {

struct Alternation {
    std::vector<double> ratios;  // of each round: the time of `one` / that of `other`
    std::vector<double> ones;    // of each round: nanoseconds of a pass of `one`
    std::vector<double> others;

    [[nodiscard]] double ratio(double q = 0.5) const { return quantile(ratios, q); }
};

// `one` and `other` make a pass each, and return the nanoseconds that count.
template <typename One, typename Other>
Alternation alternate(int rounds, One&& one, Other&& other) {
    (void)one();
    (void)other();
    Alternation found;
    for (int round = 0; round < rounds; ++round) {
        std::int64_t ones = one();
        std::int64_t others = other();
        others += other();
        ones += one();
        found.ratios.push_back(static_cast<double>(ones) / static_cast<double>(others));
        found.ones.push_back(static_cast<double>(ones) / 2);
        found.others.push_back(static_cast<double>(others) / 2);
    }
    return found;
}

}  // namespace drywall::perf
