// DropDesk: where a worker hands over copies of the packets that it drops, while somebody looks.
//
// Threads: ask(), change(), dismiss(), take() and missed() are the asker's, one at a time. The rest is the worker's.
// Cost:    a worker at whom nobody looks pays one relaxed load per burst that has drops. While somebody looks, a copy
// per
//          dropped packet until the ring is full, then a count.
// Memory:  all of it reserved at start. Who asks and for how many bytes is one number, so that relaxed order is enough;
//          the records themselves are published by the ring (release and acquire in rte_ring).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "drywall/base/cache_line.h"
#include "drywall/base/clock.h"
#include "drywall/engine/engine.h"
#include "drywall/io/record_ring.h"
#include "drywall/runtime/drop_watch.h"

namespace drywall::runtime {

class DropDesk {
public:
    struct Facts {
        Instant time;
        Generation generation{};
        TraceId trace = engine::Decision::kUnjudged;
        std::uint32_t length = 0;
        PortId ingress{};
        DropReason reason = DropReason::kNone;
    };
    struct Record {
        std::uint64_t asking = 0;  // for which asking it was made
        Facts facts;
        std::uint32_t captured = 0;  // of `bytes`; what stands behind them is of other packets
        std::array<std::uint8_t, kMostDropBytes> bytes;
    };

    explicit DropDesk(std::uint32_t records) : ring_(records) {}

    // From now on the worker copies. What an earlier asking left behind is not taken any more.
    void ask(std::size_t bytes) {
        dismiss();
        while (take([](const Record& /*left*/) {}) > 0) {
        }
        ++number_;
        change(bytes);
    }
    // The same asking goes on, with another length. REQUIRES: bytes <= kMostDropBytes
    void change(std::size_t bytes) noexcept {
        asked_.store(number_ << kLengthBits | static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
    }
    // Nobody looks any more.
    void dismiss() noexcept { asked_.store(kNobody, std::memory_order_relaxed); }

    // Gives `each` some of what is there; how many records were taken from the ring, of this asking or not.
    template <typename Each>
    std::size_t take(Each each) {
        const std::size_t taken = ring_.pop(taken_);
        for (const Record& record : std::span(taken_).first(taken))
            if (record.asking == number_) each(record);
        taken_count_.store(taken_count_.load(std::memory_order_relaxed) + taken, std::memory_order_release);
        return taken;
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.capacity(); }

    // Packets that found no room, ever.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_.load(std::memory_order_relaxed); }

    // What the worker has to do; kNobody: nothing.
    static constexpr std::uint64_t kNobody = 0;
    [[nodiscard]] std::uint64_t asked() const noexcept { return asked_.load(std::memory_order_relaxed); }

    // REQUIRES: asked != kNobody
    void hand_over(std::uint64_t asked, const Facts& facts, std::span<const std::uint8_t> frame) noexcept {
        // What counts is what was taken for certain, as in CensusDesk.
        if (given_count_ - taken_count_.load(std::memory_order_acquire) >= ring_.capacity())
            return missed_.store(missed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        given_.asking = asked >> kLengthBits;
        given_.facts = facts;
        given_.captured =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(frame.size(), asked & ((1U << kLengthBits) - 1)));
        std::memcpy(given_.bytes.data(), frame.data(), given_.captured);
        given_count_ += ring_.push({&given_, 1});
    }

private:
    static constexpr unsigned kLengthBits = 16;
    static_assert(kMostDropBytes < (1U << kLengthBits));

    io::RecordRing<Record> ring_;
    std::uint64_t number_ = 0;                                       // the asker's: of its asking
    std::array<Record, 32> taken_;                                   // the asker's
    alignas(kCacheLine) std::atomic<std::uint64_t> asked_{kNobody};  // asker writes, worker reads; likewise the next
    std::atomic<std::uint64_t> taken_count_{0};                      // records, ever
    alignas(kCacheLine) std::atomic<std::uint64_t> missed_{0};       // worker writes, asker reads
    std::uint64_t given_count_ = 0;                                  // the worker's: records, ever
    Record given_;                                                   // the worker's
};

}  // namespace drywall::runtime
