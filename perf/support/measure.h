// Measuring: thread CPU time, memory peaks, quantiles. Contenders are timed pass by pass in alternation, in one process
// on one core, so that a busy machine bends all of them alike.
//
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace drywall::perf {

[[nodiscard]] std::int64_t thread_nanoseconds() noexcept;

// REQUIRES: values is not empty
[[nodiscard]] double quantile(std::vector<double> values, double q);

// Resident memory above what was there at the construction.
class PeakMemory {
public:
    PeakMemory();
    [[nodiscard]] std::size_t bytes() const;

private:
    std::size_t before_ = 0;
};

}  // namespace drywall::perf
