// Schedule: how many packets should have been sent by a moment. A pure function of time, so that who is late knows by
// how much, and tests need no clock.
//
// Threads: immutable once made.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace drywall::generate {

class Schedule {
public:
    // As many as the device takes.
    [[nodiscard]] static Schedule maximum() { return {}; }
    [[nodiscard]] static Schedule constant(double per_second) { return ramp(per_second, per_second, 0); }
    // From one rate evenly to another, which then stays.
    [[nodiscard]] static Schedule ramp(double from, double to, double seconds);
    // Packet i of each round at times[i] seconds, rounds of `round` seconds one after another.
    // REQUIRES: times ascend from 0, and round >= times.back()
    [[nodiscard]] static Schedule at_times(std::vector<double> times, double round);

    [[nodiscard]] bool is_maximum() const noexcept { return !times_ && from_ == 0 && to_ == 0; }
    // REQUIRES: !is_maximum(), seconds >= 0
    [[nodiscard]] std::uint64_t due(double seconds) const noexcept;
    // Packets per second once a ramp is over; of recorded times the mean.
    [[nodiscard]] double rate() const noexcept;

private:
    double from_ = 0;
    double to_ = 0;
    double seconds_ = 0;
    std::shared_ptr<const std::vector<double>> times_;
    double round_ = 0;
};

}  // namespace drywall::generate
