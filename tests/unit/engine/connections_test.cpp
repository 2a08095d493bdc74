// What an engine does with connections: who is judged, who follows, what a new generation changes.

#include <gtest/gtest.h>

#include "rulesets.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using std::chrono::seconds;
using telemetry::FlowEventKind;
using test::icmp_echo;
using test::Packet;
using test::tcp;
using test::udp;
using Drops = std::vector<DropReason>;
using Kinds = std::vector<FlowEventKind>;

constexpr DropReason kPass = DropReason::kNone;
constexpr DropReason kDeny = DropReason::kPolicyDeny;

Packet request() { return tcp().syn().from("10.0.0.1", 40000).to("10.1.0.9", 8080); }
Packet answer() { return request().reply().flags(0).syn().ack().entering(1); }
Packet query() { return udp().from("10.0.0.1", 5000).to("10.1.0.9", 53); }

TEST(Connections, TheFirstPacketIsJudged) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.send(request()), kPass);
    EXPECT_EQ(wire.last_decision().egress, PortId{1});
    EXPECT_EQ(wire.send(request().to("10.1.0.9", 22)), kDeny);
    EXPECT_EQ(wire.engine().flow_count(), 1U);
    wire.expect_all_accounted();
}

TEST(Connections, RepliesPassWithoutARuleOfTheirOwn) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.send(answer()), kDeny);  // nobody asked
    EXPECT_EQ(wire.send(request()), kPass);
    EXPECT_EQ(wire.send(answer()), kPass);
    EXPECT_EQ(wire.last_decision().egress, PortId{0});
    wire.expect_all_accounted();
}

TEST(Connections, H11WhatAnUntrackedPolicyAllowsOpensNoneAndItsRepliesAreNew) {
    Wire wire(build(1, with_untracked_host()));
    const Packet ask = query().to("10.1.0.7", 53);
    EXPECT_EQ(wire.send(ask), kPass);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    EXPECT_EQ(wire.send(ask.reply().entering(1)), kDeny);

    policy::Inventory answered = with_untracked_host();
    policy::Policy raw = std::get<policy::Policy>(*answered.at({policy::Kind::kGlobalNetworkPolicy, "", "raw"}));
    raw.egress_type = true;
    raw.egress.emplace_back().action = Action::kAllow;
    add(answered, raw);
    policy::Policy client = ingress_policy("client-in", "client", {rule(Action::kAllow, 17)});
    add(answered, client);
    wire.use(build(2, answered));
    EXPECT_EQ(wire.send(ask.reply().entering(1)), kPass);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    wire.expect_all_accounted();
}

TEST(Connections, AConnectionEndsWhereANewGenerationNoLongerTracksIt) {
    policy::Inventory tracked = with_untracked_host();
    policy::Policy raw = std::get<policy::Policy>(*tracked.at({policy::Kind::kGlobalNetworkPolicy, "", "raw"}));
    raw.do_not_track = false;
    add(tracked, raw);
    Wire wire(build(1, tracked));
    const Packet ask = query().to("10.1.0.7", 53);
    EXPECT_EQ(wire.send(ask), kPass);
    EXPECT_EQ(wire.engine().flow_count(), 1U);
    wire.use(build(2, with_untracked_host()));
    EXPECT_EQ(wire.send(ask), kPass);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    wire.expect_all_accounted();
}

TEST(Connections, UdpAndPingRepliesPassToo) {
    Wire wire(build(1, guarded()));
    for (const Packet& ask : {query(), icmp_echo().from("10.0.0.1").to("10.1.0.9").id(7),
                              icmp_echo().from("2001:db8::1").to("2001:db8:1::9").id(7)}) {
        EXPECT_EQ(wire.send(ask.reply().entering(1)), kDeny);
        EXPECT_EQ(wire.send(ask), kPass);
        EXPECT_EQ(wire.send(ask.reply().entering(1)), kPass);
    }
    wire.expect_all_accounted();
}

TEST(Connections, ARequestInTheOtherDirectionIsNotAReply) {
    Wire wire(build(1, guarded()));
    const Packet ping = icmp_echo().from("10.0.0.1").to("10.1.0.9").id(7);
    EXPECT_EQ(wire.send(ping), kPass);
    EXPECT_EQ(wire.send(icmp_echo().from("10.1.0.9").to("10.0.0.1").id(7).entering(1)), kDeny);
}

TEST(Connections, ThePacketFromTheWrongSideDoesNotRideOnAConnection) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.send(request()), kPass);
    EXPECT_EQ(wire.send(answer().entering(0)), kDeny);
}

TEST(Connections, AnUnaskedEchoReplyOpensNoConnection) {
    Wire wire(build(1, two_workloads()));
    EXPECT_EQ(wire.send(test::icmp_reply().from("10.1.0.9").to("10.0.0.1").id(7).entering(1)), kPass);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    EXPECT_TRUE(wire.events().empty());
}

TEST(Connections, TwoPacketsOfANewConnectionInOneBurstOpenOne) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.burst({query(), query(), query().reply().entering(1)}), (Drops{kPass, kPass, kPass}));
    EXPECT_EQ(wire.engine().flow_count(), 1U);
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kOpened});
    EXPECT_EQ(wire.judged(), 3U);
}

TEST(Connections, TheReplyBeforeTheRequestInOneBurstIsJudgedByItself) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.burst({query().reply().entering(1), query()}), (Drops{kDeny, kPass}));
}

TEST(Connections, AllPacketsOfAConnectionCountUnderItsTrace) {
    Wire wire(build(1, guarded()));
    (void)wire.send(query());
    const TraceId trace = wire.events()[0].trace;
    (void)wire.send(query().reply().entering(1));
    EXPECT_EQ(wire.traces().read(trace).packets, 2U);
    EXPECT_EQ(wire.traces().read(trace).bytes, 2 * query().bytes().size());
}

TEST(Connections, ASilentConnectionEndsAndItsNextPacketIsJudgedAnew) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.send(query()), kPass);
    wire.pass(seconds(120));
    EXPECT_EQ(wire.send(query().reply().entering(1)), kDeny);
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kEnded, FlowEventKind::kDenied}));
    EXPECT_EQ(wire.engine().flow_count(), 0U);
}

TEST(Connections, TheSweepEndsSilentConnections) {
    Wire wire(build(1, guarded()));
    for (std::uint16_t port = 1; port <= 200; ++port) ASSERT_EQ(wire.send(query().from("10.0.0.1", port)), kPass);
    EXPECT_TRUE(wire.sweep_all().empty());
    wire.pass(seconds(120));
    EXPECT_EQ(wire.sweep_all().size(), 200U);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    EXPECT_EQ(wire.counters().flows_ended.read(), 200U);
}

TEST(Connections, SynAfterFinIsJudgedAnew) {
    Wire wire(build(1, guarded()));
    const Packet fin = request().flags(0).fin().ack();
    EXPECT_EQ(wire.burst({request(), answer(), fin, fin.reply().entering(1)}), (Drops{kPass, kPass, kPass, kPass}));
    EXPECT_EQ(wire.send(request().reply().entering(1)), kDeny);  // a SYN from the server: nobody allows that
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kEnded, FlowEventKind::kDenied}));
    EXPECT_EQ(wire.send(request()), kPass);
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kOpened});
}

TEST(Connections, CloseAndReopenWithinOneBurstAreTwoConnections) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.burst({request(), request().flags(0).rst(), request()}), (Drops{kPass, kPass, kPass}));
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kOpened, FlowEventKind::kEnded, FlowEventKind::kOpened}));
    EXPECT_EQ(wire.engine().flow_count(), 1U);
}

TEST(Connections, AFullTableDropsNewConnectionsOnly) {
    EngineSettings settings = Wire::default_settings();
    settings.flow_capacity = 2;
    Wire wire(build(1, guarded()), settings);
    const auto from = [](std::uint16_t port) { return query().from("10.0.0.1", port); };
    for (const std::uint16_t port : {1, 2})
        EXPECT_EQ(wire.burst({from(port), from(port).reply().entering(1)}), (Drops{kPass, kPass}));
    EXPECT_EQ(wire.send(from(3)), DropReason::kFlowTableFull);
    EXPECT_EQ(wire.send(from(1)), kPass);
    EXPECT_EQ(wire.judged(), 6U);  // policy allowed the third query: it is counted there too
    wire.expect_all_accounted();
}

TEST(NewGeneration, AConnectionThatIsStillAllowedStaysAndIsReported) {
    Wire wire(build(1, guarded()));
    (void)wire.send(request());
    const std::uint64_t flow = wire.events()[0].flow;
    wire.use(build(2, guarded()));
    EXPECT_EQ(wire.send(answer()), kPass);  // judged as the client's request: by itself it would be denied
    ASSERT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kRejudged});
    EXPECT_EQ(wire.events()[0].flow, flow);
    EXPECT_EQ(wire.events()[0].generation, Generation{2});
    EXPECT_EQ(wire.events()[0].tuple, request().tuple());
    EXPECT_EQ(wire.send(request()), kPass);
    EXPECT_TRUE(wire.events().empty());
    EXPECT_EQ(wire.counters().flows_rejudged.read(), 1U);
    wire.expect_all_accounted();
}

TEST(NewGeneration, AConnectionThatIsNowDeniedIsCut) {
    Wire wire(build(1, guarded()));
    (void)wire.send(request());
    wire.use(build(2, locked()));
    EXPECT_EQ(wire.burst({answer(), request()}), (Drops{kDeny, kDeny}));
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kCut, FlowEventKind::kDenied}));
    EXPECT_EQ(wire.counters().flows_ended.read(), 1U);
    wire.expect_all_accounted();
}

// Whom the server may ask and nobody may ask the server: what it sends is allowed, by itself.
policy::Inventory only_the_server_is_locked() {
    policy::Inventory inventory = two_workloads();
    add(inventory, ingress_policy("server-in", "server", {}));
    return inventory;
}

class CutTest : public testing::Test {
protected:
    CutTest() {
        EXPECT_EQ(wire_.burst({request(), answer(), from_client(), from_server()}),
                  (Drops{kPass, kPass, kPass, kPass}));
        wire_.use(build(2, only_the_server_is_locked()));
        EXPECT_EQ(wire_.send(from_client()), kDeny);
        EXPECT_EQ(wire_.event_kinds(), Kinds{FlowEventKind::kCut});
    }
    static Packet from_client() { return request().flags(0).ack().payload(10); }
    static Packet from_server() { return from_client().reply().entering(1); }

    Wire wire_{build(1, two_workloads())};
};

TEST_F(CutTest, TheRespondersNextSegmentDoesNotOpenTheConnectionTheOtherWayRound) {
    EXPECT_EQ(wire_.burst({from_server(), from_client(), from_server()}), (Drops{kDeny, kDeny, kDeny}));
    EXPECT_EQ(wire_.event_kinds(), (Kinds{FlowEventKind::kDenied, FlowEventKind::kDenied, FlowEventKind::kDenied}));
    EXPECT_EQ(wire_.events()[0].tuple, request().tuple()) << "by whom it was opened";
    EXPECT_EQ(wire_.last_decision().trace, wire_.events()[2].trace);
    EXPECT_EQ(wire_.counters().flows_opened.read(), 1U);
    wire_.expect_all_accounted();
}

TEST_F(CutTest, ItGoesOnWhereALaterPolicyAllowsItAgain) {
    wire_.use(build(3, only_the_server_is_locked()));
    EXPECT_EQ(wire_.send(from_server()), kDeny);
    wire_.use(build(4, two_workloads()));
    EXPECT_EQ(wire_.burst({from_client(), from_server()}), (Drops{kPass, kPass}));
    EXPECT_EQ(wire_.event_kinds(), Kinds{FlowEventKind::kOpened});
    EXPECT_EQ(wire_.engine().flow_count(), 1U);
    wire_.expect_all_accounted();
}

TEST_F(CutTest, ASynIsJudgedByItself) {
    EXPECT_EQ(wire_.send(request()), kDeny);
    EXPECT_EQ(wire_.send(request().reply().entering(1)), kPass) << "the server asks";
    EXPECT_EQ(wire_.engine().flow_count(), 1U);
    wire_.expect_all_accounted();
}

TEST_F(CutTest, WhatIsRememberedEndsWithoutASecondReport) {
    wire_.pass(seconds(8000));
    EXPECT_TRUE(wire_.sweep_all().empty());
    EXPECT_EQ(wire_.engine().flow_count(), 0U);
    EXPECT_EQ(wire_.counters().flows_ended.read(), 1U);
}

TEST_F(CutTest, AnErrorAboutItIsJudgedByItself) {
    (void)wire_.send(test::unreachable(from_server()).from("10.0.0.1"));
    EXPECT_EQ(wire_.counters().related_passed.read().packets, 0U);
    wire_.expect_all_accounted();
}

TEST(NewGeneration, AStagedPolicyCutsNothing) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.burst({request(), query()}), (Drops{kPass, kPass}));
    wire.use(build(2, guarded_with_staged_lock()));
    EXPECT_EQ(wire.burst({answer(), query()}), (Drops{kPass, kPass}));
    for (const telemetry::FlowEvent& event : wire.events())
        EXPECT_EQ(wire.ruleset().verdict(event.trace).pending, Verdict::kDeny);
    EXPECT_EQ(wire.engine().flow_count(), 2U);
}

TEST(NewGeneration, SeveralPacketsOfOneConnectionJudgeItOnce) {
    Wire wire(build(1, guarded()));
    (void)wire.send(query());
    wire.use(build(2, guarded()));
    (void)wire.burst({query(), query().reply().entering(1), query()});
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kRejudged});
}

TEST(Events, CarryWhatTheConnectionDid) {
    Wire wire(build(7, guarded()));
    (void)wire.send(query());
    ASSERT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kOpened});
    const telemetry::FlowEvent opened = wire.events()[0];
    EXPECT_EQ(opened.worker, WorkerId{3});
    EXPECT_EQ(opened.generation, Generation{7});
    EXPECT_EQ(opened.time, wire.now());
    EXPECT_EQ(opened.tuple, query().tuple());
    EXPECT_EQ(opened.forward, (telemetry::PacketsBytes{1, query().bytes().size()}));

    (void)wire.send(query().reply().entering(1));
    wire.pass(seconds(120));
    const std::vector<telemetry::FlowEvent> ended = wire.sweep_all();
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].kind, FlowEventKind::kEnded);
    EXPECT_EQ(ended[0].flow, opened.flow);
    EXPECT_EQ(ended[0].tuple, query().tuple());
    EXPECT_EQ(ended[0].forward.packets, 1U);
    EXPECT_EQ(ended[0].reverse.packets, 1U);
}

TEST(Events, ADenialNamesThePacketAndNoConnection) {
    Wire wire(build(7, guarded()));
    const Packet unwanted = request().to("10.1.0.9", 22);
    (void)wire.send(unwanted);
    ASSERT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kDenied});
    EXPECT_EQ(wire.events()[0].flow, 0U);
    EXPECT_EQ(wire.events()[0].tuple, unwanted.tuple());
    EXPECT_EQ(wire.ruleset().verdict(wire.events()[0].trace).enforced, Verdict::kDeny);
}

TEST(Events, ThatFindNoRoomAreCounted) {
    Wire wire(build(1, guarded()));
    telemetry::EventBatch full;
    while (full.push_back({})) {
    }
    const test::Frames frames{query()};
    std::array<Decision, 1> decisions;
    wire.engine().process(frames.views(), wire.ruleset(), wire.traces(), wire.now(), decisions, full);
    EXPECT_EQ(decisions[0].drop, kPass);
    EXPECT_EQ(wire.counters().events_lost.read(), 1U);
}

TEST(Events, AConnectionThatLivesOnReportsWhatItCounted) {
    EngineSettings settings = Wire::default_settings();
    settings.report_interval = seconds(10);
    Wire wire(build(7, guarded()), settings);
    (void)wire.send(query());
    (void)wire.send(query().reply().entering(1));
    wire.pass(seconds(10));
    const std::vector<telemetry::FlowEvent> reports = wire.sweep_all();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].kind, FlowEventKind::kProgress);
    EXPECT_EQ(reports[0].tuple, query().tuple());
    EXPECT_EQ(reports[0].forward.packets, 1U);
    EXPECT_EQ(reports[0].reverse.packets, 1U);
    wire.pass(seconds(10));
    EXPECT_TRUE(wire.sweep_all().empty()) << "it was silent";
}

}  // namespace
}  // namespace drywall::engine
