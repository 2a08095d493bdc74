// SweepPace: when a worker takes its next steps through the flow table, to find what timed out.
//
// A connection that timed out is over at once, whether the sweep came by or not; what waits for it is its record and
// its entry. So there is a step only every so often: a round through the table takes half a second. While entries are
// wanted, or the counts per source that they hold, it goes faster, and no faster than a step every 50 us: a step takes
// about one, and a flood must not have it taken in every turn, from the packets of those who are connected
// (perf/flood_benchmark: a sixth of their rate).
//
// Threads: one worker owns it; nothing here locks, and the time is handed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "drywall/base/clock.h"
#include "drywall/engine/engine.h"

namespace drywall::runtime {

class SweepPace {
public:
    explicit SweepPace(const engine::EngineSettings& settings) noexcept
        : interval_(interval(settings)),
          crowd_(settings.per_source_limit > 0 ? 0 : std::size_t{settings.flow_capacity} / 4 * 3) {}

    // How many steps to take now, in a turn that found something to do or did not; they count as taken. Who slept makes
    // up for it, and nobody is kept from the next packet for long.
    [[nodiscard]] std::int64_t due(Instant now, std::size_t flows, bool worked) noexcept {
        const Nanos interval = flows >= crowd_ ? std::min(interval_, kCrowdedInterval) : interval_;
        const std::int64_t due = (now - last_) / interval;
        if (due == 0) return 0;
        last_ = now;
        return worked ? 1 : std::min(due, kMostSteps);
    }

private:
    static constexpr Nanos kRound = std::chrono::milliseconds(500);
    static constexpr Nanos kCrowdedInterval = std::chrono::microseconds(50);
    static constexpr std::int64_t kMostSteps = 16;

    // Often enough for a round through the largest table in kRound, and for one of reports in their interval.
    static Nanos interval(const engine::EngineSettings& settings) noexcept {
        const std::size_t entries = std::max(settings.flow_capacity, settings.fragment_capacity);
        const auto steps = [entries](std::size_t step) { return static_cast<std::int64_t>(entries / step + 1); };
        const Nanos sweep = kRound / steps(engine::Engine::kSweepStep);
        if (settings.report_interval <= Nanos{0}) return sweep;
        return std::min(sweep, settings.report_interval / steps(engine::Engine::kReportStep));
    }

    Nanos interval_;
    std::size_t crowd_;  // with so many connections the table is crowded
    Instant last_;       // when the last step was taken
};

}  // namespace drywall::runtime
