// Packets that policy does not judge, or that follow one that it did: what is not IP, neighbours, errors, fragments.

#include <algorithm>
#include <array>
#include <utility>

#include <gtest/gtest.h>

#include "drywall/net/ethernet.h"
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

struct LinkProtocol {
    const char* name;
    std::uint16_t rule;
    test::Bytes frame;
};

// 60 bytes: addresses, ether type or length, and what follows.
test::Bytes frame_to(const test::Bytes& group, std::uint16_t type, const test::Bytes& content, bool tagged = false) {
    test::Bytes frame = group;
    for (const int byte : {0x02, 0, 0, 0, 0, 1}) frame.push_back(static_cast<std::uint8_t>(byte));
    if (tagged) frame.insert(frame.end(), {0x81, 0x00, 0x00, 0x07});
    frame.push_back(static_cast<std::uint8_t>(type >> 8));
    frame.push_back(static_cast<std::uint8_t>(type));
    frame.insert(frame.end(), content.begin(), content.end());
    frame.resize(std::max<std::size_t>(frame.size(), 60));
    return frame;
}

const test::Bytes kBridges = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};
const test::Bytes kProviderBridges = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x08};
const test::Bytes kSlowProtocols = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x02};
const test::Bytes kPortAccess = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x03};
const test::Bytes kNearestBridge = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
const test::Bytes kEverybody = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
const test::Bytes kLlc = {0x42, 0x42, 0x03};

std::vector<LinkProtocol> link_protocols() {
    return {{"STP", net::non_ip::kSpanningTree, frame_to(kBridges, 38, kLlc)},
            {"LACP", net::ether_type::kLacp, frame_to(kSlowProtocols, 0x8809, {1, 1})},
            {"EAPOL", net::ether_type::kEapol, frame_to(kPortAccess, 0x888e, {2, 1})},
            {"LLDP", net::ether_type::kLldp, frame_to(kNearestBridge, 0x88cc, {2, 7, 4})},
            {"ARP", net::ether_type::kArp, frame_to(kEverybody, 0x0806, {0, 1, 8, 0, 6, 4, 0, 1})}};
}

DropReason sent_raw(Wire& wire, const test::Bytes& frame) {
    test::Frames frames;
    frames.add(frame);
    return wire.burst(frames.views()).front();
}

TEST(NonIp, EachProtocolOfTheLinkPassesByItsOwnRuleAndByNoOther) {
    for (const LinkProtocol& ruled : link_protocols()) {
        for (const Verdict verdict : {Verdict::kAllow, Verdict::kDeny}) {
            EngineSettings settings = Wire::default_settings();
            settings.non_ip = {{ruled.rule, verdict}};
            settings.non_ip_default = verdict == Verdict::kAllow ? Verdict::kDeny : Verdict::kAllow;
            Wire wire(build(1, guarded()), settings);
            for (const LinkProtocol& sent : link_protocols()) {
                const bool allowed = (ruled.rule == sent.rule) == (verdict == Verdict::kAllow);
                EXPECT_EQ(sent_raw(wire, sent.frame), allowed ? kPass : DropReason::kNonIp)
                    << sent.name << " where " << ruled.name << " has a rule";
            }
            wire.expect_all_accounted();
        }
    }
}

TEST(NonIp, SpanningTreeIsToldByItsHeaderAndItsAddress) {
    EngineSettings settings = Wire::default_settings();
    settings.non_ip = {{net::non_ip::kSpanningTree, Verdict::kAllow}};
    Wire wire(build(1, guarded()), settings);
    for (const std::uint16_t length : {7, 38, 39})  // topology change, configuration, rapid
        EXPECT_EQ(sent_raw(wire, frame_to(kBridges, length, kLlc)), kPass) << length;
    test::Bytes multiple = kLlc;
    multiple.resize(105 + 16);
    EXPECT_EQ(sent_raw(wire, frame_to(kBridges, 105 + 16, multiple)), kPass);
    EXPECT_EQ(sent_raw(wire, frame_to(kProviderBridges, 39, kLlc)), kPass);
    EXPECT_EQ(sent_raw(wire, frame_to(kBridges, 39, kLlc, true)), kPass) << "behind a tag";

    const test::Bytes snap = {0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00, 0x08, 0x00, 0x45};
    for (const auto& [what, frame] : std::initializer_list<std::pair<const char*, test::Bytes>>{
             {"IP in SNAP, as long as a configuration", frame_to(kBridges, 38, snap)},
             {"IP in SNAP, to a host", frame_to({0x02, 0, 0, 0, 0, 2}, 38, snap)},
             {"to a host", frame_to({0x02, 0, 0, 0, 0, 2}, 38, kLlc)},
             {"to everybody", frame_to(kEverybody, 38, kLlc)},
             {"to another group of bridges", frame_to(kNearestBridge, 38, kLlc)},
             {"another control field", frame_to(kBridges, 38, {0x42, 0x42, 0x13})},
             {"another destination service", frame_to(kBridges, 38, {0x06, 0x42, 0x03})},
             {"another source service", frame_to(kBridges, 38, {0x42, 0x06, 0x03})},
             {"no room for a unit", frame_to(kBridges, 6, kLlc)},
             {"longer than its frame", frame_to(kBridges, 47, kLlc)},
             {"its name as a length", frame_to(kBridges, net::non_ip::kSpanningTree, snap)}})
        EXPECT_EQ(sent_raw(wire, frame), DropReason::kNonIp) << what;
    test::Bytes cut = frame_to(kBridges, 38, kLlc);
    cut.resize(16);
    EXPECT_EQ(sent_raw(wire, cut), DropReason::kNonIp);
    wire.expect_all_accounted();
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
    EXPECT_EQ(wire.send(listener_report.hop_limit(1)), kPass);
    EXPECT_EQ(wire.counters().neighbour_discovery_passed.read().packets, 2U);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    wire.expect_all_accounted();
}

constexpr std::array<std::uint8_t, 9> kOfTheLink = {130, 131, 132, 133, 134, 135, 136, 137, 143};
constexpr std::uint8_t hop_limit_of(std::uint8_t type) { return type >= 133 && type <= 137 ? 255 : 1; }

Packet of_the_link(std::uint8_t type) { return icmp(type, 0).from("fe80::1").to("ff02::1").payload(16); }

TEST(NeighbourDiscovery, ThatARouterForwardedDiesWhateverPolicySays) {
    Wire wire(build(1, guarded(), Verdict::kAllow));
    for (const std::uint8_t type : kOfTheLink) {
        const std::uint8_t right = hop_limit_of(type);
        for (const std::uint8_t wrong : {0, 1, 2, 64, 254, 255}) {
            const DropReason expected = wrong == right ? kPass : DropReason::kNeighbourInvalid;
            EXPECT_EQ(wire.send(of_the_link(type).hop_limit(wrong)), expected)
                << int{type} << ", hop limit " << int{wrong};
        }
    }
    EXPECT_EQ(wire.send(of_the_link(128).hop_limit(64)), kPass) << "an echo request is policy's";
    EXPECT_EQ(wire.send(icmp(135, 0).from("::").to("ff02::1:ff00:9").hop_limit(254)), DropReason::kNeighbourInvalid);
    wire.expect_all_accounted();
}

TEST(NeighbourDiscovery, InFragmentsDiesWhateverPolicySays) {
    Wire wire(build(1, guarded(), Verdict::kAllow));
    for (const std::uint8_t type : kOfTheLink) {
        const Packet message = of_the_link(type).hop_limit(hop_limit_of(type));
        const std::vector<Packet> pieces = message.fragments(16, type);
        EXPECT_EQ(wire.burst({pieces[0], pieces[1]}),
                  (Drops{DropReason::kNeighbourInvalid, DropReason::kFragmentUnknown}))
            << int{type};
        for (const std::uint32_t identification : {0U, 7U})
            EXPECT_EQ(wire.send(message.fragment(0, false, identification)), DropReason::kNeighbourInvalid)
                << int{type} << ", all in one fragment";
        EXPECT_EQ(wire.send(message.extension(60).fragment(0, false, 7)), DropReason::kNeighbourInvalid) << int{type};
        EXPECT_EQ(wire.send(message.extension(60)), kPass) << int{type};
    }
    EXPECT_EQ(wire.send(of_the_link(128).fragment(0, false, 7)), kPass);
    wire.expect_all_accounted();
}

TEST(NeighbourDiscovery, IsJudgedWhenTheConfigurationSaysSo) {
    EngineSettings settings = Wire::default_settings();
    settings.neighbour_discovery = false;
    Wire closed(build(1, guarded(), Verdict::kDeny), settings);
    EXPECT_EQ(closed.send(of_the_link(135).hop_limit(255)), DropReason::kUnmatched);
    EXPECT_EQ(closed.send(of_the_link(135).hop_limit(64)), DropReason::kUnmatched);
    Wire open(build(1, guarded(), Verdict::kAllow), settings);
    EXPECT_EQ(open.send(of_the_link(135).hop_limit(64)), kPass);
    EXPECT_EQ(open.send(of_the_link(135).fragment(0, false, 7)), kPass);
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
    const Packet solicit = test::udp().from("fe80::1", 546).to("ff02::1:2", 547);
    EXPECT_EQ(wire.send(solicit), kPass) << "policy judges it, and lets pass what it does not know";
    EXPECT_EQ(wire.send(test::udp().from("fe80::9", 547).to("fe80::1", 546)), kPass);
    EXPECT_EQ(wire.send(solicit.to("ff02::1:2", 53)), DropReason::kSpoofed);
    wire.expect_all_accounted();
}

TEST(Addresses, OfTheLinkAreForDhcpv6WhereTheyAreStrictAndPolicyJudgesIt) {
    EngineSettings settings = Wire::default_settings();
    settings.addresses = net::AddressCheck::kStrict;
    const Packet solicit = test::udp().from("fe80::1", 546).to("ff02::1:2", 547);
    const Packet advertise = test::udp().from("fe80::9", 547).to("fe80::1", 546).entering(1);
    Wire open(build(1, guarded(), Verdict::kAllow), settings);
    EXPECT_EQ(open.burst({solicit, advertise}), (Drops{kPass, kPass}));
    EXPECT_EQ(open.send(solicit.from("fe80::1", 5000)), DropReason::kAddressInvalid);
    Wire closed(build(1, guarded(), Verdict::kDeny), settings);
    EXPECT_EQ(closed.burst({solicit, advertise}), (Drops{DropReason::kUnmatched, DropReason::kUnmatched}));
    closed.expect_all_accounted();
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

TEST(Fragments, WithoutATableFirstOnesDieAndOpenNoConnection) {
    EngineSettings settings = Wire::default_settings();
    settings.fragment_capacity = 0;
    Wire wire(build(1, guarded()), settings);
    EXPECT_EQ(wire.send(big_query().fragments(400, 1).front()), DropReason::kFragmentTableFull);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
    wire.expect_all_accounted();
}

TEST(Fragments, InAFullTableTheYoungestDatagramsStay) {
    EngineSettings settings = Wire::default_settings();
    settings.fragment_capacity = 1;
    Wire wire(build(1, guarded()), settings);
    const std::vector<Packet> one = big_query().fragments(400, 1);
    const std::vector<Packet> two = big_query().from("10.0.0.1", 5001).fragments(400, 2);
    EXPECT_EQ(wire.burst({one[0], two[0], one[1], two[1]}), (Drops{kPass, kPass, DropReason::kFragmentUnknown, kPass}));
    wire.expect_all_accounted();
}

// Who may send nothing shuts nobody out.
TEST(Fragments, DeniedOnesDisplaceNone) {
    Wire wire(build(1, guarded()));
    const std::vector<Packet> good = big_query().fragments(400, 7);
    EXPECT_EQ(wire.send(good[0]), kPass);
    for (std::uint32_t id = 1000; id < 6000; ++id)
        ASSERT_EQ(wire.send(big_query().to("10.1.0.9", 99).fragments(400, id).front()), kDeny);
    EXPECT_EQ(wire.send(good[1]), kPass);
    for (const Packet& fragment : big_query().fragments(400, 8)) EXPECT_EQ(wire.send(fragment), kPass);
    wire.expect_all_accounted();
}

TEST(Fragments, LateOnesDoNotBringBackAConnectionThatTimedOut) {
    EngineSettings settings = Wire::default_settings();
    settings.timeouts.udp = seconds(2);
    Wire wire(build(1, guarded()), settings);
    const std::vector<Packet> fragments = big_query().fragments(400, 7);
    EXPECT_EQ(wire.send(fragments[0]), kPass);
    wire.pass(seconds(3));
    EXPECT_EQ(wire.send(fragments[1]), kPass);
    const auto ended = wire.sweep_all();
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].forward.packets, 1U);
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
