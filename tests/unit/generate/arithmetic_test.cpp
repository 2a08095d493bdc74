// What the generator computes with: histograms, schedules, turns, flows, signatures.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "drywall/generate/latency_histogram.h"
#include "groups.h"
#include "schedule.h"
#include "signature.h"
#include "turns.h"

namespace drywall::generate {
namespace {

TEST(LatencyHistogram, AgreesWithASortedListWithinItsError) {
    for (const unsigned seed : {1U, 2U, 3U}) {
        std::mt19937_64 random(seed);
        std::lognormal_distribution<double> shape(9.0, 2.5);
        LatencyHistogram histogram;
        std::vector<std::uint64_t> values;
        for (int i = 0; i < 20'000; ++i) {
            values.push_back(static_cast<std::uint64_t>(shape(random)));
            histogram.record(values.back());
        }
        std::sort(values.begin(), values.end());
        EXPECT_EQ(histogram.count(), values.size());
        EXPECT_EQ(histogram.least(), values.front());
        EXPECT_EQ(histogram.greatest(), values.back());
        double sum = 0;
        for (const std::uint64_t value : values) sum += static_cast<double>(value);
        EXPECT_NEAR(histogram.mean(), sum / 20'000, 1e-6 * histogram.mean());
        for (const double share : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
            const std::uint64_t exact = values[static_cast<std::size_t>(std::ceil(share * 20'000)) - 1];
            EXPECT_GE(histogram.quantile(share), exact) << share << ", seed " << seed;
            EXPECT_LE(static_cast<double>(histogram.quantile(share)), static_cast<double>(exact) * (1 + 1.0 / 128))
                << share << ", seed " << seed;
        }
    }
}

TEST(LatencyHistogram, EveryValueIsInABucketOfItsOwnKind) {
    for (unsigned bits = 0; bits < 42; ++bits)
        for (const std::uint64_t value : {(std::uint64_t{1} << bits) - 1, std::uint64_t{1} << bits}) {
            LatencyHistogram histogram;
            histogram.record(0);
            histogram.record(value);
            histogram.record(LatencyHistogram::kGreatest);
            EXPECT_GE(histogram.quantile(0.6), value);
            EXPECT_LE(static_cast<double>(histogram.quantile(0.6)), static_cast<double>(value) * (1 + 1.0 / 128));
        }
}

TEST(LatencyHistogram, NothingRecordedIsZeroAndTooMuchIsTheLastBucket) {
    LatencyHistogram histogram;
    EXPECT_EQ(histogram.quantile(0.5) + histogram.least() + histogram.greatest(), 0U);
    histogram.record(~std::uint64_t{0});
    EXPECT_EQ(histogram.greatest(), ~std::uint64_t{0});
}

TEST(LatencyHistogram, TwoAddedAreOneOfAll) {
    LatencyHistogram one;
    LatencyHistogram other;
    LatencyHistogram all;
    for (std::uint64_t i = 1; i < 1000; ++i) {
        (i % 3 == 0 ? one : other).record(i * i);
        all.record(i * i);
    }
    one.add(other);
    EXPECT_EQ(one.count(), all.count());
    EXPECT_EQ(one.quantile(0.37), all.quantile(0.37));
    EXPECT_EQ(one.least(), all.least());
}

TEST(Schedule, IsDueWhatTheRateTimesTheTimeSays) {
    const Schedule schedule = Schedule::constant(1e6);
    EXPECT_EQ(schedule.due(0), 0U);
    EXPECT_EQ(schedule.due(0.0000009), 0U);
    EXPECT_EQ(schedule.due(0.000001), 1U);
    EXPECT_EQ(schedule.due(0.1), 100'000U);
    EXPECT_EQ(schedule.due(3600), 3'600'000'000U);
    EXPECT_EQ(Schedule::constant(10.0 / 3).due(3), 10U) << "binary fractions take nothing away";
}

TEST(Schedule, ARampIsTheIntegralOfItsRate) {
    const Schedule ramp = Schedule::ramp(100, 300, 10);
    double packets = 0;
    for (int step = 0; step < 1'500'000; ++step) {
        const double time = (step + 0.5) * 1e-5;
        packets += (time < 10 ? 100 + 20 * time : 300) * 1e-5;
        if (step % 100'000 == 99'999) {
            EXPECT_NEAR(static_cast<double>(ramp.due((step + 1) * 1e-5)), packets, 1.0) << step;
        }
    }
    EXPECT_EQ(ramp.due(10), 2000U);
    EXPECT_EQ(ramp.due(11), 2300U);
}

TEST(Schedule, RecordedTimesComeAgainRoundByRound) {
    const Schedule times = Schedule::at_times({0, 0.1, 0.1, 0.5}, 1.0);
    EXPECT_EQ(times.due(0), 1U);
    EXPECT_EQ(times.due(0.0999), 1U);
    EXPECT_EQ(times.due(0.1), 3U);
    EXPECT_EQ(times.due(0.9), 4U);
    EXPECT_EQ(times.due(1.0), 5U);
    EXPECT_EQ(times.due(2.1), 11U);
    EXPECT_DOUBLE_EQ(times.rate(), 4.0);
}

TEST(Turns, EachComesAsOftenAsItsWeightSaysAndEvenly) {
    EXPECT_EQ(turns(std::vector<std::uint32_t>{14, 8, 2})->size(), 12U) << "7:4:1";
    std::vector<std::uint32_t> weights{5, 1, 9, 9};
    const auto round = turns(weights);
    ASSERT_TRUE(round);
    for (std::uint16_t i = 0; i < weights.size(); ++i)
        for (std::ptrdiff_t first = 1; first <= 24; ++first)
            EXPECT_NEAR(static_cast<double>(std::count(round->begin(), round->begin() + first, i)),
                        static_cast<double>(first) * weights[i] / 24, first == 24 ? 0 : 1.01)
                << i << " among the first " << first;
    EXPECT_FALSE(turns(std::vector<std::uint32_t>{65'536, 1}));
    EXPECT_TRUE(turns(std::vector<std::uint32_t>{65'536, 32'768}));
}

TEST(FlowPicker, ZipfMakesFlowsAsLikelyAsTheirRankSays) {
    constexpr std::uint64_t kFlows = 100;
    constexpr int kPackets = 400'000;
    const FlowPicker picker({.count = kFlows, .spread = loader::FlowsProfile::Spread::kZipf, .exponent = 1.2}, 7, 1);
    std::map<std::uint64_t, int> seen;
    for (std::uint64_t n = 0; n < kPackets; ++n) ++seen[picker.pick(n)];
    double sum = 0;
    for (std::uint64_t k = 1; k <= kFlows; ++k) sum += std::pow(k, -1.2);
    for (const std::uint64_t k : {0U, 1U, 9U, 99U}) {
        const double expected = kPackets * std::pow(k + 1, -1.2) / sum;
        EXPECT_NEAR(seen[k], expected, 6 * std::sqrt(expected)) << k;
    }
    EXPECT_LT(seen.rbegin()->first, kFlows);
}

TEST(FlowPicker, TheSameSeedDrawsTheSameAndAnotherDoesNot) {
    const loader::FlowsProfile uniform{.count = 1000, .spread = loader::FlowsProfile::Spread::kUniform};
    const FlowPicker one(uniform, 7, 1);
    const FlowPicker again(uniform, 7, 1);
    const FlowPicker other(uniform, 8, 1);
    int alike = 0;
    for (std::uint64_t n = 0; n < 1000; ++n) {
        EXPECT_EQ(one.pick(n), again.pick(n));
        alike += one.pick(n) == other.pick(n) ? 1 : 0;
    }
    EXPECT_LT(alike, 20);
}

TEST(Signature, IsReadAsItWasWrittenAndKnowsItsAge) {
    std::array<std::uint8_t, kSignatureBytes> bytes{};
    const Signature signature{0xdeadbeef, 4095, 0xfffffffe, kTimeMask - 5};
    signature.write(bytes.data());
    EXPECT_EQ(Signature::read(bytes.data()), signature);
    EXPECT_EQ(signature.age(10), 16U) << "the time's 48 bits may run over";
    EXPECT_EQ(signature.age(kTimeMask - 6), 0U) << "another core's clock may lag";
    EXPECT_NE(magic_of(1, 1), magic_of(1, 2));
    EXPECT_NE(magic_of(1, 1), magic_of(2, 1));
}

TEST(Rates, BitsAreThoseOfFramesOrOfTheWire) {
    using Unit = loader::TrafficRate::Unit;
    EXPECT_DOUBLE_EQ(packets_per_second({Unit::kBitsOfLayer1, 10e9}, 64), 10e9 / 672) << "14.88 Mpps";
    EXPECT_DOUBLE_EQ(packets_per_second({Unit::kBitsOfLayer2, 10e9}, 64), 10e9 / 512);
    EXPECT_DOUBLE_EQ(packets_per_second({Unit::kPackets, 5}, 64), 5);
}

}  // namespace
}  // namespace drywall::generate
