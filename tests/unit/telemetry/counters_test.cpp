#include "drywall/telemetry/counters.h"

#include <thread>

#include <gtest/gtest.h>

#include "drywall/telemetry/event.h"

namespace drywall::telemetry {
namespace {

TEST(TraceCounters, CountPacketsAndBytesPerTrace) {
    TraceCounters counters(3);
    counters.add(TraceId{2}, 60);
    counters.add(TraceId{2}, 1500);
    counters.add(TraceId{0}, 64);
    EXPECT_EQ(counters.size(), 3U);
    EXPECT_EQ(counters.read(TraceId{0}), (PacketsBytes{1, 64}));
    EXPECT_EQ(counters.read(TraceId{1}), (PacketsBytes{}));
    EXPECT_EQ(counters.read(TraceId{2}), (PacketsBytes{2, 1560}));
}

TEST(PacketsBytes, AddUp) {
    PacketsBytes sum{1, 60};
    sum += {2, 3000};
    EXPECT_EQ(sum, (PacketsBytes{3, 3060}));
}

TEST(WorkerCounters, StartAtZeroWithASlotPerPortAndReason) {
    const WorkerCounters counters(2);
    ASSERT_EQ(counters.received.size(), 2U);
    ASSERT_EQ(counters.forwarded.size(), 2U);
    ASSERT_EQ(counters.transmitted.size(), 2U);
    ASSERT_EQ(counters.dropped.ports(), 2U);
    for (const DropReasonText& text : kDropReasons)
        for (std::size_t port = 0; port < 2; ++port)
            EXPECT_EQ(counters.dropped.read(port, text.reason), PacketsBytes{}) << text.name;
    EXPECT_EQ(counters.loops.read(), 0U);
}

TEST(DropCounters, CountByPortAndReasonAndAddUpOverThePorts) {
    DropCounters counters(2);
    counters.add(0, DropReason::kNonIp, 60);
    counters.add(1, DropReason::kNonIp, 64);
    counters.add(1, DropReason::kTxRefused, 1500);
    EXPECT_EQ(counters.read(0, DropReason::kNonIp), (PacketsBytes{1, 60}));
    EXPECT_EQ(counters.read(0, DropReason::kTxRefused), PacketsBytes{});
    EXPECT_EQ(counters.read(1, DropReason::kNonIp), (PacketsBytes{1, 64}));
    EXPECT_EQ(counters.read(DropReason::kNonIp), (PacketsBytes{2, 124}));
    EXPECT_EQ(counters.read(DropReason::kTxRefused), (PacketsBytes{1, 1500}));
}

TEST(WorkerCounters, TwoWorkersShareNoCacheLine) {
    EXPECT_EQ(alignof(WorkerCounters), kCacheLine);
    EXPECT_EQ(sizeof(WorkerCounters) % kCacheLine, 0U);
}

TEST(Counter, AReaderSeesItGrowAndNeverFall) {
    constexpr std::uint64_t kAdds = 200'000;
    TraceCounters counters(2);
    std::thread worker([&] {
        for (std::uint64_t i = 0; i < kAdds; ++i) counters.add(TraceId{static_cast<std::uint32_t>(i % 2)}, 100);
    });
    PacketsBytes last;
    bool fell = false;
    while (last.packets < kAdds / 2) {
        const PacketsBytes now = counters.read(TraceId{1});
        fell = fell || now.packets < last.packets || now.bytes < last.bytes;
        last = now;
        std::this_thread::yield();
    }
    worker.join();
    EXPECT_FALSE(fell);
    EXPECT_EQ(counters.read(TraceId{0}), (PacketsBytes{kAdds / 2, kAdds / 2 * 100}));
    EXPECT_EQ(counters.read(TraceId{1}), (PacketsBytes{kAdds / 2, kAdds / 2 * 100}));
}

TEST(EventBatch, HoldsAnEventPerPacketAndTheFlowsThatExpiredMeanwhile) {
    EventBatch batch;
    for (std::size_t i = 0; i < kMaxEvents; ++i) ASSERT_TRUE(batch.push_back(FlowEvent{}));
    EXPECT_FALSE(batch.push_back({})) << "the caller counts it as lost";
    EXPECT_GE(kMaxEvents, kMaxBurst);
}

}  // namespace
}  // namespace drywall::telemetry
