// Connections as people ask for them: grouped, counted, bounded, followed.
#include "drywall/observe/flow_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "flow_events.h"

namespace drywall::observe {
namespace {

using telemetry::FlowEvent;
using telemetry::FlowEventKind;
using test::Cluster;
using test::gnp;

FlowLog::WallClock clock_at(std::int64_t seconds) {
    return [=] { return std::chrono::system_clock::time_point(std::chrono::seconds(seconds)); };
}

TEST(FlowLog, ConnectionsOfTheSameKindAreOneGroup) {
    FlowLog log;
    log.on_event(event(FlowEventKind::kOpened, 1), nullptr);
    net::Tuple other_source_port = tcp_to(80);
    other_source_port.source_port = 40001;
    log.on_event(event(FlowEventKind::kOpened, 2, other_source_port), nullptr);
    log.on_event(event(FlowEventKind::kOpened, 3, tcp_to(443)), nullptr);

    const FlowAnswer answer = log.query({});
    ASSERT_EQ(answer.groups.size(), 2U);
    EXPECT_EQ(answer.groups[0].connections_started, 2U);
    EXPECT_EQ(answer.groups[0].connections_live, 2U);
    EXPECT_EQ(answer.groups[1].destination_port, 443);
}

TEST(FlowLog, TheSameFlowNumberOfTwoWorkersIsTwoConnections) {
    FlowLog log;
    log.on_event(event(FlowEventKind::kOpened, 1), nullptr);
    FlowEvent elsewhere = event(FlowEventKind::kOpened, 1);
    elsewhere.worker = WorkerId{1};
    log.on_event(elsewhere, nullptr);
    EXPECT_EQ(log.query({}).groups.at(0).connections_live, 2U);
}

TEST(FlowLog, AnEndedConnectionBringsItsBytes) {
    FlowLog log(16, 16, clock_at(1000));
    log.on_event(event(FlowEventKind::kOpened, 1), nullptr);
    log.on_event(ended(1, {5, 500}, {4, 4000}), nullptr);

    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_EQ(group.connections_live, 0U);
    EXPECT_EQ(group.connections_completed, 1U);
    EXPECT_EQ(group.forward, (telemetry::PacketsBytes{5, 500}));
    EXPECT_EQ(group.reverse, (telemetry::PacketsBytes{4, 4000}));
    EXPECT_EQ(group.last_seen.time_since_epoch(), std::chrono::seconds(1000));
}

TEST(FlowLog, TheEndOfAConnectionThatNobodySawOpenIsStillCounted) {
    FlowLog log;
    log.on_event(ended(7, {1, 60}, {}), nullptr);
    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_EQ(group.connections_completed, 1U);
    EXPECT_EQ(group.connections_live, 0U);
}

TEST(FlowLog, GroupsCarryNamesAndHitsOfBothWorlds) {
    const auto ruleset = built(web_and_db());
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *ruleset), ruleset.get());

    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_NE(group.source_name.find("web"), std::string::npos);
    EXPECT_NE(group.destination_name.find("db"), std::string::npos);
    EXPECT_EQ(group.enforced, Verdict::kAllow);
    EXPECT_EQ(group.pending, Verdict::kDeny);
    ASSERT_FALSE(group.enforced_hits.empty());
    EXPECT_TRUE(group.enforced_hits.back().ends_with("|default|gnp:db|allow|0")) << group.enforced_hits.back();
    EXPECT_NE(group.pending_hits.back().find("sgnp:no-db"), std::string::npos) << group.pending_hits.back();
}

TEST(FlowLog, ANewGenerationThatDecidesAlikeKeepsTheGroup) {
    const auto first = built(web_and_db(), 1);
    const auto second = built(web_and_db(), 2);
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *first), first.get());
    log.on_event(judged(event(FlowEventKind::kOpened, 2), *second), second.get());
    EXPECT_EQ(log.query({}).groups.size(), 1U);
}

TEST(FlowLog, ARejudgedConnectionMovesToTheGroupOfItsNewDecision) {
    const auto before = built(web_and_db(), 1);
    Cluster changed = web_and_db();
    changed.remove(policy::Kind::kStagedGlobalNetworkPolicy, "no-db");
    const auto after = built(changed, 2);
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *before), before.get());
    log.on_event(judged(event(FlowEventKind::kRejudged, 1), *after), after.get());

    const FlowAnswer answer = log.query({});
    ASSERT_EQ(answer.groups.size(), 2U);
    EXPECT_EQ(answer.groups[0].connections_live, 0U);
    EXPECT_EQ(answer.groups[0].connections_started, 1U);
    EXPECT_EQ(answer.groups[1].pending, Verdict::kAllow);
    EXPECT_EQ(answer.groups[1].connections_live, 1U);
    EXPECT_EQ(answer.groups[1].connections_started, 0U);
}

TEST(FlowLog, ACutConnectionEndsWhereItLivedAndItsPacketCountsAsDenied) {
    const auto before = built(web_and_db(), 1);
    Cluster changed = web_and_db();
    changed.remove(policy::Kind::kGlobalNetworkPolicy, "db").add(gnp("closed").selects("app == 'db'"));
    const auto after = built(changed, 2);
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *before), before.get());
    log.on_event(judged(event(FlowEventKind::kCut, 1), *after), after.get());

    const FlowAnswer answer = log.query({});
    ASSERT_EQ(answer.groups.size(), 2U);
    EXPECT_EQ(answer.groups[0].enforced, Verdict::kAllow);
    EXPECT_EQ(answer.groups[0].connections_live, 0U);
    EXPECT_EQ(answer.groups[0].connections_completed, 1U);
    EXPECT_EQ(answer.groups[1].enforced, Verdict::kDeny);
    EXPECT_EQ(answer.groups[1].connections_started, 1U);
}

TEST(FlowLog, QueriesFilterByEitherWorldAndByDisagreement) {
    const auto ruleset = built(web_and_db());
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *ruleset), ruleset.get());
    log.on_event(judged(event(FlowEventKind::kDenied, 0, tcp_to(22)), *ruleset), ruleset.get());

    EXPECT_EQ(log.query({.pending = Verdict::kDeny}).groups.size(), 2U);
    EXPECT_EQ(log.query({.enforced = Verdict::kAllow, .pending = Verdict::kDeny}).groups.size(), 1U);
    EXPECT_EQ(log.query({.only_differing = true}).groups.at(0).destination_port, 80);
    EXPECT_EQ(log.query({.pending = Verdict::kAllow}).groups.size(), 0U);
}

TEST(FlowLog, FollowersSeeOnlyWhatChangedSinceTheirCursor) {
    FlowLog log;
    log.on_event(event(FlowEventKind::kOpened, 1), nullptr);
    log.on_event(event(FlowEventKind::kOpened, 2, tcp_to(443)), nullptr);
    const FlowAnswer first = log.query({});
    EXPECT_EQ(log.query({.after_sequence = first.next_sequence}).groups.size(), 0U);

    log.on_event(event(FlowEventKind::kOpened, 3), nullptr);
    const FlowAnswer second = log.query({.after_sequence = first.next_sequence});
    ASSERT_EQ(second.groups.size(), 1U);
    EXPECT_EQ(second.groups[0].connections_started, 2U);
}

TEST(FlowLog, ALimitedAnswerGoesOnWhereItStopped) {
    FlowLog log;
    for (std::uint16_t port = 1; port <= 10; ++port)
        log.on_event(event(FlowEventKind::kOpened, port, tcp_to(port)), nullptr);
    FlowQuery query{.limit = 4};
    std::size_t seen = 0;
    for (FlowAnswer answer = log.query(query); !answer.groups.empty(); answer = log.query(query)) {
        seen += answer.groups.size();
        query.after_sequence = answer.next_sequence;
    }
    EXPECT_EQ(seen, 10U);
}

TEST(FlowLog, TheLatestAreThoseThatChangedLast) {
    FlowLog log;
    for (std::uint16_t port = 1; port <= 10; ++port)
        log.on_event(event(FlowEventKind::kOpened, port, tcp_to(port)), nullptr);
    const FlowAnswer answer = log.query({.limit = 2, .latest = true});
    ASSERT_EQ(answer.groups.size(), 2U);
    EXPECT_EQ(answer.groups[0].destination_port, 9);
    EXPECT_EQ(answer.groups[1].destination_port, 10);
    EXPECT_TRUE(log.query({.after_sequence = answer.next_sequence}).groups.empty());
}

TEST(FlowLog, TheQuietestGroupMakesRoomAndIsCounted) {
    FlowLog log(2);
    log.on_event(event(FlowEventKind::kOpened, 1, tcp_to(1)), nullptr);
    log.on_event(event(FlowEventKind::kOpened, 2, tcp_to(2)), nullptr);
    log.on_event(event(FlowEventKind::kOpened, 3, tcp_to(1)), nullptr);  // now port 2 is the quiet one
    log.on_event(event(FlowEventKind::kOpened, 4, tcp_to(3)), nullptr);

    const FlowAnswer answer = log.query({});
    ASSERT_EQ(answer.groups.size(), 2U);
    EXPECT_EQ(answer.groups[0].destination_port, 1);
    EXPECT_EQ(answer.groups[1].destination_port, 3);
    EXPECT_EQ(answer.evicted, 1U);
}

TEST(FlowLog, AConnectionOutlivesTheGroupThatWasForgotten) {
    FlowLog log(1);
    log.on_event(event(FlowEventKind::kOpened, 1, tcp_to(80)), nullptr);
    log.on_event(event(FlowEventKind::kOpened, 2, tcp_to(443)), nullptr);
    log.on_event(ended(1, {1, 60}, {1, 60}), nullptr);
    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_EQ(group.destination_port, 80);
    EXPECT_EQ(group.connections_live, 0U);
    EXPECT_EQ(group.connections_completed, 1U);
}

TEST(FlowLog, BeyondTheBoundTheOldestConnectionIsNoLongerLive) {
    FlowLog log(16, 2);
    for (std::uint64_t flow = 1; flow <= 5; ++flow) log.on_event(event(FlowEventKind::kOpened, flow), nullptr);
    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_EQ(group.connections_started, 5U);
    EXPECT_EQ(group.connections_live, 2U);
}

TEST(FlowLog, LostRecordsStandBesideEveryAnswer) {
    FlowLog log;
    log.on_lost(3);
    log.on_lost(4);
    EXPECT_EQ(log.query({}).lost, 7U);
}

TEST(FlowLog, WaitingEndsWithTheChangeThatWasWaitedFor) {
    FlowLog log;
    std::thread writer([&] {
        log.on_event(event(FlowEventKind::kOpened, 1, tcp_to(443)), nullptr);
        log.on_event(event(FlowEventKind::kDenied, 0, tcp_to(22)), nullptr);
    });
    const FlowAnswer answer = log.wait({.enforced = Verdict::kDeny}, std::chrono::minutes(5));
    writer.join();
    ASSERT_EQ(answer.groups.size(), 1U);
    EXPECT_EQ(answer.groups[0].destination_port, 22);
}

TEST(FlowLog, WaitingForNothingAnswersAtTheTimeout) {
    const FlowLog log;
    EXPECT_TRUE(log.wait({}, std::chrono::milliseconds(0)).groups.empty());
}

TEST(FlowLog, ALongConnectionIsSeenToGrow) {
    TestClock clock;
    FlowLog log(16, 16, clock.clock());
    log.on_event(counted(FlowEventKind::kOpened, 1, {1, 60}, {}), nullptr);
    clock.pass(std::chrono::seconds(10));
    log.on_event(counted(FlowEventKind::kProgress, 1, {5, 500}, {4, 4000}), nullptr);
    FlowGroup group = log.query({}).groups.at(0);
    EXPECT_EQ(group.forward, (telemetry::PacketsBytes{5, 500}));
    EXPECT_EQ(group.reverse, (telemetry::PacketsBytes{4, 4000}));
    EXPECT_EQ(group.connections_live, 1U);
    EXPECT_EQ(group.last_seen, clock.now());

    log.on_event(ended(1, {7, 700}, {5, 5000}), nullptr);
    group = log.query({}).groups.at(0);
    EXPECT_EQ(group.forward, (telemetry::PacketsBytes{7, 700}));
    EXPECT_EQ(group.reverse, (telemetry::PacketsBytes{5, 5000}));
    EXPECT_EQ(group.connections_live, 0U);
}

TEST(FlowLog, WhatAConnectionCountedBeforeItWasJudgedAgainStaysWhereItWasCounted) {
    const auto before = built(web_and_db(), 1);
    Cluster changed = web_and_db();
    changed.remove(policy::Kind::kStagedGlobalNetworkPolicy, "no-db");
    const auto after = built(changed, 2);
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *before), before.get());
    log.on_event(judged(counted(FlowEventKind::kRejudged, 1, {3, 300}, {2, 200}), *after), after.get());
    log.on_event(judged(ended(1, {5, 500}, {3, 300}), *after), after.get());
    const FlowAnswer answer = log.query({});
    ASSERT_EQ(answer.groups.size(), 2U);
    EXPECT_EQ(answer.groups[0].forward, (telemetry::PacketsBytes{3, 300}));
    EXPECT_EQ(answer.groups[1].forward, (telemetry::PacketsBytes{2, 200}));
    EXPECT_EQ(answer.groups[1].reverse, (telemetry::PacketsBytes{1, 100}));
}

TEST(FlowLog, ProgressOfAConnectionThatNobodySawOpenMakesItLive) {
    FlowLog log;
    log.on_event(counted(FlowEventKind::kProgress, 9, {10, 1000}, {}), nullptr);
    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_EQ(group.connections_live, 1U);
    EXPECT_EQ(group.connections_started, 0U);
    EXPECT_EQ(group.forward.packets, 10U);
}

TEST(FlowLog, AConnectionThatClosedIsNotLiveThoughItsEndIsYetToCome) {
    FlowLog log;
    for (const std::uint64_t flow : {1U, 2U}) log.on_event(event(FlowEventKind::kOpened, flow), nullptr);
    FlowEvent closing = counted(FlowEventKind::kProgress, 1, {5, 500}, {4, 400});
    closing.closed = true;
    for (int repeated = 0; repeated < 2; ++repeated) log.on_event(closing, nullptr);
    EXPECT_EQ(log.query({}).groups.at(0).connections_live, 1U);
    EXPECT_EQ(log.query({}).groups.at(0).connections_completed, 0U);

    closing.kind = FlowEventKind::kEnded;
    log.on_event(closing, nullptr);
    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_EQ(group.connections_live, 1U);
    EXPECT_EQ(group.connections_completed, 1U);
    EXPECT_EQ(group.forward.packets, 5U);
}

TEST(FlowLog, PartiesAndHitsAreTakenApart) {
    const auto ruleset = built(web_and_db());
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *ruleset), ruleset.get());
    log.on_event(judged(event(FlowEventKind::kDenied, 0, tcp_to(22, "10.9.9.9")), *ruleset), ruleset.get());
    const FlowAnswer answer = log.query({});
    const FlowGroup& allowed = answer.groups.at(0);
    EXPECT_EQ(allowed.source_party->type, PartyType::kWorkload);
    EXPECT_EQ(allowed.source_party->labels.at("app"), "web");
    EXPECT_EQ(allowed.source_port, 40000);
    EXPECT_FALSE(allowed.ingress_port.empty());
    EXPECT_EQ(allowed.decision->drop_reason, DropReason::kNone);
    EXPECT_EQ(allowed.decision->enforced_hits.back().policy.name, "db");
    EXPECT_EQ(allowed.decision->pending_hits.back().policy.kind, "StagedGlobalNetworkPolicy");
    const FlowGroup& denied = answer.groups.at(1);
    EXPECT_EQ(denied.source_party->type, PartyType::kNetwork);
    EXPECT_EQ(denied.decision->drop_reason, DropReason::kPolicyDeny);
    EXPECT_EQ(denied.decision->enforced_hits.back().policy.kind, "EndOfTier");
    EXPECT_EQ(denied.decision->enforced_hits.back().trigger->name, "db");
}

TEST(FlowLog, AGroupWhoseGenerationWasGoneIsUncertain) {
    FlowLog log;
    log.on_event(event(FlowEventKind::kOpened, 1), nullptr);
    const FlowGroup group = log.query({}).groups.at(0);
    EXPECT_TRUE(group.uncertain());
    EXPECT_TRUE(has(group.doubt, Doubt::kHitsUnknown));
}

TEST(FlowLog, LossesMakeTheGroupsOfTheirTimeUncertainAndNoOthers) {
    const auto ruleset = built(web_and_db());
    TestClock clock;
    FlowLog log(16, 16, clock.clock());
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *ruleset), ruleset.get());
    clock.pass(std::chrono::seconds(10));
    log.on_lost(7);
    clock.pass(std::chrono::seconds(10));
    log.on_event(judged(event(FlowEventKind::kOpened, 2), *ruleset), ruleset.get());
    log.on_event(judged(event(FlowEventKind::kDenied, 0, tcp_to(22)), *ruleset), ruleset.get());
    const FlowAnswer answer = log.query({});
    EXPECT_EQ(answer.groups.at(0).lost, 7U);
    EXPECT_TRUE(has(answer.groups.at(0).doubt, Doubt::kRecordsLost));
    EXPECT_EQ(answer.groups.at(1).lost, 0U);
    EXPECT_FALSE(answer.groups.at(1).uncertain());
}

TEST(FlowLog, WhatANewerGenerationDecidesOtherwiseIsUncertain) {
    const auto first = built(web_and_db(), 1);
    Cluster changed = web_and_db();
    changed.remove(policy::Kind::kStagedGlobalNetworkPolicy, "no-db");
    const auto second = built(changed, 2);
    FlowLog log;
    log.on_event(judged(event(FlowEventKind::kOpened, 1), *first), first.get());
    log.on_event(judged(event(FlowEventKind::kOpened, 2, tcp_to(80, "10.9.9.9")), *second), second.get());
    std::vector<FlowGroup> groups = log.query({}).groups;
    mark_changed(groups, *first);
    EXPECT_FALSE(groups.at(0).uncertain());
    mark_changed(groups, *second);
    EXPECT_TRUE(has(groups.at(0).doubt, Doubt::kPolicyChanged));
}

TEST(FlowLog, ASpanCountsWhatHappenedInItAlone) {
    TestClock clock;
    FlowLog log(16, 16, clock.clock());
    const WallTime begin = clock.now();
    for (std::uint64_t flow = 1; flow <= 10; ++flow) {
        log.on_event(event(FlowEventKind::kOpened, flow), nullptr);
        clock.pass(std::chrono::seconds(2));
    }
    const auto started = [&](std::optional<WallTime> since, std::optional<WallTime> until) {
        const FlowAnswer answer = log.query({.since = since, .until = until});
        return answer.groups.empty() ? 0U : answer.groups.at(0).connections_started;
    };
    using std::chrono::seconds;
    EXPECT_EQ(started(begin, {}), 10U);
    EXPECT_EQ(started(begin + seconds(10), {}), 5U);
    EXPECT_EQ(started({}, begin + seconds(10)), 5U);
    EXPECT_EQ(started(begin + seconds(4), begin + seconds(8)), 2U);
    EXPECT_EQ(started(clock.now() - seconds(1), {}), 0U);
    EXPECT_TRUE(log.query({.since = begin - seconds(60)}).reaches_back_to.has_value());
}

TEST(FlowLog, WhatAForgottenGroupCountedIsInItsSpanStill) {
    TestClock clock;
    FlowLog log(1, 16, clock.clock());
    const WallTime begin = clock.now();
    for (std::uint16_t port = 1; port <= 20; ++port) {
        log.on_event(event(FlowEventKind::kDenied, 0, tcp_to(port)), nullptr);
        clock.pass(std::chrono::milliseconds(300));
    }
    EXPECT_EQ(log.query({}).groups.size(), 1U);
    const FlowAnswer answer = log.query({.since = begin});
    EXPECT_EQ(answer.groups.size(), 20U);
    for (const FlowGroup& group : answer.groups) EXPECT_EQ(group.connections_started, 1U);
}

TEST(FlowLog, AFollowerIsToldHowManyGroupsItMissed) {
    FlowLog log(2);
    log.on_event(event(FlowEventKind::kOpened, 1, tcp_to(1)), nullptr);
    const std::uint64_t cursor = log.query({}).next_sequence;
    for (std::uint16_t port = 2; port <= 6; ++port)
        log.on_event(event(FlowEventKind::kOpened, port, tcp_to(port)), nullptr);
    const FlowAnswer answer = log.query({.after_sequence = cursor});
    EXPECT_EQ(answer.groups.size(), 2U);
    EXPECT_GE(answer.missed, 3U);
    EXPECT_EQ(log.query({.after_sequence = answer.next_sequence}).missed, 0U);
}

}  // namespace
}  // namespace drywall::observe
