// Traffic: the streams of one trial on their way out and in: what each worker owns of it.
//
// Threads: a group and its streams' Outgoing belong to the worker that sends on their port; an Incoming to the worker
// that
//          made it. Counters are read by anybody.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/generate/latency_histogram.h"
#include "drywall/telemetry/counters.h"
#include "packet_source.h"
#include "schedule.h"
#include "sequence_tracker.h"

namespace drywall::generate {

// Packets that are more than this late are given up: to send them all at once would be another traffic than was asked
// for. In seconds, but never less than a burst.
inline constexpr double kLatest = 0.010;

// A stream as it is sent.
struct alignas(kCacheLine) Outgoing {
    const PacketSource* source = nullptr;
    std::uint64_t next = 0;  // number of the next packet
    telemetry::PacketsBytesCounter sent;
    telemetry::Counter refused;
};

// Streams that share a port and a schedule, in turns.
struct Group {
    std::size_t port = 0;
    Schedule schedule;
    std::vector<std::uint16_t> streams;
    std::vector<std::uint16_t> turns;    // indices into `streams`
    std::optional<std::uint64_t> limit;  // packets, then it has ended
    std::uint64_t done = 0;              // of the schedule: sent or skipped
    std::uint64_t sent = 0;              // decides whose turn it is
    std::uint64_t skipped = 0;

    // What is skipped does not bring the end nearer.
    [[nodiscard]] bool ended() const noexcept { return limit && sent >= *limit; }
    // Due by a moment; of a group at maximum rate, without end.
    [[nodiscard]] std::uint64_t due(double seconds) const noexcept {
        const std::uint64_t all = schedule.is_maximum() ? ~std::uint64_t{0} : schedule.due(seconds);
        return limit ? std::min(all, done + (*limit - sent)) : all;
    }
};

// A stream as one worker receives it.
struct alignas(kCacheLine) Incoming {
    telemetry::PacketsBytesCounter received;
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;
    std::uint64_t greatest_distance = 0;
    std::uint64_t beyond_window = 0;
    std::uint64_t elsewhere = 0;
    // Where the worker polls the port that the stream is sent to.
    std::unique_ptr<SequenceTracker> order;
    std::unique_ptr<LatencyHistogram> latency;
    // Where gaps are asked for: when the last packet of each flow came (ticks; 0: none did), and the longest between
    // two.
    std::vector<std::uint64_t> last_by_flow;
    std::uint64_t longest_gap = 0;  // ticks
};

struct PortCounts {
    telemetry::PacketsBytesCounter received;
    telemetry::Counter foreign;
    telemetry::Counter stale;
    telemetry::Counter segments;  // of connections
};

// What all workers of a trial look at. Written before they start, but for the two switches.
struct TrialTimes {
    double ticks_per_second = 1e9;
    std::uint64_t start = 0;                // ticks
    std::uint64_t end = ~std::uint64_t{0};  // of sending; without a duration: never
    std::atomic<bool> stop_sending{false};  // control writes
    std::atomic<bool> stop{false};          // control writes: what is under way had its time
    [[nodiscard]] double seconds(std::uint64_t now) const noexcept {
        return now <= start ? 0 : static_cast<double>(now - start) / ticks_per_second;
    }
};

}  // namespace drywall::generate
