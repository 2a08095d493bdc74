// Connections as people ask for them: grouped, counted, bounded, followed.
#include "drywall/observe/flow_log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>

#include "cluster.h"
#include "packets.h"

namespace drywall::observe {
namespace {

using telemetry::FlowEvent;
using telemetry::FlowEventKind;
using test::allow;
using test::Cluster;
using test::deny;
using test::gnp;
using test::sgnp;

FlowLog::WallClock clock_at(std::int64_t seconds) {
    return [=] { return std::chrono::system_clock::time_point(std::chrono::seconds(seconds)); };
}

net::Tuple tcp_to(std::uint16_t port, std::string_view from = "10.0.0.1") {
    net::Tuple tuple;
    tuple.source = net::Address::parse(from)->bytes;
    tuple.destination = net::Address::parse("10.1.0.1")->bytes;
    tuple.protocol = net::protocol::kTcp;
    tuple.source_port = 40000;
    tuple.destination_port = port;
    return tuple;
}

FlowEvent event(FlowEventKind kind, std::uint64_t flow, const net::Tuple& tuple = tcp_to(80)) {
    FlowEvent out;
    out.kind = kind;
    out.flow = flow;
    out.tuple = tuple;
    return out;
}

FlowEvent ended(std::uint64_t flow, telemetry::PacketsBytes forward, telemetry::PacketsBytes reverse) {
    FlowEvent out = event(FlowEventKind::kEnded, flow);
    out.forward = forward;
    out.reverse = reverse;
    return out;
}

// The event as a worker would send it under this ruleset.
FlowEvent judged(FlowEvent event, const ruleset::Ruleset& ruleset) {
    event.trace = ruleset.classify(event.tuple);
    event.generation = ruleset.generation();
    return event;
}

// web may reach db on TCP 80; a staged policy would take that away.
Cluster web_and_db() {
    Cluster cluster;
    cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.1", {{"app", "db"}});
    cluster.add(gnp("db").selects("app == 'db'").ingress(allow().tcp(80)));
    cluster.add(sgnp("no-db").order(1).selects("app == 'db'").ingress(deny()));
    return cluster;
}

std::shared_ptr<const ruleset::Ruleset> built(Cluster cluster, std::uint64_t generation = 1) {
    auto ruleset =
        ruleset::Ruleset::build(static_cast<Generation>(generation), cluster.inventory(), cluster.surroundings());
    if (!ruleset) {
        ADD_FAILURE() << ruleset.error().text();
        std::abort();
    }
    return *ruleset;
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

}  // namespace
}  // namespace drywall::observe
