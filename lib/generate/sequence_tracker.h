// SequenceTracker: which packets of one stream arrived, in which order, and how often.
//
// Reordered is what arrives with a number below the greatest that arrived before it (RFC 4737, section 3.3: s <
// NextExp); a copy of what arrived already is a duplicate, and not reordered. Both are told exactly within a window of
// so many numbers below the greatest. What arrives below the window may be either, and is counted by itself.
//
// Threads: one.
// Memory:  a bit for each number of the window; allocates when it is made.
#pragma once

#include <cstdint>
#include <vector>

namespace drywall::generate {

enum class Arrival : std::uint8_t { kInOrder, kReordered, kDuplicate, kBeyondWindow };

class SequenceTracker {
public:
    // REQUIRES: `window` is a power of two, 64 to 2^24
    explicit SequenceTracker(std::uint32_t window);

    // `sequence`: the last 32 bits of the packet's number. REQUIRES: it is within 2^31 of the greatest that arrived
    Arrival note(std::uint32_t sequence) noexcept;

    // Numbers between the last packet noted and the greatest that had arrived; of a reordered one, how late it is.
    [[nodiscard]] std::uint64_t distance() const noexcept { return distance_; }

private:
    void forget_until(std::uint64_t end) noexcept;
    [[nodiscard]] std::uint64_t& word(std::uint64_t number) noexcept { return bits_[(number & mask_) / 64]; }

    std::uint64_t mask_;
    std::vector<std::uint64_t> bits_;
    std::uint64_t next_ = 0;  // above the greatest that arrived
    std::uint64_t distance_ = 0;
};

}  // namespace drywall::generate
