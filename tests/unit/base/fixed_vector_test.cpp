#include "drywall/base/fixed_vector.h"

#include <numeric>

#include <gtest/gtest.h>

namespace drywall {
namespace {

TEST(FixedVector, StartsEmpty) {
    const FixedVector<int, 3> values;
    EXPECT_TRUE(values.empty());
    EXPECT_FALSE(values.full());
    EXPECT_EQ(values.begin(), values.end());
}

TEST(FixedVector, KeepsTheOrder) {
    FixedVector<int, 3> values;
    for (const int value : {4, 5, 6}) EXPECT_TRUE(values.push_back(value));
    EXPECT_EQ(values[0], 4);
    EXPECT_EQ(values[2], 6);
    EXPECT_EQ(std::accumulate(values.begin(), values.end(), 0), 15);
    EXPECT_EQ(values.span().size(), 3U);
}

TEST(FixedVector, AFullOneRefusesAndStaysAsItWas) {
    FixedVector<int, 2> values;
    values.push_back(1);
    values.push_back(2);
    EXPECT_TRUE(values.full());
    EXPECT_FALSE(values.push_back(3));
    EXPECT_EQ(values.size(), 2U);
    EXPECT_EQ(values[1], 2);
}

TEST(FixedVector, ClearMakesRoom) {
    FixedVector<int, 1> values;
    values.push_back(1);
    values.clear();
    EXPECT_TRUE(values.empty());
    EXPECT_TRUE(values.push_back(2));
    EXPECT_EQ(values[0], 2);
}

}  // namespace
}  // namespace drywall
