// Ticks: the processor's time stamp counter, which costs a worker nothing to read. It is taken to run at one rate and
// to agree between cores (constant_tsc and nonstop_tsc in /proc/cpuinfo, as DPDK takes it); elsewhere nanoseconds stand
// for it.
//
// Threads: any.
#pragma once

#include <cstdint>

#include "drywall/base/clock.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace drywall::generate {

[[nodiscard]] inline std::uint64_t read_ticks() noexcept {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<std::uint64_t>(monotonic_now().since_start.count());
#endif
}

// How many there are in a second, found beside the monotonic clock. Takes 50 ms the first time.
[[nodiscard]] double ticks_per_second();

}  // namespace drywall::generate
