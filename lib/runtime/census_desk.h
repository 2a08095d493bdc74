// CensusDesk: where a worker is asked for a census of its connections, and where it answers, a little at a time.
//
// Threads: ask(), answered(), take(), steps() and dismiss() are the asker's, one at a time. The rest is the worker's.
// Cost:    a worker that nobody asks pays one relaxed load per turn.
// Memory:  all of it reserved at start. A full ring makes the worker wait with its walk, never with its packets.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/flow/census.h"
#include "drywall/io/record_ring.h"

namespace drywall::runtime {

class CensusDesk {
public:
    explicit CensusDesk(std::uint32_t records) : ring_(records) {}

    // From now on the worker walks through its connections. An earlier census ends where it is, and what is left of it
    // is not taken any more.
    void ask() noexcept { asked_.store(++number_, std::memory_order_relaxed); }

    // Everything was handed over. Ask before take(), which then takes the last of it.
    [[nodiscard]] bool answered() const noexcept { return answered_.load(std::memory_order_acquire) == number_; }

    // Appends what is there; how many.
    std::size_t take(std::vector<flow::CensusEntry>& into) {
        const std::size_t before = into.size();
        while (const std::size_t taken = ring_.pop(taken_)) {
            for (const Record& record : std::span(taken_).first(taken))
                if (record.census == number_) into.push_back(record.entry);
            taken_count_.store(taken_count_.load(std::memory_order_relaxed) + taken, std::memory_order_release);
        }
        return into.size() - before;
    }

    // Grows while the worker walks, also where it finds nothing.
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_.load(std::memory_order_relaxed); }

    // Nobody waits for the rest.
    void dismiss() noexcept { asked_.store(kNobody, std::memory_order_relaxed); }

    // Which census the worker has to work on.
    static constexpr std::uint64_t kNobody = 0;
    [[nodiscard]] std::uint64_t asked() const noexcept { return asked_.load(std::memory_order_relaxed); }

    // How many entries may be looked at now, so that all that is found fits. What counts is what was taken for certain:
    // rte_ring's own count reads the other side's end without synchronization.
    [[nodiscard]] std::size_t room() const noexcept {
        const std::uint64_t waiting = given_count_ - taken_count_.load(std::memory_order_acquire);
        return std::min<std::size_t>(flow::kCensusStep, ring_.capacity() - waiting);
    }

    // REQUIRES: found.size() <= room()
    void hand_over(std::uint64_t census, std::span<const flow::CensusEntry> found, bool last) noexcept {
        for (std::size_t i = 0; i < found.size(); ++i) given_[i] = {census, found[i]};
        [[maybe_unused]] const std::size_t pushed = ring_.push(std::span(given_).first(found.size()));
        assert(pushed == found.size());
        given_count_ += found.size();
        steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        if (last) answered_.store(census, std::memory_order_release);
    }

private:
    struct Record {
        std::uint64_t census = 0;
        flow::CensusEntry entry;
    };

    io::RecordRing<Record> ring_;
    std::uint64_t number_ = 0;                                       // the asker's: of its census
    std::array<Record, 2 * flow::kCensusStep> taken_;                // the asker's
    alignas(kCacheLine) std::atomic<std::uint64_t> asked_{kNobody};  // asker writes, worker reads; likewise the next
    std::atomic<std::uint64_t> taken_count_{0};                      // records, ever
    alignas(kCacheLine) std::atomic<std::uint64_t> answered_{0};     // worker writes, asker reads; likewise the next
    std::atomic<std::uint64_t> steps_{0};
    std::uint64_t given_count_ = 0;                // the worker's: records, ever
    std::array<Record, flow::kCensusStep> given_;  // the worker's
};

}  // namespace drywall::runtime
