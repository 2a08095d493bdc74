// TCP by its numbers: what passes, what dies and why, and what somebody who does not see a connection can do to it.

#include <gtest/gtest.h>

#include <memory>

#include <random>

#include "rulesets.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using std::chrono::seconds;
using telemetry::FlowEventKind;
using test::Packet;
using test::tcp;
using Drops = std::vector<DropReason>;
using Kinds = std::vector<FlowEventKind>;

constexpr DropReason kPass = DropReason::kNone;

Packet from_client(std::uint16_t port = 40000) { return tcp().from("10.0.0.1", port).to("10.1.0.9", 8080); }
Packet from_server(std::uint16_t port = 40000) { return from_client(port).reply().entering(1); }

EngineSettings with(MidStream mid_stream) {
    EngineSettings settings = Wire::default_settings();
    settings.mid_stream = mid_stream;
    return settings;
}

class Site : public Wire {
public:
    explicit Site(const EngineSettings& settings = default_settings()) : Wire(build(1, guarded()), settings) {}

    Site& shake_hands(std::uint16_t port = 40000) {
        EXPECT_EQ(burst({from_client(port).syn(), from_server(port).syn().ack(), from_client(port).ack()}),
                  (Drops{kPass, kPass, kPass}));
        return *this;
    }
    [[nodiscard]] std::uint64_t observed(DropReason reason) { return counters().observed.read(reason).packets; }
    [[nodiscard]] std::uint32_t flows_in(flow::FlowState state) {
        return engine().flow_counts().by_state[static_cast<std::size_t>(state)];
    }
};

TEST(Tcp, FlagsThatNoSegmentHasDieBeforeAnythingIsAsked) {
    Site site;
    for (const unsigned flags : {0x00U, 0x08U, 0x20U, 0x03U, 0x06U, 0x01U, 0x05U, 0x15U, 0x29U, 0xffU})
        EXPECT_EQ(site.send(from_client().flags(static_cast<std::uint8_t>(flags))), DropReason::kTcpFlags) << flags;
    EXPECT_EQ(site.engine().flow_count(), 0U);
    EXPECT_EQ(site.judged(), 0U);
    site.expect_all_accounted();
}

TEST(Tcp, WhatIsOutsideTheWindowDiesAndMovesNothing) {
    Site site;
    site.shake_hands();
    EXPECT_EQ(site.send(from_client().ack().payload(100)), kPass);
    const std::uint64_t judged = site.judged();
    EXPECT_EQ(site.send(from_client().ack().payload(100).sequence(900'000, 1)), DropReason::kTcpWindow);
    EXPECT_EQ(site.send(from_server().ack().sequence(1, 5000)), DropReason::kTcpWindow);
    EXPECT_EQ(site.send(from_client().ack().fin().sequence(900'000, 1)), DropReason::kTcpWindow);
    EXPECT_EQ(site.judged(), judged) << "no rule has decided about them";
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 1U);
    EXPECT_EQ(site.send(from_server().ack().sequence(1, 101)), kPass);
    site.expect_all_accounted();
}

TEST(Tcp, AMadeUpSegmentDoesNotHaveAnOldGenerationsConnectionJudged) {
    Site site;
    site.shake_hands();
    site.use(build(2, locked()));
    EXPECT_EQ(site.send(from_client().ack().sequence(900'000, 1)), DropReason::kTcpWindow);
    EXPECT_TRUE(site.events().empty());
    EXPECT_EQ(site.send(from_client().ack()), DropReason::kPolicyDeny);
    EXPECT_EQ(site.event_kinds(), Kinds{FlowEventKind::kCut});
    site.expect_all_accounted();
}

TEST(Tcp, ObservingLetsPassWhatIsOutsideAndMovesNothing) {
    EngineSettings settings = Wire::default_settings();
    settings.tcp_window = TcpWindow::kObserve;
    Site site(settings);
    site.shake_hands();
    EXPECT_EQ(site.send(from_client().ack().fin().sequence(900'000, 1)), kPass);
    EXPECT_EQ(site.send(from_client().rst().sequence(900'000)), kPass);
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 1U);
    EXPECT_EQ(site.observed(DropReason::kTcpWindow), 1U);
    EXPECT_EQ(site.observed(DropReason::kTcpReset), 1U);
    site.expect_all_accounted();
}

TEST(Tcp, WhatPolicyDeniesAnywayWasNotLetPassByObserving) {
    EngineSettings settings = with(MidStream::kObserve);
    settings.tcp_window = TcpWindow::kObserve;
    Site site(settings);
    EXPECT_EQ(site.send(from_server(50000).ack()), DropReason::kPolicyDeny);
    site.shake_hands();
    site.use(build(2, locked()));
    EXPECT_EQ(site.send(from_client().ack().sequence(900'000, 1)), DropReason::kPolicyDeny);
    EXPECT_EQ(site.observed(DropReason::kTcpMidStream) + site.observed(DropReason::kTcpWindow), 0U);
    site.expect_all_accounted();
}

TEST(Tcp, TheMiddleOfAConnectionIsCountedOnceWhereItIsObserved) {
    Site site(with(MidStream::kObserve));
    EXPECT_EQ(site.send(from_client().ack().payload(10).sequence(7'000'000, 9'000'000)), kPass);
    EXPECT_EQ(site.send(from_server().ack().sequence(9'000'000, 7'000'010)), kPass) << "it belongs to the connection";
    EXPECT_EQ(site.observed(DropReason::kTcpMidStream), 1U);
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 1U);
    site.shake_hands(50001);
    EXPECT_EQ(site.observed(DropReason::kTcpMidStream), 1U);
    site.expect_all_accounted();
}

TEST(Tcp, AResetClosesByTheNextNumberOnly) {
    Site site;
    site.shake_hands();
    EXPECT_EQ(site.send(from_server().rst().sequence(500)), kPass) << "its receiver challenges it";
    EXPECT_EQ(site.send(from_server().rst().sequence(0x8000'0000)), DropReason::kTcpReset);
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 1U);
    EXPECT_EQ(site.send(from_server().rst().sequence(1)), kPass);
    EXPECT_EQ(site.flows_in(flow::FlowState::kClosed), 1U);
    site.expect_all_accounted();
}

TEST(Tcp, AResetOfNoConnectionIsJudgedAndOpensNone) {
    Site site;
    EXPECT_EQ(site.send(from_client().rst()), kPass);
    EXPECT_EQ(site.send(from_server().rst()), DropReason::kPolicyDeny);
    EXPECT_EQ(site.engine().flow_count(), 0U);
    site.expect_all_accounted();
}

TEST(Tcp, TenThousandBlindGuessesLoseNothing) {
    constexpr std::uint64_t kSeed = 3;
    std::mt19937_64 random(kSeed);
    Site site;
    site.shake_hands();
    std::uint64_t guesses = 0;
    while (guesses < 10'000) {
        const auto number = static_cast<std::uint32_t>(random());
        if (number - 0xffff'0000U < 0x20000) continue;  // a guess that was lucky is no guess
        const Packet base = random() % 2 == 0 ? from_client() : from_server();
        const auto kinds = std::to_array(
            {base.rst(), base.rst().ack(), base.syn(), base.syn().ack(), base.ack().fin(), base.ack().payload(50)});
        (void)site.send(kinds[random() % kinds.size()].sequence(number, static_cast<std::uint32_t>(random())));
        ++guesses;
    }
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 1U) << "seed " << kSeed;
    EXPECT_EQ(site.burst({from_client().ack().payload(100), from_server().ack().sequence(1, 101),
                          from_client().ack().fin().sequence(101, 1), from_server().ack().fin().sequence(1, 102)}),
              (Drops{kPass, kPass, kPass, kPass}));
    EXPECT_EQ(site.flows_in(flow::FlowState::kTimeWait), 1U);
    site.expect_all_accounted();
}

TEST(Tcp, BlindTrafficDoesNotKeepAConnectionAlive) {
    Site site;
    site.shake_hands();
    site.pass(seconds(7000));
    EXPECT_EQ(site.send(from_client().syn().sequence(99)), kPass) << "for its receiver to challenge";
    site.pass(seconds(440));
    EXPECT_EQ(site.sweep_all().size(), 1U);
}

TEST(Tcp, AConnectionThatBothEndsHaveForgottenIsOpenedAgain) {
    Site site;
    site.shake_hands();
    const auto again = [](std::uint32_t number) { return from_client().syn().sequence(number); };
    EXPECT_EQ(site.send(again(500'000)), kPass) << "for its receiver to challenge, who accepts it instead";
    EXPECT_EQ(site.send(from_server().syn().ack().sequence(900'000, 500'002)), DropReason::kTcpWindow);
    EXPECT_EQ(site.send(from_server().syn().ack().sequence(900'000, 500'001)), kPass);
    EXPECT_EQ(site.flows_in(flow::FlowState::kSynReceived), 1U);
    EXPECT_EQ(site.send(from_client().ack().sequence(500'001, 900'001)), kPass);
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 1U);
    EXPECT_EQ(site.engine().flow_counts().half_open, 0U);

    EXPECT_EQ(site.send(again(700'000)), kPass);
    EXPECT_EQ(site.send(from_server().rst().ack().sequence(0, 700'001)), kPass) << "who refuses it";
    EXPECT_EQ(site.flows_in(flow::FlowState::kClosed), 1U);
    EXPECT_EQ(site.counters().flows_opened.read(), 1U);
    site.expect_all_accounted();
}

TEST(Tcp, TheMiddleOfAConnectionPassesWherePolicyAllowsIt) {
    Site site;
    EXPECT_EQ(site.burst({from_client().ack().payload(10).sequence(7'000'000, 9'000'000),
                          from_server().ack().sequence(9'000'000, 7'000'010)}),
              (Drops{kPass, kPass}));
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 1U);
    EXPECT_EQ(site.send(from_server(50000).ack()), DropReason::kPolicyDeny);
    site.expect_all_accounted();
}

TEST(Tcp, TheMiddleOfAConnectionDiesWhereItIsRefused) {
    Site site(with(MidStream::kDrop));
    for (const Packet& packet : {from_client().ack(), from_client().syn().ack(), from_client().rst(),
                                 from_client().fin().ack(), from_server().ack()})
        EXPECT_EQ(site.send(packet), DropReason::kTcpMidStream);
    EXPECT_EQ(site.judged(), 0U);
    site.shake_hands();
    EXPECT_EQ(site.send(from_client().ack()), kPass);
    site.expect_all_accounted();
}

TEST(Tcp, AFragmentedSegmentBelongsByItsFirstPart) {
    Site site;
    site.shake_hands();
    for (const Packet& part : from_client().ack().payload(400).sequence(900'000, 1).fragments(200, 1))
        EXPECT_NE(site.send(part), kPass);
    for (const Packet& part : from_client().ack().payload(400).fragments(200, 2)) EXPECT_EQ(site.send(part), kPass);
    EXPECT_EQ(site.send(from_server().ack().sequence(1, 401)), kPass) << "the whole is acknowledged";
    site.expect_all_accounted();
}

// --- limits ---

TEST(TcpLimits, HalfOpenConnectionsAreLimitedAndTheRestIsNot) {
    EngineSettings settings = Wire::default_settings();
    settings.half_open_limit = 10;
    Site site(settings);
    site.shake_hands(1000);
    for (std::uint16_t port = 1; port <= 10; ++port) EXPECT_EQ(site.send(from_client(port).syn()), kPass);
    for (std::uint16_t port = 11; port <= 15; ++port)
        EXPECT_EQ(site.send(from_client(port).syn()), DropReason::kHalfOpenLimit);
    EXPECT_EQ(site.send(test::udp().from("10.0.0.1", 5000).to("10.1.0.9", 53)), kPass);
    EXPECT_EQ(site.send(from_client(1000).ack()), kPass);
    EXPECT_EQ(site.send(from_client(1).syn()), kPass) << "repeated";
    EXPECT_EQ(site.send(from_client(20).syn().to("10.1.0.9", 22)), DropReason::kPolicyDeny) << "policy comes first";

    EXPECT_EQ(site.burst({from_server(7).syn().ack(), from_client(7).ack()}), (Drops{kPass, kPass}));
    EXPECT_EQ(site.send(from_client(11).syn()), kPass) << "one came about";
    EXPECT_EQ(site.send(from_client(12).syn()), DropReason::kHalfOpenLimit);
    site.pass(seconds(30));
    for (std::uint16_t port = 30; port < 40; ++port)
        EXPECT_EQ(site.send(from_client(port).syn()), kPass) << "the others took too long";
    EXPECT_EQ(site.send(from_client(40).syn()), DropReason::kHalfOpenLimit);
    site.expect_all_accounted();
}

TEST(TcpLimits, MiddlesOfWhichOneSideWasHeardAreHalfOpenToo) {
    EngineSettings settings = Wire::default_settings();
    settings.half_open_limit = 10;
    Site site(settings);
    for (std::uint16_t port = 1; port <= 10; ++port)
        EXPECT_EQ(site.send(port % 2 == 0 ? from_client(port).ack() : from_client(port).ack().fin()), kPass);
    EXPECT_EQ(site.engine().flow_counts().half_open, 10U);
    EXPECT_EQ(site.send(from_client(11).ack()), DropReason::kHalfOpenLimit);
    EXPECT_EQ(site.send(from_client(11).ack().fin()), DropReason::kHalfOpenLimit);
    EXPECT_EQ(site.send(from_client(11).syn()), DropReason::kHalfOpenLimit);
    EXPECT_EQ(site.send(from_client(3).ack()), kPass) << "it is there already";
    EXPECT_EQ(site.send(from_server(4).ack()), kPass) << "the other side is heard";
    EXPECT_EQ(site.send(from_server(5).ack().fin()), kPass);
    EXPECT_EQ(site.engine().flow_counts().half_open, 8U);
    EXPECT_EQ(site.burst({from_client(11).ack(), from_client(12).syn()}), (Drops{kPass, kPass}));
    EXPECT_EQ(site.send(from_client(13).ack()), DropReason::kHalfOpenLimit);
    site.expect_all_accounted();
}

TEST(TcpLimits, AFloodOfMiddlesDisplacesItsOwn) {
    EngineSettings settings = Wire::default_settings();
    settings.flow_capacity = 8;
    Site site(settings);
    for (std::uint16_t port = 1; port <= 4; ++port) site.shake_hands(port);
    for (std::uint16_t port = 200; port < 1200; ++port)
        ASSERT_EQ(site.send(port % 2 == 0 ? from_client(port).ack() : from_client(port).ack().fin()), kPass);
    EXPECT_EQ(site.engine().flow_count(), 8U);
    EXPECT_EQ(site.burst({from_client(9).syn(), from_server(9).syn().ack(), from_client(9).ack()}),
              (Drops{kPass, kPass, kPass}));
    EXPECT_EQ(site.flows_in(flow::FlowState::kEstablished), 5U);
    site.expect_all_accounted();
}

TEST(TcpLimits, InAFullTableTheOldestHalfOpenConnectionMakesRoom) {
    EngineSettings settings = Wire::default_settings();
    settings.flow_capacity = 8;
    Site site(settings);
    for (std::uint16_t port = 1; port <= 4; ++port) site.shake_hands(port);
    for (std::uint16_t port = 101; port <= 104; ++port) EXPECT_EQ(site.send(from_client(port).syn()), kPass);
    EXPECT_EQ(site.send(from_client(105).syn()), kPass);
    EXPECT_EQ(site.event_kinds(), (Kinds{FlowEventKind::kEnded, FlowEventKind::kOpened}));
    EXPECT_EQ(site.events()[0].tuple, from_client(101).syn().tuple());
    for (std::uint16_t port = 200; port < 1200; ++port) ASSERT_EQ(site.send(from_client(port).syn()), kPass);
    EXPECT_EQ(site.engine().flow_count(), 8U);
    for (std::uint16_t port = 1; port <= 4; ++port) {
        EXPECT_EQ(site.send(from_client(port).ack()), kPass);
        EXPECT_TRUE(site.events().empty()) << "it is the connection that it was";
    }
    site.expect_all_accounted();
}

TEST(TcpLimits, ATableFullOfEstablishedConnectionsTakesNoOther) {
    EngineSettings settings = Wire::default_settings();
    settings.flow_capacity = 4;
    Site site(settings);
    for (std::uint16_t port = 1; port <= 4; ++port) site.shake_hands(port);
    EXPECT_EQ(site.send(from_client(9).syn()), DropReason::kFlowTableFull);
    EXPECT_EQ(site.engine().flow_count(), 4U);
    site.expect_all_accounted();
}

TEST(Limits, WhatNobodyAnswersShutsNobodyOut) {
    EngineSettings settings = Wire::default_settings();
    settings.flow_capacity = 16;
    Site site(settings);
    const auto query = [](std::uint16_t port) { return test::udp().from("10.0.0.1", port).to("10.1.0.9", 53); };
    for (std::uint16_t port = 1; port <= 4; ++port) {
        site.shake_hands(port);
        EXPECT_EQ(site.burst({query(port), query(port).reply().entering(1)}), (Drops{kPass, kPass}));
    }
    EXPECT_EQ(site.send(from_client(50).syn()), kPass);
    for (std::uint16_t port = 1000; port < 3000; ++port) ASSERT_EQ(site.send(query(port)), kPass);
    EXPECT_EQ(site.engine().flow_count(), 16U);

    // The flood displaced its own: not the handshake under way, nor what was answered.
    EXPECT_EQ(site.burst({from_server(50).syn().ack(), from_client(50).ack()}), (Drops{kPass, kPass}));
    for (std::uint16_t port = 1; port <= 4; ++port) {
        EXPECT_EQ(site.send(from_client(port).ack()), kPass);
        EXPECT_EQ(site.send(query(port)), kPass);
        EXPECT_TRUE(site.events().empty()) << "they are the connections that they were";
    }
    EXPECT_EQ(site.send(from_client(60).syn()), kPass);
    site.expect_all_accounted();
}

TEST(Limits, OneSourceHasSoManyConnectionsAndOthersTheirOwn) {
    EngineSettings settings = Wire::default_settings();
    settings.per_source_limit = 3;
    Site site(settings);
    const auto query = [](std::string_view from, std::uint16_t port) {
        return test::udp().from(from, port).to("10.1.0.9", 53);
    };
    for (std::uint16_t port = 1; port <= 2; ++port) EXPECT_EQ(site.send(query("10.0.0.1", port)), kPass);
    EXPECT_EQ(site.send(from_client().syn()), kPass);
    EXPECT_EQ(site.send(query("10.0.0.1", 3)), DropReason::kSourceLimit);
    EXPECT_EQ(site.send(from_client(1).syn()), DropReason::kSourceLimit);
    EXPECT_EQ(site.send(query("10.0.0.1", 2)), kPass) << "one of its three";
    EXPECT_EQ(site.send(query("10.0.0.2", 3)), kPass);
    EXPECT_EQ(site.send(from_client().rst()), kPass);
    EXPECT_EQ(site.send(query("10.0.0.1", 3)), DropReason::kSourceLimit) << "what is closed is remembered for a while";
    site.pass(seconds(30));
    (void)site.sweep_all();
    EXPECT_EQ(site.send(query("10.0.0.1", 3)), kPass);
    site.expect_all_accounted();
}

// --- ICMP errors ---

Packet about(const Packet& sent) {
    return test::unreachable(sent).entering(static_cast<std::uint16_t>(1 - sent.port()));
}

TEST(TcpErrors, QuoteWhatIsUnderWay) {
    Site site;
    EXPECT_EQ(site.burst({from_client().syn(), about(from_client().syn())}), (Drops{kPass, kPass}));
    EXPECT_EQ(site.send(about(from_client().syn().sequence(77'777))), DropReason::kIcmpUnrelated);
    EXPECT_EQ(site.burst({from_server().syn().ack(), from_client().ack(), from_client().ack().payload(100)}),
              (Drops{kPass, kPass, kPass}));
    EXPECT_EQ(site.send(about(from_client().ack().payload(100))), kPass);
    EXPECT_EQ(site.send(about(from_server().ack())), kPass);
    for (const std::uint32_t guess : {500U, 0x7000'0000U, 0xffff'0000U}) {
        EXPECT_EQ(site.send(about(from_client().ack().sequence(guess))), DropReason::kIcmpUnrelated);
        EXPECT_EQ(site.send(about(from_server().ack().sequence(guess))), DropReason::kIcmpUnrelated);
    }
    site.expect_all_accounted();
}

TEST(TcpErrors, OfNoConnectionDieWhateverPolicyAllows) {
    Site site;
    EXPECT_EQ(site.send(about(from_client().ack())), DropReason::kPolicyDeny);
    site.expect_all_accounted();
    Wire open(build(1, two_workloads()));
    EXPECT_EQ(open.send(about(from_client().ack().sequence(77'777))), DropReason::kIcmpUnrelated);
    EXPECT_EQ(open.send(about(test::udp().from("10.0.0.1", 5000).to("10.1.0.9", 53))), DropReason::kIcmpUnrelated);
    EXPECT_EQ(open.counters().related_passed.read().packets, 0U);
    open.expect_all_accounted();
}

// Who tracks no connections has nothing to hold them against.
TEST(TcpErrors, OfUntrackedPacketsAreForPolicy) {
    const auto wire_with = [](bool errors_allowed) {
        policy::Inventory inventory = with_untracked_host();
        policy::Policy raw = ingress_policy("errors", "resolver", {rule(Action::kAllow, 1)});
        raw.do_not_track = raw.apply_on_forward = true;
        if (errors_allowed) add(inventory, raw);
        return std::make_unique<Wire>(build(1, inventory));
    };
    const Packet error = about(test::udp().from("10.1.0.7", 53).to("10.0.0.1", 5000).entering(1));
    const auto with = wire_with(true);
    EXPECT_EQ(with->send(error), kPass);
    EXPECT_EQ(with->counters().related_passed.read().packets, 0U);
    with->expect_all_accounted();
    EXPECT_NE(wire_with(false)->send(error), kPass);
}

TEST(TcpErrors, NoErrorComesInPieces) {
    Wire open(build(1, two_workloads()));
    EXPECT_EQ(open.send(from_client().syn()), kPass);
    const std::vector<Packet> pieces = about(from_client().syn().payload(400)).fragments(64, 9);
    EXPECT_EQ(open.send(pieces[0]), DropReason::kIcmpUnrelated);
    EXPECT_EQ(open.send(pieces[1]), DropReason::kFragmentUnknown);
    open.expect_all_accounted();
}

TEST(TcpErrors, NoLinkTakesLessThanTheLeast) {
    Site site;
    site.shake_hands();
    const Packet too_big = test::packet_too_big(from_client().ack()).entering(1);
    EXPECT_EQ(site.send(too_big.mtu(67)), DropReason::kIcmpUnrelated);
    EXPECT_EQ(site.send(too_big.mtu(68)), kPass);
    EXPECT_EQ(site.send(too_big.mtu(0)), kPass) << "a router that does not know (RFC 1191)";

    const Packet query = test::udp().from("2001:db8::1", 5000).to("2001:db8:1::9", 53);
    EXPECT_EQ(site.send(query), kPass);
    const Packet too_big6 = test::packet_too_big(query).entering(1);
    EXPECT_EQ(site.send(too_big6.mtu(1279)), DropReason::kIcmpUnrelated);
    EXPECT_EQ(site.send(too_big6.mtu(0)), DropReason::kIcmpUnrelated);
    EXPECT_EQ(site.send(too_big6.mtu(1280)), kPass);
    site.expect_all_accounted();
}

}  // namespace
}  // namespace drywall::engine
