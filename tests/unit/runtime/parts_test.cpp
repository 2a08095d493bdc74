// The dataplane's parts that need no thread to show what they do.
#include <gtest/gtest.h>

#include "drywall/io/memory_port.h"
#include "drywall/io/record_ring.h"
#include "link_carrier.h"
#include "mtu_watch.h"
#include "quiescence.h"
#include "sweep_pace.h"
#include "testbed.h"

namespace drywall::runtime {
namespace {

telemetry::FlowEvent event(std::uint64_t flow) {
    telemetry::FlowEvent one;
    one.flow = flow;
    return one;
}

TEST(EventRing, GivesBackInOrderWhatFittedAndRefusesTheRest) {
    io::RecordRing<telemetry::FlowEvent> ring(3);
    const std::vector events = {event(1), event(2), event(3), event(4)};
    EXPECT_EQ(ring.push(events), 3U);
    EXPECT_EQ(ring.push(events), 0U);
    EXPECT_EQ(ring.capacity(), 3U);

    std::vector<telemetry::FlowEvent> taken(8);
    ASSERT_EQ(ring.pop(taken), 3U);
    EXPECT_EQ(taken[0].flow, 1U);
    EXPECT_EQ(taken[2].flow, 3U);
    EXPECT_EQ(ring.pop(taken), 0U);
}

TEST(Quiescence, WaitsForEveryWorkerThatIsOnline) {
    Quiescence quiescence(3);
    quiescence.online(WorkerId{0});
    quiescence.online(WorkerId{1});
    const std::uint64_t token = quiescence.start();
    EXPECT_FALSE(quiescence.passed(token));
    quiescence.pass(WorkerId{0});
    EXPECT_EQ(quiescence.late(token), (std::vector{WorkerId{1}}));
    quiescence.pass(WorkerId{1});
    EXPECT_TRUE(quiescence.passed(token));
    EXPECT_TRUE(quiescence.late(token).empty());
}

TEST(Quiescence, DoesNotWaitForAWorkerThatLeft) {
    Quiescence quiescence(1);
    quiescence.online(WorkerId{0});
    const std::uint64_t token = quiescence.start();
    quiescence.offline(WorkerId{0});
    EXPECT_TRUE(quiescence.passed(token));
}

constexpr std::chrono::seconds kLong{60};  // more than a link needs to train

class LinkCarrierTest : public testing::Test {
protected:
    void after(std::chrono::seconds time) {
        now_ = now_ + time;
        carrier_.poll(now_);
    }

    Instant now_;
    std::shared_ptr<io::MemoryPort> lan_ = memory_port(PortId{0});
    std::shared_ptr<io::MemoryPort> wan_ = memory_port(PortId{1});
    LinkCarrier carrier_{{lan_, wan_}, {PortId{1}, PortId{0}}, now_};
};

TEST_F(LinkCarrierTest, TakesThePeerDownAndUpWithALink) {
    after(kLong);
    lan_->set_link(false);
    after(std::chrono::seconds(1));
    EXPECT_FALSE(wan_->link_up());
    lan_->set_link(true);
    after(std::chrono::seconds(1));
    EXPECT_TRUE(wan_->link_up());
}

TEST_F(LinkCarrierTest, DoesNotListenToALinkThatIsStillTraining) {
    wan_->set_link(false);
    after(std::chrono::seconds(1));
    EXPECT_TRUE(lan_->link_up());
    after(kLong);
    EXPECT_FALSE(lan_->link_up());
}

TEST_F(LinkCarrierTest, LeavesNoLinkDownAtTheEnd) {
    after(kLong);
    lan_->set_link(false);
    after(std::chrono::seconds(1));
    carrier_.release();
    EXPECT_TRUE(wan_->link_up());
}

TEST_F(LinkCarrierTest, APortThatWasTakenDownDoesNotTakeItsPeerDown) {
    after(kLong);
    lan_->set_link(false);
    for (int i = 0; i < 10; ++i) after(kLong);
    lan_->set_link(true);
    for (int i = 0; i < 10; ++i) after(kLong);
    EXPECT_TRUE(lan_->link_up());
    EXPECT_TRUE(wan_->link_up());
}

class MtuWatchTest : public testing::Test {
protected:
    static std::shared_ptr<io::MemoryPort> port(const char* name, std::uint16_t mtu) {
        io::MemoryPortSettings settings;
        settings.name = name;
        settings.mtu = mtu;
        return std::make_shared<io::MemoryPort>(settings);
    }
    static std::vector<std::string> said_of(std::uint16_t one, std::uint16_t other) {
        MtuWatch watch({port("lan", one), port("wan", other)}, {PortId{1}, PortId{0}});
        std::vector<std::string> news = watch.poll();
        EXPECT_TRUE(watch.poll().empty()) << "once";
        return news;
    }
};

TEST_F(MtuWatchTest, NamesThePortByWhichTooMuchComesIn) {
    const std::string text =
        "port 'wan' (MTU 9000) takes larger packets than port 'lan' (MTU 1500): what is too large for "
        "that one can't leave by it; give both the same MTU";
    EXPECT_EQ(said_of(1500, 9000), std::vector{text});
}

TEST_F(MtuWatchTest, IsSilentWhereNothingDiffersOrADeviceDoesNotSay) {
    EXPECT_TRUE(said_of(1500, 1500).empty());
    EXPECT_TRUE(said_of(0, 1500).empty());
    EXPECT_TRUE(said_of(9000, 0).empty());
}

class SweepPaceTest : public testing::Test {
protected:
    static constexpr std::size_t kCapacity = 65536;

    static engine::EngineSettings settings(std::uint32_t per_source_limit = 0) {
        engine::EngineSettings settings;
        settings.flow_capacity = kCapacity;
        settings.per_source_limit = per_source_limit;
        return settings;
    }
    // Steps within half a second, with a turn every so often.
    static std::int64_t steps(SweepPace pace, std::size_t flows, Nanos turn, bool worked) {
        std::int64_t taken = 0;
        for (Nanos now = turn; now <= std::chrono::milliseconds(500); now += turn)
            taken += pace.due({now}, flows, worked);
        return taken;
    }

    static constexpr std::chrono::microseconds kTurn{5};
    static constexpr std::int64_t kRound = kCapacity / engine::Engine::kSweepStep;
};

TEST_F(SweepPaceTest, GoesThroughTheTableInHalfASecondWhateverIsInIt) {
    for (const std::size_t flows : {std::size_t{0}, kCapacity / 2})
        EXPECT_NEAR(static_cast<double>(steps(SweepPace(settings()), flows, kTurn, true)), kRound, kRound / 50.0);
}

TEST_F(SweepPaceTest, GoesFasterWhereEntriesAreWantedAndYetTakesNoStepInEveryTurn) {
    EXPECT_EQ(steps(SweepPace(settings()), kCapacity / 4 * 3, kTurn, true), 10'000);
    EXPECT_EQ(steps(SweepPace(settings()), kCapacity, kTurn, true), 10'000);
    EXPECT_EQ(steps(SweepPace(settings(10)), 1, kTurn, true), 10'000) << "so are counts of sources";
}

TEST_F(SweepPaceTest, MakesUpForSleepAndNotForWork) {
    constexpr std::chrono::milliseconds kSleep{5};
    EXPECT_GE(steps(SweepPace(settings()), 0, kSleep, false), kRound * 9 / 10);
    EXPECT_EQ(steps(SweepPace(settings()), 0, kSleep, true), 100) << "one in each turn";
    SweepPace pace(settings());
    EXPECT_EQ(pace.due({std::chrono::hours(1)}, 0, false), 16);
    EXPECT_EQ(pace.due({std::chrono::hours(1)}, 0, false), 0);
}

}  // namespace
}  // namespace drywall::runtime
