// The engine against its naive twin, and against itself with staged policies beside the same enforced ones.

#include <gtest/gtest.h>

#include "naive_engine.h"
#include "rulesets.h"
#include "traffic.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using std::chrono::seconds;

class Both {
public:
    explicit Both(std::vector<RulesetPtr> rulesets, const EngineSettings& how = settings())
        : rulesets_(std::move(rulesets)), counters_(Wire::kPorts), fast_(how, counters_), naive_(how) {
        for (const RulesetPtr& ruleset : rulesets_)
            traces_.push_back(std::make_unique<telemetry::TraceCounters>(ruleset->trace_count()));
    }

    static EngineSettings settings() {
        EngineSettings settings = Wire::default_settings();
        settings.fragment_capacity = 65536;
        return settings;
    }

    void keep_from(Generation oldest) { existing_.keep_from = oldest; }

    void expect_equal_decisions(const test::Frames& frames, std::size_t generation, Instant now) {
        std::vector<Decision> decisions(frames.size());
        telemetry::EventBatch events;
        fast_.process(frames.views(), *rulesets_[generation], *traces_[generation], now, decisions, events, existing_);
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const ruleset::Ruleset& ruleset = *rulesets_[generation];
            const NaiveEngine::Decided expected = naive_.decide(frames[i], ruleset, now, existing_);
            ASSERT_EQ(name(decisions[i].drop), name(expected.drop)) << "packet " << i << " of the burst";
            ASSERT_EQ(decisions[i].trace != Decision::kUnjudged, expected.trace.has_value());
            if (!expected.trace) continue;
            ASSERT_EQ(ruleset.trace(decisions[i].trace), *expected.trace);
        }
        ASSERT_EQ(fast_.flow_counts(), naive_.flow_counts());
        for (std::size_t state = 0; state < flow::kFlowStates; ++state)
            met_[state] += fast_.flow_counts().by_state[state];
    }

    void expect_equal_counters() {
        EXPECT_EQ(counters_.kept_passed.read().packets, naive_.unjudged().kept);
        for (const NaiveEngine::Counted& counted : naive_.counted()) {
            const auto generation = index(counted.generation) - 1;
            const ruleset::Ruleset& ruleset = *rulesets_[generation];
            std::uint64_t packets = 0;
            for (std::uint32_t trace = 0; trace < ruleset.trace_count(); ++trace)
                if (ruleset.trace(TraceId{trace}) == counted.trace)
                    packets += traces_[generation]->read(TraceId{trace}).packets;
            EXPECT_EQ(packets, counted.packets);
        }
        for (const DropReasonText& reason : kDropReasons) {
            const auto expected = naive_.observed().find(reason.reason);
            EXPECT_EQ(counters_.observed.read(reason.reason).packets,
                      expected == naive_.observed().end() ? 0 : expected->second)
                << reason.name;
        }
    }
    [[nodiscard]] std::uint64_t observed(DropReason reason) const { return counters_.observed.read(reason).packets; }

    void expect_kept() { EXPECT_GE(naive_.unjudged().kept, 50U); }

    // Or the traffic would prove nothing about these.
    void expect_all_reasons_met() {
        for (const DropReason reason :
             {DropReason::kTcpFlags, DropReason::kTcpWindow, DropReason::kTcpReset, DropReason::kIcmpUnrelated,
              DropReason::kNeighbourInvalid, DropReason::kPolicyDeny})
            EXPECT_GE(counters_.dropped.read(reason).packets, 10U) << name(reason);
        EXPECT_GE(counters_.related_passed.read().packets, 20U);
        for (const flow::FlowState state : {flow::FlowState::kSynReceived, flow::FlowState::kEstablished})
            EXPECT_GE(met_[static_cast<std::size_t>(state)], 20U) << static_cast<int>(state);
        for (const flow::FlowState state : {flow::FlowState::kSynCrossed, flow::FlowState::kInitiatorDone,
                                            flow::FlowState::kTimeWait, flow::FlowState::kClosed})
            EXPECT_GE(met_[static_cast<std::size_t>(state)], 5U) << static_cast<int>(state);
    }

    void expect_equal_flows(Instant now) {
        telemetry::EventBatch events;
        for (std::size_t call = 0; call < settings().flow_capacity / Engine::kSweepStep; ++call) {
            events.clear();
            fast_.sweep(now, events);
        }
        naive_.sweep(now);
        EXPECT_EQ(fast_.flow_count(), naive_.flow_count());
        EXPECT_EQ(counters_.flows_opened.read() - counters_.flows_ended.read(),
                  fast_.flow_count() - naive_.remembered());
    }

private:
    std::vector<RulesetPtr> rulesets_;
    std::vector<std::unique_ptr<telemetry::TraceCounters>> traces_;
    telemetry::WorkerCounters counters_;
    Engine fast_;
    NaiveEngine naive_;
    Existing existing_;
    std::array<std::uint64_t, flow::kFlowStates> met_{};  // connections in each state, over the ends of all bursts
};

enum class Keeping : std::uint8_t { kNever, kForATime };

void run(Both& both, std::uint64_t seed, int bursts, Keeping keeping = Keeping::kNever) {
    Traffic traffic(seed);
    Instant now{seconds(1)};
    std::size_t generation = 0;
    for (int burst = 0; burst < bursts && !testing::Test::HasFatalFailure(); ++burst) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", burst " + std::to_string(burst));
        if (traffic.below(4) == 0) generation = traffic.below(4);
        // At any time, as a change may ask for it, or a generation's time may be over.
        if (keeping == Keeping::kForATime && traffic.below(4) == 0) both.keep_from(Generation{1 + traffic.below(4)});
        if (traffic.below(3) == 0) now = now + seconds(traffic.below(4) == 0 ? 130 : 4);
        test::Frames frames;
        for (std::uint64_t count = 1 + traffic.below(kMaxBurst); count > 0; --count) frames.add(traffic.packet());
        both.expect_equal_decisions(frames, generation, now);
    }
    both.expect_equal_counters();
    both.expect_equal_flows(now);
}

std::vector<RulesetPtr> four_generations() {
    return {build(1, guarded()), build(2, guarded_with_staged_lock()), build(3, locked()),
            build(4, two_workloads(), Verdict::kDeny)};
}

TEST(Differential, ABurstIsDecidedAsItsPacketsWouldBeOneByOne) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        Both both(four_generations());
        run(both, seed, 300);
        both.expect_all_reasons_met();
    }
}

TEST(Differential, SoItIsWhereConnectionsAreKeptForATime) {
    for (const std::uint64_t seed : {6, 7, 8}) {
        Both both(four_generations());
        run(both, seed, 600, Keeping::kForATime);
        both.expect_all_reasons_met();
        both.expect_kept();
    }
}

TEST(Differential, SoItIsWhereTablesAreFull) {
    EngineSettings small = Both::settings();
    small.flow_capacity = 24;
    small.fragment_capacity = 6;
    EngineSettings limited = small;
    limited.half_open_limit = 3;
    limited.per_source_limit = 9;
    for (const EngineSettings& how : {small, limited}) {
        Both both(four_generations(), how);
        run(both, 9, 400, Keeping::kForATime);
    }
}

TEST(Differential, SoItIsWhereTcpIsHeldToItsNumbersInOtherWays) {
    EngineSettings no_middle = Both::settings();
    no_middle.mid_stream = MidStream::kDrop;
    EngineSettings observing = Both::settings();
    observing.tcp_window = TcpWindow::kObserve;
    observing.mid_stream = MidStream::kObserve;
    for (const EngineSettings& how : {no_middle, observing}) {
        Both both(four_generations(), how);
        run(both, 4, 150);
        const bool observes = how.tcp_window == TcpWindow::kObserve;
        for (const DropReason reason : {DropReason::kTcpMidStream, DropReason::kTcpWindow, DropReason::kTcpReset})
            EXPECT_EQ(both.observed(reason) > 0, observes) << name(reason);
    }
}

TEST(Differential, StagedPoliciesChangeNoDecision) {
    constexpr std::uint64_t kSeed = 5;
    Wire without(build(1, guarded()));
    Wire with(build(1, guarded_with_staged_lock()));
    Traffic traffic(kSeed);
    for (int burst = 0; burst < 300; ++burst) {
        test::Frames frames;
        for (std::uint64_t count = 1 + traffic.below(kMaxBurst); count > 0; --count) frames.add(traffic.packet());
        ASSERT_EQ(without.burst(frames.views()), with.burst(frames.views())) << "seed " << kSeed << ", burst " << burst;
        const seconds pause(static_cast<std::int64_t>(traffic.below(30)));
        without.pass(pause);
        with.pass(pause);
    }
    EXPECT_EQ(without.engine().flow_count(), with.engine().flow_count());
    EXPECT_EQ(without.judged(), with.judged());
    with.expect_all_accounted();
}

}  // namespace
}  // namespace drywall::engine
