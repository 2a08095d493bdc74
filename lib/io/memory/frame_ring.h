// FrameRing: frames on their way between two threads, first in, first out, in a ring of exactly `capacity` places.
//
// Threads: one pushes, one pops; nobody waits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "drywall/base/cache_line.h"

namespace drywall::io {

struct Buffer {
    std::vector<std::uint8_t> bytes;
};

class FrameRing {
public:
    explicit FrameRing(std::size_t capacity) : places_(capacity) {}

    // False, and `buffer` still the caller's, when full.
    bool push(std::unique_ptr<Buffer>& buffer) noexcept {
        const std::size_t pushed = pushed_.load(std::memory_order_relaxed);
        if (pushed - popped_.load(std::memory_order_acquire) >= places_.size()) return false;
        places_[pushed % places_.size()] = std::move(buffer);
        pushed_.store(pushed + 1, std::memory_order_release);
        return true;
    }

    // Null when empty.
    std::unique_ptr<Buffer> pop() noexcept {
        const std::size_t popped = popped_.load(std::memory_order_relaxed);
        if (popped == pushed_.load(std::memory_order_acquire)) return nullptr;
        std::unique_ptr<Buffer> buffer = std::move(places_[popped % places_.size()]);
        popped_.store(popped + 1, std::memory_order_release);
        return buffer;
    }

    [[nodiscard]] std::size_t size() const noexcept {
        const std::size_t popped = popped_.load(std::memory_order_acquire);  // first: it never passes the other
        return pushed_.load(std::memory_order_acquire) - popped;
    }

private:
    std::vector<std::unique_ptr<Buffer>> places_;
    alignas(kCacheLine) std::atomic<std::size_t> pushed_{0};  // the pushing thread writes
    alignas(kCacheLine) std::atomic<std::size_t> popped_{0};  // the popping thread writes
};

}  // namespace drywall::io
