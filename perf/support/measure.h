// Measuring: thread CPU time, memory peaks, quantiles. Contenders are timed pass by pass in alternation, in one process
// on one core, so that a busy machine bends all of them alike.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drywall/base/prefetch.h"

namespace drywall::perf {

[[nodiscard]] std::int64_t thread_nanoseconds() noexcept;

// REQUIRES: values is not empty
[[nodiscard]] double quantile(std::vector<double> values, double q);

// A pass over `items` in batches, each of whose packets is in the cache when its turn comes, as a worker's are: what is
// measured is the classification, and not the reading of a trace from memory. `run` is told where a batch begins and
// how long it is.
template <typename T, typename Run>
void for_batches(std::span<const T> items, std::size_t batch, Run&& run) {
    constexpr std::size_t kLine = 64;
    for (std::size_t at = 0; at < items.size(); at += batch) {
        const std::size_t size = std::min(batch, items.size() - at);
        const auto next = std::as_bytes(items.subspan(at + size, std::min(batch, items.size() - at - size)));
        for (std::size_t byte = 0; byte < next.size(); byte += kLine) prefetch(next.data() + byte);
        run(at, size);
    }
}

// Resident memory above what was there at the construction.
class PeakMemory {
public:
    PeakMemory();
    [[nodiscard]] std::size_t bytes() const;

private:
    std::size_t before_ = 0;
};

}  // namespace drywall::perf
