// HandOverRing: frames on their way from one worker to another, first in, first out.
//
// Threads: one worker pushes and publishes, another one pops; nobody waits.
// Memory:  reserved by the constructor; frames are values, whose buffers belong to whoever holds them.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/io/port.h"

namespace drywall::io {

class HandOverRing {
public:
    // Room for `capacity` frames, a power of two.
    explicit HandOverRing(std::size_t capacity) : places_(std::bit_ceil(capacity)) {}

    // False, and the frame still the caller's, when full. The other side sees it after publish().
    bool push(const Frame& frame) noexcept {
        if (pushed_ - popped_seen_ == places_.size()) {
            popped_seen_ = popped_.load(std::memory_order_acquire);
            if (pushed_ - popped_seen_ == places_.size()) return false;
        }
        places_[pushed_++ & (places_.size() - 1)] = frame;
        return true;
    }

    // One store for a burst: the line is fetched by the other side once.
    void publish() noexcept {
        if (published_.load(std::memory_order_relaxed) != pushed_) published_.store(pushed_, std::memory_order_release);
    }

    // As many as there are and fit. Returns how many.
    std::size_t pop(std::span<Frame> frames) noexcept {
        const std::size_t popped = popped_.load(std::memory_order_relaxed);
        const std::size_t count = std::min(frames.size(), published_.load(std::memory_order_acquire) - popped);
        if (count == 0) return 0;
        for (std::size_t i = 0; i < count; ++i) frames[i] = places_[(popped + i) & (places_.size() - 1)];
        popped_.store(popped + count, std::memory_order_release);
        return count;
    }

private:
    std::vector<Frame> places_;
    alignas(kCacheLine) std::size_t pushed_ = 0;                 // the giving worker's own, likewise below
    std::size_t popped_seen_ = 0;                                // of popped_, when it was last looked at
    alignas(kCacheLine) std::atomic<std::size_t> published_{0};  // the giving worker writes
    alignas(kCacheLine) std::atomic<std::size_t> popped_{0};     // the taking worker writes
};

}  // namespace drywall::io
