// Losses: when event records were lost, so that every record can say how many might have changed it.
//
// Threads: none of its own; FlowLog's mutex guards it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "drywall/observe/flow_group.h"

namespace drywall::observe {

class Losses {
public:
    void add(std::uint64_t records, WallTime now) {
        total_ += records;
        if (!losses_.empty() && now >= losses_.back().first && now - losses_.back().first < kSlack) {
            losses_.back().last = now;
            losses_.back().records += records;
            return;
        }
        losses_.push_back({now, now, records});
        if (losses_.size() > kMost) merge_oldest();
    }

    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

    // Of a loss it is only known when it was noticed: some slack on both sides.
    [[nodiscard]] std::uint64_t between(WallTime first, WallTime last) const {
        std::uint64_t sum = 0;
        for (auto loss = losses_.rbegin(); loss != losses_.rend() && loss->last + kSlack >= first; ++loss)
            if (loss->first <= last + kSlack) sum += loss->records;
        return sum;
    }

private:
    static constexpr std::chrono::seconds kSlack{1};
    static constexpr std::size_t kMost = 256;
    struct Loss {
        WallTime first;
        WallTime last;
        std::uint64_t records = 0;
    };

    // Long ago it is known less well when: rather one group too many is uncertain than one too few.
    void merge_oldest() {
        losses_[1].first = losses_[0].first;
        losses_[1].records += losses_[0].records;
        losses_.pop_front();
    }

    std::uint64_t total_ = 0;
    std::deque<Loss> losses_;  // in the order in which they were noticed
};

}  // namespace drywall::observe
