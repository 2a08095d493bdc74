// The promises that hold whatever the wire sends: every packet is accounted for, and nothing is allocated.

#include <gtest/gtest.h>

#include "allocations.h"
#include "rulesets.h"
#include "traffic.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kSeed = 11;

// Noise, or a packet with noise in it: some bytes changed, or cut off.
test::Bytes garbage(Traffic& traffic) {
    test::Bytes frame = traffic.packet().bytes();
    switch (traffic.below(4)) {
        case 0:
            frame.resize(traffic.below(128));
            for (std::uint8_t& byte : frame) byte = static_cast<std::uint8_t>(traffic.below(256));
            break;
        case 1: frame.resize(traffic.below(frame.size() + 1)); break;
        default:
            for (std::uint64_t changes = 1 + traffic.below(4); changes > 0; --changes)
                frame[traffic.below(frame.size())] = static_cast<std::uint8_t>(traffic.below(256));
    }
    return frame;
}

TEST(Accounting, EveryPacketOfAStreamOfGarbageIsAccountedFor) {
    EngineSettings settings = Wire::default_settings();
    settings.flow_capacity = 256;
    settings.fragment_capacity = 16;
    Wire wire(build(1, guarded()), settings);
    const std::vector<RulesetPtr> generations = {build(2, guarded_with_staged_lock()), build(3, locked()),
                                                 build(4, guarded())};
    Traffic traffic(kSeed);
    for (int burst = 0; burst * kMaxBurst < 100'000; ++burst) {
        test::Frames frames;
        for (std::size_t i = 0; i < kMaxBurst; ++i)
            frames.add(garbage(traffic), static_cast<std::uint16_t>(traffic.below(Wire::kPorts)));
        (void)wire.burst(frames.views());
        if (burst % 100 == 99) wire.use(generations[static_cast<std::size_t>(burst / 100) % generations.size()]);
        wire.pass(std::chrono::milliseconds(10));
    }
    SCOPED_TRACE("seed " + std::to_string(kSeed));
    wire.expect_all_accounted();
    EXPECT_GT(wire.judged(), 0U);
    EXPECT_GT(wire.dropped(DropReason::kTruncated), 0U);
    EXPECT_GT(wire.dropped(DropReason::kFragmentUnknown), 0U);
}

TEST(Accounting, ProcessAndSweepAllocateNothing) {
    Wire wire(build(1, guarded()));
    Traffic traffic(kSeed);
    const RulesetPtr next = build(2, guarded_with_staged_lock());
    telemetry::TraceCounters next_traces(next->trace_count());
    telemetry::EventBatch events;
    std::array<Decision, kMaxBurst> decisions;
    Instant now{seconds(1000)};
    std::uint64_t allocated = 0;
    for (int burst = 0; burst < 200; ++burst) {
        test::Frames frames;
        while (frames.size() < kMaxBurst) frames.add(traffic.packet());
        const bool old = burst < 100;
        const std::uint64_t before = test::allocations();
        events.clear();
        wire.engine().process(frames.views(), old ? wire.ruleset() : *next, old ? wire.traces() : next_traces, now,
                              decisions, events);
        wire.engine().sweep(now, events);
        allocated += test::allocations() - before;
        now = now + seconds(3);
    }
    EXPECT_EQ(allocated, 0U);
    EXPECT_GT(wire.counters().flows_opened.read(), 0U);
    EXPECT_GT(wire.counters().flows_rejudged.read(), 0U);
    EXPECT_GT(wire.counters().flows_ended.read(), 0U);
}

}  // namespace
}  // namespace drywall::engine
