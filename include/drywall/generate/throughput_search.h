// The throughput search: between two rates, the greatest at which no more than a given share of packets is lost.
//
// Source: RFC 2544, section 26.1 (throughput); the draft draft-ietf-bmwg-mlrsearch (several goals at once, short trials
//         first, a load counts by the majority of its trials, a load above one that failed does not count).
//
// Threads: the main thread's; nothing here sends, `measure` does.
// Errors:  those of `measure`, and the search ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/result.h"

namespace drywall::generate {

struct SearchGoal {
    std::string name;
    double loss_ratio = 0;  // 0: not one packet
};

struct SearchSettings {
    double least = 1000;                         // packets/s
    double most = 1e9;                           // likewise: no trial is faster
    double width = 0.005;                        // ends when the bounds are so near, relative to the upper one
    std::chrono::milliseconds short_trial{200};  // to come near
    std::chrono::milliseconds trial{1000};       // what counts
    unsigned trials = 3;                         // of full length at each load; the majority decides
    std::vector<SearchGoal> goals{{"NDR", 0.0}, {"PDR", 0.005}};
};

// What one trial at a rate came to.
struct Measured {
    std::uint64_t due = 0;   // packets that the rate and the time ask for
    std::uint64_t lost = 0;  // of those: sent and not received
    std::uint64_t skipped =
        0;                 // of those: not sent in time, by a generator that was late or a device that took no more
    bool stopped = false;  // by the user: the search ends
    // Of what was sent.
    [[nodiscard]] double loss_ratio() const noexcept {
        return due == skipped ? 0 : static_cast<double>(lost) / static_cast<double>(due - skipped);
    }
    // Of what was due: what a search goes by, for what was not sent can't have been passed.
    [[nodiscard]] double failure_ratio() const noexcept {
        return due == 0 ? 1.0 : static_cast<double>(lost + skipped) / static_cast<double>(due);
    }
};
using Measure = std::function<Result<Measured>(double packets_per_second, std::chrono::milliseconds duration)>;

struct SearchTrial {
    double rate = 0;  // packets/s
    double seconds = 0;
    Measured measured;
};

struct Bounds {
    std::string goal;
    double loss_ratio = 0;
    std::optional<double> lower;  // the result, packets/s. Absent: even `least` lost too much
    std::optional<double> upper;  // the least rate that is known to lose too much. Absent: `most` did not
};

struct SearchResult {
    std::vector<Bounds> bounds;  // as the goals
    std::vector<SearchTrial> trials;
    bool stopped = false;  // before it had found everything
};

// REQUIRES: 0 < least <= most, 0 < width < 1, trials > 0
[[nodiscard]] Result<SearchResult> search_throughput(const SearchSettings& settings, const Measure& measure);

}  // namespace drywall::generate
