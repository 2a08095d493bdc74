#include "sequence_tracker.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace drywall::generate {
namespace {

// The same from the definitions: a set of what arrived.
class NaiveTracker {
public:
    explicit NaiveTracker(std::uint64_t window) : window_(window) {}
    Arrival note(std::uint64_t number) {
        if (seen_.empty() || number > *seen_.rbegin()) {
            seen_.insert(number);
            return Arrival::kInOrder;
        }
        if (*seen_.rbegin() - number >= window_) return Arrival::kBeyondWindow;
        return seen_.insert(number).second ? Arrival::kReordered : Arrival::kDuplicate;
    }

private:
    std::uint64_t window_;
    std::set<std::uint64_t> seen_;
};

void compare(std::uint32_t window, std::uint64_t first, unsigned seed) {
    std::mt19937_64 random(seed);
    // Lost, copied, and each delayed by a random number of places.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> arrivals;  // place, number
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        if (random() % 5 == 0) continue;
        const std::uint64_t copies = random() % 9 == 0 ? 2 : 1;
        for (std::uint64_t copy = 0; copy < copies; ++copy) {
            const std::uint64_t late = random() % 7 == 0 ? random() % (3 * window) : 0;
            arrivals.emplace_back(i + late, first + i);
        }
        if (random() % 3000 == 0) i += 2 * window;  // a gap longer than the window
    }
    std::stable_sort(arrivals.begin(), arrivals.end(), [](auto& a, auto& b) { return a.first < b.first; });
    SequenceTracker tracker(window);
    NaiveTracker naive(window);
    for (std::uint64_t number = 0; number < first; number += 1U << 30U)
        (void)tracker.note(static_cast<std::uint32_t>(number));
    for (const auto& [place, number] : arrivals)
        ASSERT_EQ(tracker.note(static_cast<std::uint32_t>(number)), naive.note(number))
            << "number " << number << ", window " << window << ", seed " << seed;
}

TEST(SequenceTracker, AgreesWithASetOfWhatArrived) {
    for (const std::uint32_t window : {64U, 256U, 4096U})
        for (unsigned seed = 1; seed <= 5; ++seed) compare(window, 0, seed);
}

TEST(SequenceTracker, GoesOnBehindThe32BitsThatTravel) {
    for (unsigned seed = 1; seed <= 5; ++seed) compare(256, (std::uint64_t{1} << 32) - 9000, seed);
}

TEST(SequenceTracker, SaysHowLateAReorderedPacketIs) {
    SequenceTracker tracker(64);
    EXPECT_EQ(tracker.note(0), Arrival::kInOrder);
    EXPECT_EQ(tracker.note(5), Arrival::kInOrder);
    EXPECT_EQ(tracker.note(2), Arrival::kReordered);
    EXPECT_EQ(tracker.distance(), 3U);
    EXPECT_EQ(tracker.note(2), Arrival::kDuplicate);
    EXPECT_EQ(tracker.note(5), Arrival::kDuplicate);
}

TEST(SequenceTracker, WhatWasNeverSentIsNoHistory) {
    SequenceTracker tracker(64);
    EXPECT_EQ(tracker.note(0xffffffff), Arrival::kBeyondWindow);
    EXPECT_EQ(tracker.note(0), Arrival::kInOrder);
}

}  // namespace
}  // namespace drywall::generate
