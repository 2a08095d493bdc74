#include "drywall/generate/figure.h"

#include <gtest/gtest.h>

namespace drywall::generate {
namespace {

Json report(std::vector<double> samples, Better better = Better::kHigher, const std::string& device = "net_memif0") {
    return {{"command", "ndr"},
            {"fingerprint", {{"devices", Json::array({{{"port", "left"}, {"device", device}}})}}},
            {"figures", Json::array({json_of({"NDR", "packets/s", better, 0.005, std::move(samples)})})}};
}

Change change_of(const Json& before, const Json& after) {
    const auto compared = compare(before, after);
    EXPECT_TRUE(compared);
    return compared->figures.at(0).change;
}

TEST(Spread, OfSamples) {
    const Spread one = spread_of({7});
    EXPECT_EQ(one.median, 7);
    EXPECT_EQ(one.confidence, 0);
    const Spread five = spread_of({5, 1, 4, 2, 3});
    EXPECT_EQ(five.median, 3);
    EXPECT_EQ(five.lower_quartile, 2);
    EXPECT_EQ(five.upper_quartile, 4);
    EXPECT_EQ(five.least, 1);
    EXPECT_EQ(five.greatest, 5);
    EXPECT_DOUBLE_EQ(five.confidence, 0.9375);
    EXPECT_EQ(spread_of({1, 2}).median, 1.5);
}

TEST(Comparison, WhatTheRepetitionsSawIsNoChange) {
    EXPECT_EQ(change_of(report({100, 104, 98}), report({97, 99, 101})), Change::kSame);
    EXPECT_EQ(change_of(report({100, 104, 98}), report({97.6, 97.6, 97.6})), Change::kSame) << "within the resolution";
    EXPECT_EQ(change_of(report({100, 104, 98}), report({90, 91, 92})), Change::kWorse);
    EXPECT_EQ(change_of(report({100, 104, 98}), report({110, 111, 112})), Change::kBetter);
}

TEST(Comparison, OfFiguresThatShouldBeLow) {
    EXPECT_EQ(change_of(report({100, 101}, Better::kLower), report({90, 91}, Better::kLower)), Change::kBetter);
    EXPECT_EQ(change_of(report({100, 101}, Better::kLower), report({120, 130}, Better::kLower)), Change::kWorse);
    const auto worse = compare(report({0, 0}, Better::kLower), report({3, 4}, Better::kLower));
    ASSERT_TRUE(worse);
    EXPECT_TRUE(worse->has_regressed()) << "from nothing lost to something";
}

TEST(Comparison, NamesWhatElseIsDifferent) {
    const auto compared = compare(report({100}), report({100}, Better::kHigher, "net_af_packet0"));
    ASSERT_TRUE(compared);
    ASSERT_EQ(compared->differences.size(), 1U);
    EXPECT_NE(compared->differences[0].find("net_af_packet0"), std::string::npos);
    EXPECT_FALSE(compared->has_regressed());
}

TEST(Comparison, AFigureOfOneReportIsNamed) {
    Json more = report({100});
    more["figures"].push_back(json_of({"PDR", "packets/s", Better::kHigher, 0, {1}}));
    EXPECT_EQ(compare(report({100}), more)->figures.at(1).change, Change::kOnlyAfter);
    EXPECT_EQ(compare(more, report({100}))->figures.at(1).change, Change::kOnlyBefore);
}

TEST(Comparison, RefusesWhatIsNoReport) {
    EXPECT_FALSE(compare(Json::object(), report({1})));
    EXPECT_FALSE(compare(report({1}), Json(17)));
    Json other = report({1});
    other["command"] = "soak";
    EXPECT_FALSE(compare(report({1}), other));
    Json empty = report({1});
    empty["figures"][0]["samples"] = Json::array();
    EXPECT_FALSE(compare(report({1}), empty));
    empty["figures"][0]["samples"] = "many";
    EXPECT_FALSE(compare(empty, report({1})));
}

}  // namespace
}  // namespace drywall::generate
