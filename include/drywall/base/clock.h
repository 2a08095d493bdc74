// Time, as the packet side sees it: nanoseconds of a monotonic clock, handed in by the caller, so that tests own it.
#pragma once

#include <chrono>
#include <cstdint>

namespace drywall {

using Nanos = std::chrono::duration<std::int64_t, std::nano>;

// A monotonic instant, counted from an arbitrary start (never a date).
struct Instant {
    Nanos since_start{0};

    auto operator<=>(const Instant&) const = default;
    friend constexpr Nanos operator-(Instant a, Instant b) noexcept { return a.since_start - b.since_start; }
    friend constexpr Instant operator+(Instant a, Nanos d) noexcept { return {a.since_start + d}; }
};

// Now, on the machine's monotonic clock. Control side and the worker's loop call it; the engine is told.
[[nodiscard]] inline Instant monotonic_now() noexcept {
    return {std::chrono::duration_cast<Nanos>(std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace drywall
