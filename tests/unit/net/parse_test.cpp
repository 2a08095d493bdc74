#include <gtest/gtest.h>

#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

const Packet kTcp6 = tcp().syn().from("2001:db8::1", 40000).to("2001:db8:1::9", 8080);
const Packet kUdp6 = udp().from("2001:db8::1", 40000).to("2001:db8:1::9", 53).payload(16);

TEST(Parse, EveryKindOfPacketGivesTheTupleItWasBuiltFrom) {
    for (const auto& [name, packet] : ip_samples()) {
        const PacketMeta meta = parsed(packet.entering(3));
        EXPECT_EQ(meta.malformed, DropReason::kNone) << name;
        EXPECT_TRUE(meta.is_ip) << name;
        EXPECT_EQ(meta.tuple, packet.entering(3).tuple()) << name;
        EXPECT_EQ(meta.hop_limit, 64) << name;
    }
}

TEST(Parse, ABurstIsParsedFrameByFrame) {
    const Frames frames{tcp().syn(), arp(), kUdp6};
    std::array<PacketMeta, 3> metas;
    parse(frames.views(), metas);
    for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(metas[i], parse(frames[i]));
}

TEST(Parse, OffsetsPointAtTheHeaders) {
    EXPECT_EQ(parsed(tcp()).l3_offset, 14);
    EXPECT_EQ(parsed(tcp()).l4_offset, 34);
    EXPECT_EQ(parsed(tcp().ip_options(40)).l4_offset, 74);
    EXPECT_EQ(parsed(tcp().qinq(1, 2).ip_options(4)).l4_offset, 46);
    EXPECT_EQ(parsed(kTcp6.extension(0).extension(60, 24)).l4_offset, 14 + 40 + 8 + 24);
}

TEST(Parse, NonIpKeepsItsEtherType) {
    const PacketMeta meta = parsed(arp());
    EXPECT_EQ(meta.ether_type, ether_type::kArp);
    EXPECT_FALSE(meta.is_ip);
    EXPECT_EQ(meta.malformed, DropReason::kNone);
    EXPECT_EQ(parsed(arp().vlan(9)).ether_type, ether_type::kArp);
    EXPECT_EQ(parsed(ether(ether_type::kLldp).payload(30)).ether_type, ether_type::kLldp);
    EXPECT_EQ(parsed(ether(38).payload(38)).ether_type, 38) << "an 802.3 length";
}

TEST(Parse, UpToTwoTagsAreLookedThrough) {
    EXPECT_EQ(parsed(tcp().vlan(7)).l3_offset, 18);
    EXPECT_EQ(parsed(tcp().vlan(7).vlan(8)).l3_offset, 22);
    EXPECT_EQ(parsed(tcp().qinq(7, 8)).l3_offset, 22);
}

TEST(Parse, AThirdTagMakesTheFrameNonIp) {
    const PacketMeta meta = parsed(tcp().qinq(7, 8).vlan(9));
    EXPECT_FALSE(meta.is_ip);
    EXPECT_EQ(meta.ether_type, ether_type::kVlan);
    EXPECT_EQ(meta.malformed, DropReason::kNone);
    EXPECT_EQ(parsed(tcp().vlan(8).qinq(7, 9)).ether_type, ether_type::kVlan);
}

TEST(Parse, TcpFlagsAreReported) {
    EXPECT_EQ(parsed(tcp().syn().ack()).tcp_flags, tcp_flag::kSyn | tcp_flag::kAck);
    EXPECT_EQ(parsed(kTcp6.rst()).tcp_flags, tcp_flag::kSyn | tcp_flag::kRst);
}

TEST(Parse, IcmpQueriesCarryTheirIdentifier) {
    EXPECT_EQ(parsed(icmp_echo().id(0x1234)).icmp_id, 0x1234);
    EXPECT_EQ(parsed(icmp_reply().id(0x1234)).icmp_id, 0x1234);
    EXPECT_EQ(parsed(icmp(13, 0).id(0x1234)).icmp_id, 0x1234) << "timestamp";
    EXPECT_EQ(parsed(icmp(9, 0).id(0x1234)).icmp_id, 0) << "router advertisement";
    EXPECT_EQ(parsed(icmp_echo().from("2001:db8::1").to("2001:db8::2").id(7)).icmp_id, 7);
    EXPECT_EQ(parsed(icmp(13, 0).from("2001:db8::1").to("2001:db8::2").id(7)).icmp_id, 0) << "no ICMPv6 query";
}

TEST(Parse, PaddingBehindThePacketIsFine) {
    EXPECT_EQ(parsed(tcp().syn().padded(60)), parsed(tcp().syn()));
    EXPECT_EQ(parsed(udp().padded(200)), parsed(udp()));
    EXPECT_EQ(parsed(kTcp6.padded(100)), parsed(kTcp6));
}

TEST(Parse, PaddingIsNoHeader) {
    // An IP packet of 20 + 19 bytes: the twentieth byte of its TCP header is the frame's padding.
    EXPECT_EQ(parsed(other(protocol::kTcp).payload(19).padded(60)).malformed, DropReason::kTruncated);
    EXPECT_EQ(parsed(other(protocol::kUdp).payload(7).padded(60)).malformed, DropReason::kTruncated);
}

TEST(Parse, FirstFragmentCarriesThePortsLaterOnesDoNot) {
    for (const Packet& whole : {udp().payload(64), kUdp6.payload(64)}) {
        const auto pieces = whole.fragments(32, 0x4321);
        ASSERT_EQ(pieces.size(), 3U);
        const PacketMeta first = parsed(pieces[0]);
        EXPECT_EQ(first.fragment, FragmentKind::kFirst);
        EXPECT_EQ(first.tuple, whole.tuple());
        EXPECT_EQ(first.fragment_id, 0x4321U);
        for (const std::size_t later : {1U, 2U}) {
            const PacketMeta meta = parsed(pieces[later]);
            EXPECT_EQ(meta.malformed, DropReason::kNone);
            EXPECT_EQ(meta.fragment, FragmentKind::kLater);
            EXPECT_EQ(meta.tuple.destination_port, 0);
            EXPECT_EQ(meta.l4_offset, 0);
            EXPECT_EQ(meta.fragment_id, 0x4321U);
        }
    }
}

TEST(Parse, AnAtomicFragmentIsWhole) {
    const PacketMeta meta = parsed(kTcp6.fragment(0, false, 99));
    EXPECT_EQ(meta.fragment, FragmentKind::kWhole);
    EXPECT_EQ(meta.fragment_id, 99U);
    EXPECT_EQ(meta.tuple, kTcp6.tuple());
}

TEST(Parse, AFragmentThatReassemblesPast64KIsBad) {
    const auto end_of = [](const Packet& packet, std::uint16_t offset, std::size_t bytes) {
        return parsed(packet.payload(bytes).fragment(offset, false, 1)).malformed;
    };
    // An IPv4 datagram's length counts its header.
    EXPECT_EQ(end_of(udp(), 65512, 3), DropReason::kNone);
    EXPECT_EQ(end_of(udp(), 65512, 4), DropReason::kFragmentOversize);
    EXPECT_EQ(end_of(udp().ip_options(4), 65504, 7), DropReason::kNone);
    EXPECT_EQ(end_of(udp().ip_options(4), 65504, 8), DropReason::kFragmentOversize);
    EXPECT_EQ(end_of(udp(), 65528, 64), DropReason::kFragmentOversize);
    // An IPv6 datagram's counts what stands behind its header.
    EXPECT_EQ(end_of(kUdp6, 65528, 7), DropReason::kNone);
    EXPECT_EQ(end_of(kUdp6, 65528, 8), DropReason::kFragmentOversize);
    EXPECT_EQ(end_of(kUdp6.extension(0), 65520, 7), DropReason::kNone);
    EXPECT_EQ(end_of(kUdp6.extension(0), 65520, 8), DropReason::kFragmentOversize);
}

TEST(ParseExtensions, EveryHeaderOfTheChainIsLookedThrough) {
    for (const std::uint8_t type : {0, 43, 60, 51}) {
        const Packet packet = kTcp6.extension(type, type == 51 ? 20 : 16);
        EXPECT_EQ(parsed(packet).tuple, packet.tuple()) << int{type};
        EXPECT_EQ(parsed(packet).malformed, DropReason::kNone) << int{type};
    }
}

TEST(ParseExtensions, EspAndNoNextHeaderEndTheChainAsProtocol) {
    const Packet esp = other(50).from("2001:db8::1").to("2001:db8::2").payload(32).extension(60);
    EXPECT_EQ(parsed(esp).tuple.protocol, 50);
    const Packet none = other(59).from("2001:db8::1").to("2001:db8::2").extension(0);
    EXPECT_EQ(parsed(none).tuple.protocol, 59);
    EXPECT_EQ(parsed(none).malformed, DropReason::kNone);
    EXPECT_EQ(parsed(none).l4_offset, 0);
}

TEST(ParseExtensions, HopByHopStandsFirstOrNowhere) {
    EXPECT_EQ(parsed(kTcp6.extension(60).extension(0)).malformed, DropReason::kExtensionChain);
    EXPECT_EQ(parsed(kTcp6.extension(0).extension(0)).malformed, DropReason::kExtensionChain);
}

TEST(ParseExtensions, ASecondFragmentHeaderIsBad) {
    EXPECT_EQ(parsed(kTcp6.extension(44).fragment(0, false, 1)).malformed, DropReason::kExtensionChain);
}

TEST(ParseExtensions, AChainThatIsTooLongIsBad) {
    Packet packet = kTcp6;
    for (int headers = 0; headers < 8; ++headers) packet = packet.extension(60);
    EXPECT_EQ(parsed(packet).malformed, DropReason::kNone);
    EXPECT_EQ(parsed(packet.extension(60)).malformed, DropReason::kExtensionChain);
    EXPECT_EQ(parsed(kTcp6.extension(60, 256)).malformed, DropReason::kNone);
    EXPECT_EQ(parsed(kTcp6.extension(60, 264)).malformed, DropReason::kExtensionChain);
}

TEST(ParseExtensions, ARoutingHeaderThatChoosesTheWayIsRefused) {
    const auto routing = [](std::uint8_t type) {
        Bytes frame = kTcp6.extension(43, 24).bytes();
        frame[14 + 40 + 2] = type;
        return parse(Frames().add(frame)[0]).malformed;
    };
    EXPECT_EQ(routing(0), DropReason::kIpOption);
    EXPECT_EQ(routing(4), DropReason::kNone) << "segment routing (RFC 8754)";
}

TEST(ParseExtensions, IPv4KnowsNoExtensionHeaders) {
    for (const std::uint8_t number : {0, 43, 44, 51, 59, 60}) {
        const PacketMeta meta = parsed(other(number).payload(16));
        EXPECT_EQ(meta.tuple.protocol, number);
        EXPECT_EQ(meta.malformed, DropReason::kNone);
    }
}

TEST(ParseExtensions, WhatFollowsTheFragmentHeaderOfALaterFragmentIsPayload) {
    // Next header 60 in a later fragment: the bytes behind it are not a destination options header.
    const PacketMeta meta = parsed(other(60).from("2001:db8::1").to("2001:db8::2").payload(24).fragment(8, false, 3));
    EXPECT_EQ(meta.malformed, DropReason::kNone);
    EXPECT_EQ(meta.fragment, FragmentKind::kLater);
    EXPECT_EQ(meta.tuple.protocol, 60);
}

}  // namespace
}  // namespace drywall::net
