// LatencyHistogram: how often which latency was seen, in buckets whose width grows with the value (log-linear, as those
// of HdrHistogram): 128 to each power of two.
//
// Threads: one writer; read when it has stopped.
// Error:   a quantile is the greatest value of its bucket, and so at most 1/128 (0.8 %) above the true one, never
// below.
//          Least, mean and greatest are exact. Beyond kGreatest (73 minutes) everything is one bucket.
#pragma once

#include <cstdint>
#include <vector>

namespace drywall::generate {

class LatencyHistogram {
public:
    static constexpr std::uint64_t kGreatest = (std::uint64_t{1} << 42) - 1;  // ns

    LatencyHistogram();

    void record(std::uint64_t nanoseconds) noexcept;
    void add(const LatencyHistogram& other) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    // All 0 when nothing was recorded.
    [[nodiscard]] std::uint64_t least() const noexcept { return count_ == 0 ? 0 : least_; }
    [[nodiscard]] std::uint64_t greatest() const noexcept { return greatest_; }
    [[nodiscard]] double mean() const noexcept;
    // The value below or at which a share of all lies. REQUIRES: 0 < share <= 1
    [[nodiscard]] std::uint64_t quantile(double share) const noexcept;

private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t least_ = ~std::uint64_t{0};
    std::uint64_t greatest_ = 0;
    double sum_ = 0;
};

}  // namespace drywall::generate
