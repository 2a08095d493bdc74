#include "rule_filter.h"

#include <gtest/gtest.h>

#include <random>

namespace drywall::classify {
namespace {

TEST(RuleFilter, SelectsInOrderWhatALinearScanSelects) {
    constexpr std::size_t kMatches = 200;
    std::mt19937_64 random(5);
    for (int round = 0; round < 100; ++round) {
        std::vector<FilterOp> ops;
        for (std::uint32_t at = 0; at < random() % 150; ++at) {
            const bool always = random() % 5 == 0;
            ops.push_back({always ? kNone : static_cast<std::uint32_t>(random() % kMatches), at});
        }
        BitMatrix holds(1, kMatches);
        for (std::size_t match = 0; match < kMatches; ++match) {
            if (random() % 3 == 0) holds.set(0, match);
        }
        std::vector<std::uint32_t> expected;
        for (std::uint32_t at = 0; at < ops.size(); ++at) {
            if (ops[at].match == kNone || holds.test(0, ops[at].match)) expected.push_back(at);
        }
        std::vector<std::uint32_t> selected;
        RuleFilter(ops).select(holds.row(0), selected);
        ASSERT_EQ(selected, expected) << "round " << round;
    }
}

TEST(GroupClasses, PartsClassesOnlyByTheMatchesGiven) {
    BitMatrix holds(3, 2);
    holds.set(0, 0);
    holds.set(1, 0);
    holds.set(1, 1);
    const std::vector<std::uint32_t> classes{0, 1, 2};
    const std::vector<std::uint32_t> first{0};
    const std::vector<std::uint32_t> both{0, 1};
    EXPECT_EQ(group_classes(classes, holds, first).group_of, (std::vector<std::uint32_t>{0, 0, 1}));
    EXPECT_EQ(group_classes(classes, holds, both).group_of, (std::vector<std::uint32_t>{0, 1, 2}));
    EXPECT_EQ(group_classes(classes, holds, {}).representative, (std::vector<std::uint32_t>{0}));
}

}  // namespace
}  // namespace drywall::classify
