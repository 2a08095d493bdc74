#include "sequence_tracker.h"

#include <algorithm>

namespace drywall::generate {

SequenceTracker::SequenceTracker(std::uint32_t window) : mask_(window - 1), bits_(window / 64) {}

Arrival SequenceTracker::note(std::uint32_t sequence) noexcept {
    const auto ahead = static_cast<std::int32_t>(sequence - static_cast<std::uint32_t>(next_));
    const std::uint64_t bit = std::uint64_t{1} << (sequence % 64);
    if (ahead >= 0) {
        const std::uint64_t number = next_ + static_cast<std::uint64_t>(ahead);
        forget_until(number + 1);
        word(number) |= bit;
        distance_ = 0;
        return Arrival::kInOrder;
    }
    distance_ = static_cast<std::uint64_t>(-static_cast<std::int64_t>(ahead)) - 1;
    if (distance_ > mask_ || distance_ >= next_) return Arrival::kBeyondWindow;
    std::uint64_t& bits = word(next_ - 1 - distance_);
    if ((bits & bit) != 0) return Arrival::kDuplicate;
    bits |= bit;
    return Arrival::kReordered;
}

// The window moves up to `end`: numbers from next_ on have not arrived, whatever their places said before.
void SequenceTracker::forget_until(std::uint64_t end) noexcept {
    if (end - next_ > mask_) {
        std::fill(bits_.begin(), bits_.end(), 0);
    } else {
        for (std::uint64_t number = next_; number < end;) {
            if (number % 64 == 0 && end - number >= 64) {
                word(number) = 0;
                number += 64;
            } else {
                word(number) &= ~(std::uint64_t{1} << (number % 64));
                ++number;
            }
        }
    }
    next_ = end;
}

}  // namespace drywall::generate
