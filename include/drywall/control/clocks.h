// Clocks: by what a promise with a time limit is kept. Within one boot of the machine that is CLOCK_BOOTTIME alone,
// which goes on while the machine sleeps and which nobody can set. The wall clock is for people, and for what must
// outlast a reboot.
//
// Threads: values and pure functions; read_clocks() may be called by any thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "drywall/base/clock.h"

namespace drywall::control {

// Now, on every clock.
struct Moment {
    std::chrono::system_clock::time_point wall;
    Nanos boot{0};          // CLOCK_BOOTTIME
    std::string boot_id{};  // of the kernel: another one after a reboot
    bool operator==(const Moment&) const = default;
};

using Clocks = std::function<Moment()>;
[[nodiscard]] Moment read_clocks();

// A point in time to come that is still understood after a restart of the daemon, or of the machine.
struct Deadline {
    Moment set;      // when it was made
    Nanos after{0};  // how long after that it passes

    // Within one boot by the boot clock, whatever the wall clock does. After a reboot by the wall clock, and a wall
    // clock that stands before the moment when the deadline was set proves nothing: then it has passed.
    [[nodiscard]] bool passed(const Moment& now) const { return left(now) <= Nanos{0}; }
    [[nodiscard]] Nanos left(const Moment& now) const;  // 0 when it passed
    // As people read it, by the wall clock as it stands now.
    [[nodiscard]] std::chrono::system_clock::time_point at(const Moment& now) const;

    bool operator==(const Deadline&) const = default;
};

}  // namespace drywall::control
