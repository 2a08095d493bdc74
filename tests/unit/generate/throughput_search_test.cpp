// The search against devices under test that are arithmetic: what they can take is known.
#include "drywall/generate/throughput_search.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace drywall::generate {
namespace {

using namespace std::chrono_literals;

// Takes `capacity` packets a second and loses the rest.
Measured measured_at(double rate, std::chrono::milliseconds duration, double capacity) {
    const double due = rate * std::chrono::duration<double>(duration).count();
    const double lost = std::max(0.0, 1 - capacity / rate) * due;
    return {static_cast<std::uint64_t>(due), static_cast<std::uint64_t>(std::ceil(lost)), 0, false};
}

SearchSettings settings_up_to(double most) { return {.most = most}; }

TEST(ThroughputSearch, FindsWhatADeviceCanTake) {
    for (const double capacity : {1.2e3, 5e4, 1.234567e6, 3.3e7}) {
        const auto found = search_throughput(settings_up_to(1e8), [&](double rate, auto duration) -> Result<Measured> {
            return measured_at(rate, duration, capacity);
        });
        ASSERT_TRUE(found);
        ASSERT_EQ(found->bounds.size(), 2U);
        const Bounds& ndr = found->bounds[0];
        EXPECT_EQ(ndr.goal, "NDR");
        ASSERT_TRUE(ndr.lower && ndr.upper);
        EXPECT_LE(*ndr.lower, capacity);
        EXPECT_GE(*ndr.upper, capacity);
        EXPECT_LE(*ndr.upper - *ndr.lower, 0.005 * *ndr.upper);
        const double pdr = capacity / (1 - 0.005);
        const Bounds& partial = found->bounds[1];
        ASSERT_TRUE(partial.lower && partial.upper);
        EXPECT_LE(*partial.lower, pdr * 1.0001);
        EXPECT_GE(*partial.upper, pdr * 0.9999);
        EXPECT_LT(found->trials.size(), 120U) << capacity;
        EXPECT_FALSE(found->stopped);
    }
}

TEST(ThroughputSearch, EachLoadCountsByTheMajorityOfItsTrials) {
    // Every third trial of full length loses something, whatever the rate.
    unsigned trial = 0;
    const auto found = search_throughput(settings_up_to(1e7), [&](double rate, auto duration) -> Result<Measured> {
        Measured result = measured_at(rate, duration, 2e6);
        if (duration == 1000ms && ++trial % 3 == 0) result.lost = std::max<std::uint64_t>(result.lost, 1);
        return result;
    });
    ASSERT_TRUE(found && found->bounds[0].lower);
    EXPECT_NEAR(*found->bounds[0].lower, 2e6, 2e6 * 0.006);
}

TEST(ThroughputSearch, ALoadAboveOneThatFailsDoesNotCount) {
    // A hole: between 1 and 1.2 million it loses, above it does not, until 5 million.
    const auto found = search_throughput(settings_up_to(8e6), [&](double rate, auto duration) -> Result<Measured> {
        return measured_at(rate, duration, rate > 1e6 && rate < 1.2e6 ? 0.5e6 : 5e6);
    });
    ASSERT_TRUE(found && found->bounds[0].lower && found->bounds[0].upper);
    const double lower = *found->bounds[0].lower;
    EXPECT_TRUE(std::abs(lower - 5e6) < 5e6 * 0.006 || std::abs(lower - 1e6) < 1e6 * 0.006) << lower;
    for (const SearchTrial& one : found->trials) EXPECT_TRUE(one.rate >= lower || one.measured.lost == 0);
}

TEST(ThroughputSearch, SaysWhenEvenTheLeastRateLosesAndWhenTheGreatestDoesNot) {
    const auto none = search_throughput(settings_up_to(1e6), [](double rate, auto duration) -> Result<Measured> {
        return measured_at(rate, duration, 10);
    });
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->bounds[0].lower);
    EXPECT_EQ(none->bounds[0].upper, 1000.0);
    const auto all = search_throughput(settings_up_to(1e6), [](double rate, auto duration) -> Result<Measured> {
        return measured_at(rate, duration, 1e9);
    });
    ASSERT_TRUE(all);
    EXPECT_EQ(all->bounds[0].lower, 1e6);
    EXPECT_FALSE(all->bounds[0].upper);
}

TEST(ThroughputSearch, WhoeverStopsItGetsWhatWasFound) {
    unsigned trials = 0;
    const auto found = search_throughput(settings_up_to(1e7), [&](double rate, auto duration) -> Result<Measured> {
        Measured result = measured_at(rate, duration, 2e6);
        result.stopped = ++trials == 5;
        return result;
    });
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->stopped);
    EXPECT_EQ(found->trials.size(), 5U);
}

TEST(ThroughputSearch, AnErrorEndsIt) {
    const auto found = search_throughput(settings_up_to(1e7), [](double, auto) -> Result<Measured> {
        return Error::of(ErrorKind::kUnavailable, "the device is gone", "plug it in");
    });
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().text().find("the device is gone"), std::string::npos);
}

// Devices that lose at random near what they can take: it ends, and near it.
TEST(ThroughputSearch, EndsWithDevicesThatAreNotSure) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        const double capacity = std::exp(std::uniform_real_distribution<>(std::log(2e3), std::log(9e6))(random));
        const double jitter = std::uniform_real_distribution<>(0, 0.3)(random);
        const auto found = search_throughput(settings_up_to(1e7), [&](double rate, auto duration) -> Result<Measured> {
            const double now = capacity * (1 + jitter * std::uniform_real_distribution<>(-1, 1)(random));
            return measured_at(rate, duration, now);
        });
        ASSERT_TRUE(found);
        for (const Bounds& bounds : found->bounds) {
            ASSERT_TRUE(bounds.lower);
            EXPECT_GT(*bounds.lower, capacity * 0.6);
            EXPECT_LT(*bounds.lower, capacity * 1.4);
        }
        EXPECT_LT(found->trials.size(), 300U);
    }
}

}  // namespace
}  // namespace drywall::generate
