// A change that nobody confirms in time is taken back, whatever the clocks do.
#include "drywall/control/confirmation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drywall::control {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kNoon = std::chrono::system_clock::time_point{} + 400'000h;

Moment moment(Nanos since, std::chrono::system_clock::duration wall_jump = {}, std::string boot = "boot-1") {
    return {kNoon + std::chrono::duration_cast<std::chrono::system_clock::duration>(since) + wall_jump, 1000s + since,
            std::move(boot)};
}

PendingChange change(std::vector<TripWire> wires = {}) {
    return {.generation = Generation{43},
            .previous = Generation{42},
            .deadline = {moment(0s), 60s},
            .who = {4711, 1000, 1000},
            .trip_wires = std::move(wires)};
}

Confirmation armed(std::vector<TripWire> wires = {}) {
    Confirmation confirmation;
    confirmation.arm(change(std::move(wires)));
    return confirmation;
}

TEST(Deadline, PassesByTheBootClockAloneWithinOneBoot) {
    const Deadline deadline{moment(0s), 60s};
    EXPECT_EQ(deadline.left(moment(20s)), 40s);
    EXPECT_FALSE(deadline.passed(moment(59s, 24h))) << "the wall clock was set forward";
    EXPECT_TRUE(deadline.passed(moment(60s, -24h))) << "the wall clock was set back";
}

TEST(Deadline, PassesByTheWallClockAfterAReboot) {
    const Deadline deadline{moment(0s), 60s};
    Moment later = moment(20s, {}, "boot-2");
    later.boot = 3s;
    EXPECT_EQ(deadline.left(later), 40s);
    EXPECT_TRUE(deadline.passed(moment(61s, {}, "boot-2")));
}

TEST(Deadline, AWallClockBeforeItWasSetProvesNothingAfterAReboot) {
    EXPECT_TRUE((Deadline{moment(0s), 60s}).passed(moment(10s, -1h, "boot-2")));
}

TEST(Deadline, IsShownByTheWallClockAsItStands) {
    const Deadline deadline{moment(0s), 60s};
    EXPECT_EQ(deadline.at(moment(20s, 1h)), kNoon + 1min + 1h);
}

TEST(Confirmation, KeepsTheChangeWhenSaidOverANewConnection) {
    Confirmation confirmation = armed();
    ASSERT_TRUE(confirmation.confirm(1005s, moment(10s)));
    EXPECT_EQ(confirmation.state(), ConfirmationState::kConfirmed);
    EXPECT_FALSE(confirmation.due(moment(3600s), {}));
}

TEST(Confirmation, DoesNotCountOverAConnectionThatIsOlderThanTheChange) {
    Confirmation confirmation = armed();
    const Status said = confirmation.confirm(999s, moment(10s));
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(said.error().text(), HasSubstr("new connection"));
    EXPECT_TRUE(confirmation.armed());
}

TEST(Confirmation, ComesTooLateAfterTheDeadline) {
    Confirmation confirmation = armed();
    const Status said = confirmation.confirm(1005s, moment(60s));
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().kind, ErrorKind::kConflict);
}

TEST(Confirmation, IsDueAtItsDeadlineAndOnlyOnce) {
    Confirmation confirmation = armed();
    EXPECT_FALSE(confirmation.due(moment(59s), {}));
    EXPECT_TRUE(confirmation.due(moment(60s), {}));
    EXPECT_EQ(confirmation.state(), ConfirmationState::kExpired);
    EXPECT_FALSE(confirmation.due(moment(61s), {}));
    const Status late = confirmation.confirm(1061s, moment(61s));
    ASSERT_FALSE(late);
    EXPECT_THAT(late.error().text(), HasSubstr("generation 43 was taken back: nobody confirmed it in time"));
}

TEST(Confirmation, OfAnotherGenerationIsAConflict) {
    Confirmation confirmation = armed();
    const Status said = confirmation.confirm(1005s, moment(10s), Generation{41});
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().kind, ErrorKind::kConflict);
    EXPECT_TRUE(confirmation.armed());
}

TEST(Confirmation, OfNothingIsNotFound) {
    Confirmation confirmation;
    EXPECT_EQ(confirmation.confirm(1005s, moment(10s)).error().kind, ErrorKind::kNotFound);
    EXPECT_FALSE(confirmation.due(moment(10s), {}));
}

TEST(Confirmation, TripsBeforeItsDeadlineWithTheCause) {
    Confirmation confirmation = armed({{WatchedSign::kNewlyDenied, 0}});
    EXPECT_FALSE(confirmation.due(moment(1s), {}));
    const auto cause = confirmation.due(moment(2s), {.newly_denied = 2, .examples = {"tcp 10.0.0.1 > 10.1.0.9:443"}});
    ASSERT_TRUE(cause);
    EXPECT_EQ(*cause, "newly-denied>0: 2 connection(s) newly denied, tcp 10.0.0.1 > 10.1.0.9:443");
    EXPECT_EQ(confirmation.state(), ConfirmationState::kTripped);
}

TEST(Confirmation, CanBeArmedAgainAfterItsEnd) {
    Confirmation confirmation = armed();
    confirmation.take_back(ConfirmationState::kWithdrawn, "rollback");
    EXPECT_FALSE(confirmation.armed());
    confirmation.arm(change());
    EXPECT_TRUE(confirmation.armed());
    EXPECT_EQ(confirmation.cause(), "");
}

TEST(TripWires, AreReadAsTheyAreWritten) {
    const auto wires = parse_trip_wires("newly-denied>0,drops>1000,worker-stalled");
    ASSERT_TRUE(wires) << wires.error().text();
    std::vector<std::string> texts;
    for (const TripWire& wire : *wires) texts.push_back(wire.text());
    EXPECT_THAT(texts, testing::ElementsAre("newly-denied>0", "drops>1000", "worker-stalled"));
}

TEST(TripWires, ThatMeanNothingAreRefusedWithWhatThereIs) {
    for (const char* text :
         {"", "newly-denied", "drops>", "drops>x", "drops>-1", "worker-stalled>1", "rain>0", "drops>1,"})
        EXPECT_THAT(parse_trip_wires(text).error().text(), HasSubstr("newly-denied>N, drops>N or worker-stalled"))
            << text;
}

TEST(TripWires, TearAboveTheirNumberOnly) {
    const std::vector<TripWire> wires{{WatchedSign::kDrops, 10}, {WatchedSign::kWorkerStalled, 0}};
    EXPECT_FALSE(torn(wires, {.drops = 10}));
    EXPECT_THAT(*torn(wires, {.drops = 11}), HasSubstr("drops>10"));
    EXPECT_THAT(*torn(wires, {.workers_stalled = 1}), HasSubstr("worker-stalled"));
}

}  // namespace
}  // namespace drywall::control
