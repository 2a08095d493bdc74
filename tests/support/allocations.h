// The memory of a test program that links tests/support/allocations.cpp: its operator new counts, and fails where it is
// told to.
//
// Threads: a FailingAllocation is about the thread that made it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <utility>

namespace drywall::test {

// How many allocations this program has made.
[[nodiscard]] std::uint64_t allocations() noexcept;

enum class Memory : std::uint8_t { kFailsOnce, kStaysAway };

// While it lives, the n-th allocation of this thread (from 0) fails, or all from that one on.
class FailingAllocation {
public:
    explicit FailingAllocation(std::uint64_t nth, Memory memory = Memory::kFailsOnce) noexcept;
    ~FailingAllocation();
    FailingAllocation(const FailingAllocation&) = delete;
    FailingAllocation& operator=(const FailingAllocation&) = delete;

    // Whether as many were asked for.
    [[nodiscard]] bool happened() const noexcept;
};

// Which of an operation's allocations shall fail, one after the other.
struct Faults {
    std::uint64_t first = 0;
    std::uint64_t step = 1;
    Memory memory = Memory::kFailsOnce;
};

// One in `so_many`, from another one on in each run; DRYWALL_EVERY_ALLOCATION=1: all. A sanitizer makes an attempt take
// many times as long, and tries one in ten times as many.
inline Faults one_of(std::uint64_t so_many, Memory memory = Memory::kFailsOnce) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    so_many *= 10;
#endif
    const std::uint64_t step = std::getenv("DRYWALL_EVERY_ALLOCATION") != nullptr ? 1 : so_many;
    return {.first = std::random_device()() % step, .step = step, .memory = memory};
}

// Calls `attempt` again and again, each time with another of its allocations failing, until it makes fewer; `judge` is
// given what each of those returned, with all memory there. Returns how many allocations failed.
template <typename Attempt, typename Judge>
std::uint64_t fail_allocations(Faults faults, Attempt attempt, Judge judge) {
    std::uint64_t failed = 0;
    for (std::uint64_t nth = faults.first;; nth += faults.step) {
        bool happened = false;
        auto outcome = [&] {
            const FailingAllocation failing(nth, faults.memory);
            auto made = attempt();
            happened = failing.happened();
            return made;
        }();
        if (!happened) return failed;
        judge(std::move(outcome), nth);
        ++failed;
    }
}

}  // namespace drywall::test
