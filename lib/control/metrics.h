// Metrics: what GET /metrics answers, in Prometheus' text format. docs/metrics.md names every family.
//
// The values are those of /v1/stats: both are written from one kind of snapshot, and there is no second set of counters
// that could disagree with it. What nothing measures is not exported.
//
// Cardinality: at most kSeriesPerRule series for each of `limits.rules` rules, and kFixedSeries whatever happens. No
//          label holds an address, an L4 port or a connection. Rules beyond the limit are counted together under the
//          policy "__other__", so that sums stay right, and drywall_metrics_rules_left_out says how many they are.
// Threads: pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drywall/control/controller.h"
#include "drywall/control/safety_net.h"
#include "drywall/control/server.h"
#include "drywall/runtime/dataplane.h"
#include "metric_families.h"

namespace drywall::control {

inline constexpr std::size_t kSeriesPerRule = 12;
inline constexpr std::size_t kFixedSeries = 780;  // of 32 ports, 64 workers and every drop reason

struct MetricsInput {
    const State& state;
    const runtime::Snapshot* snapshot = nullptr;  // null while the dataplane does not run
    std::uint64_t flow_records_lost = 0;
    std::uint64_t flow_groups_evicted = 0;
    std::optional<IpfixCounts> ipfix{};
    std::optional<runtime::Health> health{};
    std::chrono::seconds uptime{0};
    std::uint64_t changes_refused = 0;
    const GuardView* guard = nullptr;
    MetricsLimits limits{};
};

[[nodiscard]] std::string metrics_text(const MetricsInput& input);

// metrics_rules.cpp: what each rule and each staged policy was hit by.
void add_rules(MetricFamilies& out, const runtime::Snapshot& snapshot, std::size_t most_rules);
void add_safety_nets(MetricFamilies& out, const runtime::Snapshot& snapshot, const std::vector<SafetyNet>& nets);

}  // namespace drywall::control
