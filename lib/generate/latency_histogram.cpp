#include "drywall/generate/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace drywall::generate {

namespace {

constexpr unsigned kBits = 7;
constexpr std::uint64_t kPerOctave = std::uint64_t{1} << kBits;
constexpr std::size_t kBuckets = (42 - kBits + 1) * kPerOctave;

// Values below 128 have a bucket each; above, the eight highest bits decide.
std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < kPerOctave) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return (shift * kPerOctave) + (value >> shift);
}

std::uint64_t greatest_of(std::size_t bucket) noexcept {
    if (bucket < 2 * kPerOctave) return bucket;
    const std::size_t shift = bucket / kPerOctave - 1;
    return (((bucket % kPerOctave + kPerOctave + 1) << shift)) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : buckets_(kBuckets) {}

void LatencyHistogram::record(std::uint64_t nanoseconds) noexcept {
    ++buckets_[bucket_of(std::min(nanoseconds, kGreatest))];
    ++count_;
    least_ = std::min(least_, nanoseconds);
    greatest_ = std::max(greatest_, nanoseconds);
    sum_ += static_cast<double>(nanoseconds);
}

void LatencyHistogram::add(const LatencyHistogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    least_ = std::min(least_, other.least_);
    greatest_ = std::max(greatest_, other.greatest_);
    sum_ += other.sum_;
}

double LatencyHistogram::mean() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::uint64_t LatencyHistogram::quantile(double share) const noexcept {
    if (count_ == 0) return 0;
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        seen += buckets_[bucket];
        if (seen >= rank && seen > 0) return std::clamp(greatest_of(bucket), least_, greatest_);
    }
    return greatest_;
}

}  // namespace drywall::generate
