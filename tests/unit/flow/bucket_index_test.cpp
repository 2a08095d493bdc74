#include "drywall/flow/bucket_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace drywall::flow {
namespace {

constexpr std::size_t kCapacity = 1024;

TEST(BucketIndex, KeysThatShareOneHashAreRefusedBeyondTheirTwoBuckets) {
    BucketIndex index(kCapacity);
    constexpr std::uint64_t kHash = 0x1234'5678'0000'0007;
    std::uint32_t inserted = 0;
    while (inserted < kCapacity && index.insert(kHash, inserted)) ++inserted;
    EXPECT_EQ(inserted, 2 * BucketIndex::kSlots);
}

TEST(BucketIndex, ALookupAmongCollidingKeysLooksAtTwoBucketsAtMost) {
    BucketIndex index(kCapacity);
    constexpr std::uint64_t kHash = 0x1234'5678'0000'0007;
    for (std::uint32_t value = 0; index.insert(kHash, value);) ++value;
    std::size_t looked_at = 0;
    EXPECT_EQ(index.find(kHash, [&](std::uint32_t) { return ++looked_at, false; }), BucketIndex::kNone);
    EXPECT_EQ(looked_at, 2 * BucketIndex::kSlots);
}

// Who knew the seed could choose homes and signatures.
TEST(BucketIndex, AMillionCraftedHashesFillAFewBucketsAndEveryLookupStaysAtTwo) {
    constexpr std::uint32_t kOthers = 1000;
    constexpr std::uint32_t kCrafted = 1'000'000;
    constexpr std::uint64_t kHomes = 4;
    constexpr std::uint64_t kSignatures = 4;
    BucketIndex index(65536);
    const auto of_others = [](std::uint64_t i) { return (i * 0x9e37'79b1 + 7) << 32 | (i * 16 + 8); };
    const auto crafted = [](std::uint64_t i) { return (1 + i / kHomes % kSignatures) << 32 | i % kHomes; };
    for (std::uint32_t value = 0; value < kOthers; ++value) ASSERT_TRUE(index.insert(of_others(value), value));

    std::size_t accepted = 0;
    std::size_t most_looked_at = 0;
    for (std::uint32_t i = 0; i < kCrafted; ++i) {
        std::size_t looked_at = 0;
        (void)index.find(crafted(i), [&](std::uint32_t) { return ++looked_at, false; });
        most_looked_at = std::max(most_looked_at, looked_at);
        accepted += index.insert(crafted(i), kOthers + i) ? 1U : 0U;
    }
    EXPECT_LE(most_looked_at, 2 * BucketIndex::kSlots);
    EXPECT_LE(accepted, kHomes * (1 + kSignatures) * BucketIndex::kSlots);
    for (std::uint32_t value = 0; value < kOthers; ++value)
        ASSERT_EQ(index.find(of_others(value), [value](std::uint32_t found) { return found == value; }), value);
}

TEST(BucketIndex, AKeyWithFullBucketsMovesAnInhabitantThatHasElsewhereToGo) {
    BucketIndex index(kCapacity);
    constexpr std::uint64_t kHome = 7;
    constexpr std::uint64_t kHash = 0x1234'5678ULL << 32 | kHome;
    // The home full of keys that could live elsewhere, the other bucket full of keys that could not.
    for (std::uint32_t value = 0; index.insert(kHash, value);) ++value;
    for (std::uint32_t value = 0; value < BucketIndex::kSlots; ++value) index.erase(kHash, value);
    const auto neighbour = [](std::uint64_t signature) { return signature << 32 | kHome; };
    for (std::uint32_t signature = 1; signature <= BucketIndex::kSlots; ++signature)
        ASSERT_TRUE(index.insert(neighbour(signature), 100 + signature));

    EXPECT_TRUE(index.insert(kHash, 99));
    EXPECT_EQ(index.find(kHash, [](std::uint32_t value) { return value == 99; }), 99U);
    for (std::uint32_t signature = 1; signature <= BucketIndex::kSlots; ++signature)
        EXPECT_EQ(index.find(neighbour(signature), [](std::uint32_t value) { return value > 99; }), 100 + signature);
}

TEST(BucketIndex, ErasingMakesRoomForTheSameHash) {
    BucketIndex index(kCapacity);
    constexpr std::uint64_t kHash = 0;  // the signature of 0 too must not look like a free slot
    for (std::uint32_t value = 0; index.insert(kHash, value);) ++value;
    index.erase(kHash, 3);
    EXPECT_EQ(index.find(kHash, [](std::uint32_t value) { return value == 3; }), BucketIndex::kNone);
    EXPECT_TRUE(index.insert(kHash, 99));
    EXPECT_EQ(index.find(kHash, [](std::uint32_t value) { return value == 99; }), 99U);
}

TEST(BucketIndex, TheFastMatchAgreesWithThePlainOne) {
    constexpr std::uint64_t kSeed = 9;
    std::mt19937_64 random(kSeed);
    for (int round = 0; round < 10'000; ++round) {
        alignas(16) Signatures signatures;
        for (std::uint32_t& signature : signatures) signature = static_cast<std::uint32_t>(random() % 3 * 0x8000'8000);
        for (const std::uint32_t wanted : {0U, 0x8000'8000U, 0x0001'0000U, 0xffff'ffffU})
            ASSERT_EQ(matching_slots(signatures, wanted), matching_slots_plainly(signatures, wanted))
                << "seed " << kSeed << ", round " << round;
    }
}

TEST(BucketIndex, TheCandidateIsAHintAboutTheHomeBucketOnly) {
    BucketIndex index(kCapacity);
    EXPECT_EQ(index.candidate(5), BucketIndex::kNone);
    ASSERT_TRUE(index.insert(5, 17));
    EXPECT_EQ(index.candidate(5), 17U);
}

}  // namespace
}  // namespace drywall::flow
