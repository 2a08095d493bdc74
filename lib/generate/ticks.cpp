#include "ticks.h"

#include <chrono>
#include <thread>

namespace drywall::generate {

namespace {

// A reading of both clocks close together: of several, the one between whose two looks at the counter least time
// passed.
struct Reading {
    std::uint64_t ticks = 0;
    Instant time;
};

Reading read_both() noexcept {
    Reading best;
    std::uint64_t shortest = ~std::uint64_t{0};
    for (int i = 0; i < 16; ++i) {
        const std::uint64_t before = read_ticks();
        const Instant time = monotonic_now();
        const std::uint64_t passed = read_ticks() - before;
        if (passed >= shortest) continue;
        shortest = passed;
        best = {before + passed / 2, time};
    }
    return best;
}

double measure() {
    const Reading first = read_both();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const Reading last = read_both();
    return static_cast<double>(last.ticks - first.ticks) * 1e9 / static_cast<double>((last.time - first.time).count());
}

}  // namespace

double ticks_per_second() {
    static const double rate = measure();
    return rate;
}

}  // namespace drywall::generate
