#include "schedule.h"

#include <algorithm>
#include <cmath>

namespace drywall::generate {

Schedule Schedule::ramp(double from, double to, double seconds) {
    Schedule schedule;
    schedule.from_ = from;
    schedule.to_ = to;
    schedule.seconds_ = seconds;
    return schedule;
}

Schedule Schedule::at_times(std::vector<double> times, double round) {
    Schedule schedule;
    schedule.times_ = std::make_shared<const std::vector<double>>(std::move(times));
    schedule.round_ = round;
    return schedule;
}

std::uint64_t Schedule::due(double seconds) const noexcept {
    if (times_) {
        const double rounds = round_ > 0 ? std::floor(seconds / round_) : 0;
        const double within = seconds - rounds * round_;
        const auto sent = std::upper_bound(times_->begin(), times_->end(), within) - times_->begin();
        return static_cast<std::uint64_t>(rounds) * times_->size() + static_cast<std::uint64_t>(sent);
    }
    // What a tenth of a millionth of a packet too little makes of a whole number is not owed to the clock but to binary
    // fractions.
    constexpr double kRounding = 1e-7;
    const double ramped = std::min(seconds, seconds_);
    const double packets = seconds_ > 0 ? from_ * ramped + (to_ - from_) * ramped * ramped / (2 * seconds_) : 0;
    return static_cast<std::uint64_t>(packets + to_ * (seconds - ramped) + kRounding);
}

double Schedule::rate() const noexcept {
    if (!times_) return to_;
    return round_ > 0 ? static_cast<double>(times_->size()) / round_ : 0;
}

}  // namespace drywall::generate
