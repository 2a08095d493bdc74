// Idle: what a worker does with a turn that found nothing. Busy: the next turn. Backoff: sleep, longer the longer
// nothing comes, never longer than kLongest, because a swap of rulesets waits for every worker's turn.
//
// Threads: one worker's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>

namespace drywall::runtime {

class Idle {
public:
    static constexpr std::chrono::microseconds kShortest{10};
    static constexpr std::chrono::microseconds kLongest{500};
    static constexpr std::uint32_t kPatience = 64;  // empty turns before the first sleep

    explicit Idle(bool busy) noexcept : busy_(busy) {}

    void found(bool work) noexcept {
        if (work) {
            empty_turns_ = 0;
            next_ = kShortest;
        } else if (!busy_ && ++empty_turns_ > kPatience) {
            std::this_thread::sleep_for(next_);
            next_ = std::min(next_ * 2, kLongest);
        }
    }

private:
    bool busy_;
    std::uint32_t empty_turns_ = 0;
    std::chrono::microseconds next_ = kShortest;
};

}  // namespace drywall::runtime
