#include "drywall/flow/source_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace drywall::flow {
namespace {

Source host(std::uint32_t number) { return {net::Address::v4(number).bytes, 4}; }

TEST(SourceTable, CountsEachSourceByItself) {
    SourceTable table(8, 1);
    EXPECT_EQ(table.count(host(1)), 0U);
    table.add(host(1));
    table.add(host(1));
    table.add(host(2));
    EXPECT_EQ(table.count(host(1)), 2U);
    EXPECT_EQ(table.count(host(2)), 1U);
    table.take(host(1));
    table.take(host(2));
    EXPECT_EQ(table.count(host(1)), 1U);
    EXPECT_EQ(table.count(host(2)), 0U);
}

TEST(SourceTable, TheSameBytesOfAnotherFamilyAreAnotherSource) {
    SourceTable table(8, 1);
    table.add({host(1).address, 4});
    EXPECT_EQ(table.count({host(1).address, 6}), 0U);
}

TEST(SourceTable, IsExactWhenEveryConnectionHasItsOwnSource) {
    constexpr std::uint32_t kMost = 1000;
    SourceTable table(kMost, 7);
    for (std::uint32_t i = 0; i < kMost; ++i) table.add(host(i));
    for (std::uint32_t i = 0; i < kMost; ++i) ASSERT_EQ(table.count(host(i)), 1U);
}

TEST(SourceTable, AgreesWithAMapOverManyRandomOperations) {
    constexpr std::uint64_t kSeed = 5;
    constexpr std::uint32_t kMost = 64;
    std::mt19937_64 random(kSeed);
    SourceTable table(kMost, kSeed);
    std::map<std::uint32_t, std::uint32_t> model;
    std::vector<std::uint32_t> open;
    for (int operation = 0; operation < 100'000; ++operation) {
        if (open.size() < kMost && (open.empty() || random() % 2 == 0)) {
            open.push_back(static_cast<std::uint32_t>(random() % 200));
            table.add(host(open.back()));
            ++model[open.back()];
        } else {
            std::swap(open[random() % open.size()], open.back());
            table.take(host(open.back()));
            --model[open.back()];
            open.pop_back();
        }
        const auto asked = static_cast<std::uint32_t>(random() % 200);
        ASSERT_EQ(table.count(host(asked)), model[asked]) << "seed " << kSeed << ", operation " << operation;
    }
}

}  // namespace
}  // namespace drywall::flow
