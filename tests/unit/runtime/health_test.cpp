// The state machine, row by row; what a look at the threads finds; and when the watchdog is fed.
#include "drywall/runtime/health.h"

#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace drywall::runtime {
namespace {

using enum ApplianceState;
using enum ApplianceEvent;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ApplianceState, HasOneRowForEveryStateAndEvent) {
    std::set<std::pair<ApplianceState, ApplianceEvent>> rows;
    for (const Transition& row : kTransitions) rows.emplace(row.from, row.event);
    EXPECT_EQ(rows.size(), kApplianceStates * kApplianceEvents);
}

struct Expected {
    const char* name;
    ApplianceState from;
    ApplianceEvent event;
    ApplianceState to;
};

class EachTransition : public testing::TestWithParam<Expected> {};

TEST_P(EachTransition, LeadsWhereItIsDeclaredTo) {
    EXPECT_EQ(name(after(GetParam().from, GetParam().event)), name(GetParam().to));
}

// Written a second time, by hand: a row that is changed by mistake disagrees with it.
INSTANTIATE_TEST_SUITE_P(ApplianceState, EachTransition,
                         testing::Values(Expected{"TheFirstTurnOfTheLastWorkerMakesItReady", kInit, kSound, kReady},
                                         Expected{"ABadStartIsDegraded", kInit, kImpaired, kDegraded},
                                         Expected{"ASignalBeforeTheFirstPacketStopsIt", kInit, kStop, kStopped},
                                         Expected{"NothingNewLeavesItReady", kReady, kSound, kReady},
                                         Expected{"AReasonDegradesIt", kReady, kImpaired, kDegraded},
                                         Expected{"ASignalStopsIt", kReady, kStop, kStopped},
                                         Expected{"NoReasonLeftMakesItReadyAgain", kDegraded, kSound, kReady},
                                         Expected{"AnotherReasonLeavesItDegraded", kDegraded, kImpaired, kDegraded},
                                         Expected{"ASignalStopsItDegraded", kDegraded, kStop, kStopped},
                                         Expected{"StoppedItStaysWhenAllIsWell", kStopped, kSound, kStopped},
                                         Expected{"StoppedItStaysWhenSomethingFails", kStopped, kImpaired, kStopped},
                                         Expected{"ASecondSignalChangesNothing", kStopped, kStop, kStopped}),
                         [](const auto& row) { return row.param.name; });

// Two workers and a stats core, all of them well, a tenth of a second apart.
class DiagnosisTest : public testing::Test {
protected:
    DiagnosisTest() {
        vitals_.workers = {{1, now_, 0}, {2, now_, 0}};
        vitals_.stats_heartbeat = now_;
    }

    // Time passes, and everyone turns but those named.
    std::vector<News> pass(std::set<std::size_t> hung = {}, bool stats = true, milliseconds time = milliseconds(100)) {
        now_ = now_ + time;
        for (std::size_t id = 0; id < vitals_.workers.size(); ++id) {
            if (hung.contains(id)) continue;
            vitals_.workers[id].heartbeat = now_;
            ++vitals_.workers[id].turns;
        }
        if (stats) {
            vitals_.stats_heartbeat = now_;
            ++vitals_.stats_rounds;
        }
        return diagnosis_.look({now_, wall()}, vitals_, others_);
    }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const {
        return std::chrono::system_clock::time_point(std::chrono::duration_cast<milliseconds>(now_.since_start));
    }
    [[nodiscard]] const Health& health() const { return diagnosis_.health(); }

    Instant now_{seconds(1000)};
    Vitals vitals_;
    std::vector<Reason> others_;
    Diagnosis diagnosis_{false};
};

TEST_F(DiagnosisTest, IsInitUntilEveryWorkerHasTurned) {
    (void)pass({1});
    EXPECT_EQ(health().state, kInit);
    EXPECT_FALSE(diagnosis_.every_worker_polls());
    (void)pass();
    EXPECT_EQ(health().state, kReady);
    EXPECT_TRUE(diagnosis_.every_worker_polls());
    EXPECT_EQ(health().since, wall());
}

TEST_F(DiagnosisTest, NamesAHungWorkerWithinASecondAndOnce) {
    (void)pass();
    const Instant hung_at = now_;
    std::vector<News> news;
    while (news.empty()) news = pass({1});
    EXPECT_LE(now_ - hung_at, seconds(1));
    EXPECT_EQ(health().state, kDegraded);
    ASSERT_EQ(health().reasons.size(), 1U);
    EXPECT_EQ(health().reasons[0].trouble, Trouble::kWorkerHung);
    EXPECT_EQ(health().reasons[0].worker, 1U);
    EXPECT_NE(news[0].text.find("worker 1 (CPU 2)"), std::string::npos) << news[0].text;
    EXPECT_TRUE(news[0].bad);

    const auto since = health().reasons[0].since;
    EXPECT_TRUE(pass({1}).empty());
    EXPECT_EQ(health().reasons[0].since, since);
    EXPECT_NE(health().reasons[0].text, news[0].text) << "how long it hangs is told anew";
}

TEST_F(DiagnosisTest, IsReadyAgainWhenAllAdvance) {
    (void)pass();
    for (int i = 0; i < 10; ++i) (void)pass({0});
    ASSERT_EQ(health().state, kDegraded);
    const std::vector<News> news = pass();
    EXPECT_EQ(health().state, kReady);
    EXPECT_TRUE(health().reasons.empty());
    ASSERT_EQ(news.size(), 1U);
    EXPECT_FALSE(news[0].bad);
    EXPECT_EQ(news[0].text, "worker 0 turns again");
}

TEST_F(DiagnosisTest, StaysDegradedUntilTheLastReasonIsOver) {
    (void)pass();
    for (int i = 0; i < 10; ++i) (void)pass({0}, false);
    EXPECT_EQ(health().reasons.size(), 2U);
    (void)pass({}, false);
    EXPECT_EQ(health().state, kDegraded);
    EXPECT_EQ(health().reasons.at(0).trouble, Trouble::kStatsCoreBehind);
    (void)pass();
    EXPECT_EQ(health().state, kReady);
}

TEST_F(DiagnosisTest, AWorkerThatNeverBeganIsDegradedAndDoesNotCountAsPolling) {
    for (int i = 0; i < 10; ++i) (void)pass({0});
    EXPECT_EQ(health().state, kDegraded);
    EXPECT_FALSE(diagnosis_.every_worker_polls());
}

TEST_F(DiagnosisTest, AStoreThatCanNotBeWrittenDegradesItAndIsNoSignOfAHungWorker) {
    others_ = {{.trouble = Trouble::kStore, .text = "changes are refused: no space left"}};
    const std::vector<News> news = pass();
    EXPECT_EQ(health().state, kDegraded);
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].text, "degraded: changes are refused: no space left");
    EXPECT_TRUE(diagnosis_.every_worker_polls());
    others_.clear();
    EXPECT_EQ(pass().at(0).text, "the state directory can be written again");
    EXPECT_EQ(health().state, kReady);
}

TEST_F(DiagnosisTest, ALookThatIsLateItselfAccusesNobody) {
    (void)pass();
    EXPECT_TRUE(pass({0, 1}, false, seconds(30)).empty()) << "the whole process was stopped";
    EXPECT_EQ(health().state, kReady);
    EXPECT_TRUE(pass().empty());
    EXPECT_EQ(health().state, kReady);
}

TEST_F(DiagnosisTest, AMachineOnWhichEveryLookIsLateStillNamesAHungWorker) {
    (void)pass();
    (void)pass({0}, true, seconds(1));
    EXPECT_FALSE(pass({0}, true, seconds(1)).empty());
    EXPECT_EQ(health().state, kDegraded);
}

TEST_F(DiagnosisTest, StoppedItIsForGood) {
    (void)pass();
    for (int i = 0; i < 10; ++i) (void)pass({0});
    diagnosis_.stop({now_, wall()});
    EXPECT_EQ(health().state, kStopped);
    EXPECT_TRUE(health().reasons.empty());
    EXPECT_TRUE(pass({0}, true).empty());
    EXPECT_EQ(health().state, kStopped);
}

class WatchdogFeederTest : public testing::Test {
protected:
    bool due(milliseconds later) {
        now_ = now_ + later;
        return feeder_.due(now_, vitals_);
    }
    void all_turn() {
        for (auto& worker : vitals_.workers) ++worker.turns;
        ++vitals_.stats_rounds;
    }

    Instant now_{seconds(1000)};
    Vitals vitals_{{{1, {}, 1}, {2, {}, 1}}, {}, 1};
    WatchdogFeeder feeder_{seconds(2)};
};

TEST_F(WatchdogFeederTest, FeedsFourTimesWithinTheTimeout) {
    EXPECT_TRUE(due(milliseconds(0)));
    all_turn();
    EXPECT_FALSE(due(milliseconds(100)));
    EXPECT_TRUE(due(milliseconds(400)));
}

TEST_F(WatchdogFeederTest, StarvesItWhileOneWorkerDoesNotTurn) {
    ASSERT_TRUE(due(milliseconds(0)));
    for (int i = 0; i < 100; ++i) {
        ++vitals_.workers[0].turns;
        ++vitals_.stats_rounds;
        EXPECT_FALSE(due(milliseconds(100)));
    }
    ++vitals_.workers[1].turns;
    EXPECT_TRUE(due(milliseconds(100)));
}

TEST_F(WatchdogFeederTest, StarvesItWhileTheStatsCoreDoesNotGoRound) {
    ASSERT_TRUE(due(milliseconds(0)));
    for (auto& worker : vitals_.workers) ++worker.turns;
    EXPECT_FALSE(due(seconds(1)));
    ++vitals_.stats_rounds;
    EXPECT_TRUE(due(milliseconds(1)));
}

TEST_F(WatchdogFeederTest, SaysNothingWhereNobodyWatches) {
    WatchdogFeeder nobody{Nanos{0}};
    EXPECT_FALSE(nobody.due(now_, vitals_));
}

}  // namespace
}  // namespace drywall::runtime
