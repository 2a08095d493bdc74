#include "drywall/base/huge_pages.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <new>
#include <numeric>
#include <utility>
#include <vector>

namespace drywall {
namespace {

template <typename T>
using HugeVector = std::vector<T, HugePageAllocator<T>>;

struct alignas(64) Line {
    std::array<std::uint8_t, 64> bytes{};
};

std::uintptr_t place_of(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory); }

TEST(HugePages, LargeTablesBeginAtAHugePage) {
    for (const std::size_t bytes : {kHugePage, kHugePage + 64, 5 * kHugePage - 64}) {
        const HugeVector<Line> lines(bytes / sizeof(Line));
        EXPECT_EQ(place_of(lines.data()) % kHugePage, 0U) << bytes;
    }
}

TEST(HugePages, SmallOnesAreAlignedToTheirType) {
    for (std::size_t count = 1; count < 100; count += 7) {
        const HugeVector<Line> lines(count);
        EXPECT_EQ(place_of(lines.data()) % alignof(Line), 0U);
    }
}

TEST(HugePages, AVectorGrowsAndMovesAsAlways) {
    HugeVector<std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < 2'000'000; ++i) numbers.push_back(i);
    const HugeVector<std::uint32_t> moved = std::move(numbers);
    HugeVector<std::uint32_t> copied = moved;
    EXPECT_EQ(copied, moved);
    copied.front() = 7;
    EXPECT_EQ(moved.front(), 0U);
    copied.front() = 0;
    EXPECT_EQ(std::accumulate(copied.begin(), copied.end(), std::uint64_t{0}), 1'999'999'000'000U);
}

TEST(HugePages, WhatNoMemoryHoldsIsRefused) {
    HugePageAllocator<Line> allocator;
    EXPECT_THROW((void)allocator.allocate(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
    EXPECT_THROW((void)allocator.allocate(std::numeric_limits<std::size_t>::max() / sizeof(Line)), std::bad_alloc);
}

}  // namespace
}  // namespace drywall
