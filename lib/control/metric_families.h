// Metric families under construction: a name, a help text, and one sample per set of labels.
//
// Threads: a value.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "drywall/telemetry/counters.h"

namespace drywall::control {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

class MetricFamilies {
public:
    // Counts only grow; a gauge goes both ways. Samples of one family are added in one call after the other.
    void counter(std::string_view name, std::string_view help, std::uint64_t value, MetricLabels labels = {}) {
        sample(name, help, prometheus::MetricType::Counter, std::move(labels)).counter.value =
            static_cast<double>(value);
    }
    void gauge(std::string_view name, std::string_view help, double value, MetricLabels labels = {}) {
        sample(name, help, prometheus::MetricType::Gauge, std::move(labels)).gauge.value = value;
    }

    // `buckets`: how many samples fell between the bound before (not included) and each bound, then those above the
    // last.
    void histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                   const std::vector<std::uint64_t>& buckets, double sum) {
        auto& out = sample(name, help, prometheus::MetricType::Histogram, {}).histogram;
        for (std::size_t i = 0; i < buckets.size(); ++i) {
            out.sample_count += buckets[i];
            prometheus::ClientMetric::Bucket& bucket = out.bucket.emplace_back();
            bucket.cumulative_count = out.sample_count;
            bucket.upper_bound = std::numeric_limits<double>::infinity();
            if (i < bounds.size()) bucket.upper_bound = bounds[i];
        }
        out.sample_sum = sum;
    }

    [[nodiscard]] std::vector<prometheus::MetricFamily> take() && { return std::move(families_); }

private:
    prometheus::ClientMetric& sample(std::string_view name, std::string_view help, prometheus::MetricType type,
                                     MetricLabels labels) {
        auto family = families_.begin();
        while (family != families_.end() && family->name != name) ++family;
        if (family == families_.end())
            family = families_.insert(family, {std::string(name), std::string(help), type, {}});
        family->metric.emplace_back().label = std::move(labels);
        return family->metric.back();
    }

    std::vector<prometheus::MetricFamily> families_;
};

}  // namespace drywall::control
