// Packets that policy does not judge, or that follow one that it did: what is not IP, neighbours, errors, fragments.

#include <gtest/gtest.h>

#include "rulesets.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using std::chrono::seconds;
using telemetry::FlowEventKind;
using test::icmp;
using test::Packet;
using test::tcp;
using test::udp;
using Drops = std::vector<DropReason>;
using Kinds = std::vector<FlowEventKind>;

constexpr DropReason kPass = DropReason::kNone;
constexpr DropReason kDeny = DropReason::kPolicyDeny;

Packet query() { return udp().from("10.0.0.1", 5000).to("10.1.0.9", 53); }
Packet big_query() { return query().payload(1000); }
Packet big_unwanted() { return udp().from("10.0.0.1", 5000).to("10.1.0.9", 99).payload(1000); }

TEST(NonIp, PassesByItsRuleOrDies) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.burst({test::arp(), test::ether(net::ether_type::kLldp).payload(50)}),
              (Drops{kPass, DropReason::kNonIp}));
    EXPECT_EQ(wire.counters().non_ip_passed.read().packets, 1U);
    EXPECT_EQ(wire.judged(), 0U);
    wire.expect_all_accounted();
}

TEST(NonIp, TheDefaultIsConfigurable) {
    EngineSettings settings = Wire::default_settings();
    settings.non_ip = {{net::ether_type::kArp, Verdict::kDeny}};
    settings.non_ip_default = Verdict::kAllow;
    Wire wire(build(1, guarded()), settings);
    EXPECT_EQ(wire.burst({test::arp(), test::ether(net::ether_type::kLldp).payload(50)}),
              (Drops{DropReason::kNonIp, kPass}));
}

TEST(Triage, APortWithoutAPeerForwardsNothing) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.burst({query().entering(2), test::arp().entering(2)}),
              (Drops{DropReason::kNoPeer, DropReason::kNoPeer}));
    wire.expect_all_accounted();
}

TEST(Triage, BrokenFramesDieOfWhatIsWrongWithThem) {
    Wire wire(build(1, guarded()));
    test::Bytes cut = query().bytes();
    cut.resize(20);
    test::Bytes odd = query().bytes();
    odd[14] = 0x41;  // a header of 4 bytes
    test::Frames frames;
    frames.add(cut).add(odd);
    EXPECT_EQ(wire.burst(frames.views()), (Drops{DropReason::kTruncated, DropReason::kBadHeader}));
    wire.expect_all_accounted();
}

TEST(Triage, UnmatchedTrafficGoesByTheConfiguration) {
    const Packet stranger = tcp().syn().from("192.0.2.1", 1).to("192.0.2.2", 80);
    Wire open(build(1, guarded(), Verdict::kAllow));
    EXPECT_EQ(open.send(stranger), kPass);
    Wire closed(build(1, guarded(), Verdict::kDeny));
    EXPECT_EQ(closed.send(stranger), DropReason::kUnmatched);
    closed.expect_all_accounted();
}

TEST(NeighbourDiscovery, PassesUnjudgedWhenItCameFromTheLink) {
    Wire wire(build(1, guarded(), Verdict::kDeny));
    const Packet solicitation = icmp(135, 0).from("fe80::1").to("ff02::1:ff00:9");
    const Packet listener_report = icmp(143, 0).from("fe80::1").to("ff02::16");
    EXPECT_EQ(wire.send(solicitation.hop_limit(255)), kPass);
    EXPECT_EQ(wire.send(solicitation.hop_limit(64)), DropReason::kUnmatched);  // a router forwarded it
    EXPECT_EQ(wire.send(listener_report.hop_limit(1)), kPass);
    EXPECT_EQ(wire.counters().neighbour_discovery_passed.read().packets, 2U);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    wire.expect_all_accounted();
}

TEST(NeighbourDiscovery, IsJudgedWhenTheConfigurationSaysSo) {
    EngineSettings settings = Wire::default_settings();
    settings.neighbour_discovery = false;
    Wire wire(build(1, guarded(), Verdict::kDeny), settings);
    EXPECT_EQ(wire.send(icmp(135, 0).from("fe80::1").to("ff02::1:ff00:9").hop_limit(255)), DropReason::kUnmatched);
}

TEST(IcmpErrors, PassWhenTheyAreAboutALiveConnection) {
    Wire wire(build(1, guarded()));
    const Packet error = test::unreachable(query()).from("10.1.0.9").entering(1);
    EXPECT_EQ(wire.send(error), kDeny);
    EXPECT_EQ(wire.send(query()), kPass);
    const std::uint64_t judged = wire.judged();
    EXPECT_EQ(wire.send(error), kPass);
    EXPECT_EQ(wire.send(test::time_exceeded(query()).entering(1)), kPass);
    EXPECT_EQ(wire.judged(), judged);
    EXPECT_EQ(wire.counters().related_passed.read().packets, 2U);
    EXPECT_EQ(wire.engine().flow_count(), 1U);
    wire.expect_all_accounted();
}

TEST(IcmpErrors, AboutTheReplyPassTheOtherWay) {
    Wire wire(build(1, guarded()));
    (void)wire.send(query());
    EXPECT_EQ(wire.send(test::packet_too_big(query().reply()).from("10.0.0.1").entering(0)), kPass);
    EXPECT_EQ(wire.counters().related_passed.read().packets, 1U);
}

TEST(IcmpErrors, AddressedToAThirdPartyAreJudged) {
    Wire wire(build(1, guarded(), Verdict::kDeny));
    (void)wire.send(query());
    EXPECT_EQ(wire.send(test::unreachable(query()).from("10.77.0.1").to("10.0.0.88").entering(1)),
              DropReason::kUnmatched);
    EXPECT_EQ(wire.counters().related_passed.read().packets, 0U);
}

TEST(IcmpErrors, DoNotKeepAConnectionAlive) {
    Wire wire(build(1, guarded()));
    const Packet error = test::unreachable(query()).from("10.1.0.9").entering(1);
    (void)wire.send(query());
    wire.pass(seconds(100));
    EXPECT_EQ(wire.send(error), kPass);
    wire.pass(seconds(20));
    EXPECT_EQ(wire.send(error), kDeny);
}

TEST(IcmpErrors, AboutAConnectionThatANewGenerationDeniesCutIt) {
    Wire wire(build(1, guarded()));
    (void)wire.send(query());
    wire.use(build(2, locked()));
    EXPECT_EQ(wire.send(test::unreachable(query()).from("10.1.0.9").entering(1)), kDeny);
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kCut, FlowEventKind::kDenied}));
    wire.expect_all_accounted();
}

TEST(Fragments, LaterOnesFollowTheFirst) {
    Wire wire(build(1, guarded()));
    for (const Packet& fragment : big_query().fragments(400, 7)) EXPECT_EQ(wire.send(fragment), kPass);
    EXPECT_EQ(wire.judged(), 3U);
    EXPECT_EQ(wire.engine().flow_count(), 1U);
    EXPECT_EQ(wire.traces().read(wire.ruleset().classify(query().tuple())).packets, 3U);
    wire.expect_all_accounted();
}

TEST(Fragments, TheRestOfADatagramDoesNotReviveAConnectionThatIsOver) {
    EngineSettings settings = Wire::default_settings();
    settings.timeouts.udp = seconds(4);
    Wire wire(build(1, guarded()), settings);
    const Packet ask = test::udp().from("10.0.0.1", 5000).to("10.1.0.9", 53);
    const std::vector<Packet> parts = ask.payload(64).fragments(32, 9);
    EXPECT_EQ(wire.send(parts[0]), kPass);
    wire.pass(seconds(5));
    EXPECT_EQ(wire.send(parts[1]), kPass);
    EXPECT_EQ(wire.send(ask.reply().entering(1)), DropReason::kPolicyDeny);
}

TEST(Fragments, OfADeniedFirstAreDeniedWithIt) {
    Wire wire(build(1, guarded()));
    const std::vector<Packet> fragments = big_unwanted().fragments(400, 7);
    EXPECT_EQ(wire.burst(test::Frames(fragments).views()), (Drops{kDeny, kDeny, kDeny}));
    EXPECT_EQ(wire.judged(), 3U);
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kDenied, FlowEventKind::kDenied, FlowEventKind::kDenied}));
    wire.expect_all_accounted();
}

TEST(Fragments, WithoutAFirstDieUnknown) {
    Wire wire(build(1, guarded()));
    const std::vector<Packet> fragments = big_query().fragments(400, 7);
    EXPECT_EQ(wire.burst({fragments[1], fragments[0], fragments[2]}),
              (Drops{DropReason::kFragmentUnknown, kPass, kPass}));
    wire.pass(seconds(10));
    EXPECT_EQ(wire.send(fragments[2]), DropReason::kFragmentTimeout);
    wire.expect_all_accounted();
}

TEST(Fragments, ThatOverlapKillTheirDatagramAndOpenNothingAnew) {
    Wire wire(build(1, guarded()));
    const std::vector<Packet> fragments = big_query().fragments(400, 7);
    const Packet overlap = big_query().fragments(200, 7)[1];
    EXPECT_EQ(wire.burst({fragments[0], overlap, fragments[1], fragments[0]}),
              (Drops{kPass, DropReason::kFragmentOverlap, DropReason::kFragmentOverlap, DropReason::kFragmentOverlap}));
    wire.expect_all_accounted();
}

TEST(Fragments, ThatCameBeforeDieAsDuplicates) {
    Wire wire(build(1, guarded()));
    const std::vector<Packet> fragments = big_query().fragments(400, 7);
    EXPECT_EQ(wire.burst({fragments[0], fragments[0], fragments[1], fragments[1], fragments[2]}),
              (Drops{kPass, DropReason::kFragmentDuplicate, kPass, DropReason::kFragmentDuplicate, kPass}));
    EXPECT_EQ(wire.send(fragments[0]), kPass) << "the datagram was complete: another one with its identification";
    wire.expect_all_accounted();
}

TEST(Addresses, ThatCannotBeDieBeforePolicyIsAsked) {
    Wire wire(build(1, guarded()));
    const Packet neighbour = test::icmp(135, 0).from("::").to("ff02::1:ff00:9").hop_limit(255);
    EXPECT_EQ(wire.burst({query().from("127.0.0.1"), query().from("224.0.0.1"), query().to("240.0.0.1"), neighbour}),
              (Drops{DropReason::kAddressInvalid, DropReason::kAddressInvalid, DropReason::kAddressInvalid, kPass}));
    EXPECT_EQ(wire.judged(), 0U);
    wire.expect_all_accounted();
}

TEST(Addresses, OfTheOtherSideAreSpoofed) {
    const auto prefixes = [](std::initializer_list<const char*> texts) {
        std::vector<net::Prefix> out;
        for (const char* text : texts) out.push_back(net::Prefix::parse_strict(text).value());
        return net::PrefixSet(out);
    };
    EngineSettings settings = Wire::default_settings();
    settings.sources.resize(Wire::kPorts);
    settings.sources[0].only = prefixes({"10.0.0.0/16", "2001:db8::/48"});
    settings.sources[1].none = prefixes({"10.0.0.0/16", "2001:db8::/48"});
    Wire wire(build(1, guarded()), settings);
    EXPECT_EQ(wire.send(query()), kPass);
    EXPECT_EQ(wire.send(query().reply().entering(1)), kPass);
    EXPECT_EQ(wire.send(query().from("10.1.0.8")), DropReason::kSpoofed);
    EXPECT_EQ(wire.send(query().from("10.0.0.7").entering(1)), DropReason::kSpoofed);
    EXPECT_EQ(wire.send(test::udp().from("2001:db8:1::9", 53).to("2001:db8::1", 53)), DropReason::kSpoofed);
    const Packet asking = test::udp().from("0.0.0.0", 68).to("255.255.255.255", 67);
    EXPECT_NE(wire.send(asking), DropReason::kSpoofed) << "who has no address yet";
    EXPECT_EQ(wire.send(test::icmp(135, 0).from("fe80::1").to("ff02::1:ff00:9").hop_limit(255)), kPass);
    wire.expect_all_accounted();
}

TEST(Checksums, ThatAreWrongKillThePacketUnlessTheyAreIgnored) {
    test::Bytes frame = query().bytes();
    frame[14 + 10] ^= 1;
    const auto sent = [&](bool verify) {
        EngineSettings settings = Wire::default_settings();
        settings.verify_checksums = verify;
        Wire wire(build(1, guarded()), settings);
        test::Frames frames;
        frames.add(frame);
        return wire.burst(frames.views()).front();
    };
    EXPECT_EQ(sent(true), DropReason::kBadChecksum);
    EXPECT_EQ(sent(false), kPass);
}

TEST(Fragments, AFullTableRefusesFirstOnesAndOpensNoConnection) {
    EngineSettings settings = Wire::default_settings();
    settings.fragment_capacity = 1;
    Wire wire(build(1, guarded()), settings);
    const Packet one = big_query().fragments(400, 1).front();
    const Packet two = big_query().from("10.0.0.1", 5001).fragments(400, 2).front();
    EXPECT_EQ(wire.burst({one, two}), (Drops{kPass, DropReason::kFragmentTableFull}));
    EXPECT_EQ(wire.engine().flow_count(), 1U);
    wire.expect_all_accounted();
}

TEST(Fragments, AreJudgedAgainByANewGeneration) {
    Wire wire(build(1, guarded()));
    const std::vector<Packet> fragments = big_query().fragments(400, 7);
    EXPECT_EQ(wire.send(fragments[0]), kPass);
    wire.use(build(2, guarded_with_staged_lock()));
    EXPECT_EQ(wire.send(fragments[1]), kPass);
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kRejudged});
    wire.use(build(3, locked()));
    EXPECT_EQ(wire.send(fragments[2]), kDeny);
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kCut});
    wire.expect_all_accounted();
}

TEST(Fragments, OfARepliedDatagramFollowToo) {
    Wire wire(build(1, guarded()));
    (void)wire.send(query());
    for (const Packet& fragment : big_query().reply().entering(1).fragments(400, 9))
        EXPECT_EQ(wire.send(fragment), kPass);
    wire.pass(seconds(120));
    const auto ended = wire.sweep_all();
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].reverse.packets, 3U);
}

}  // namespace
}  // namespace drywall::engine
