#include "drywall/io/owners.h"

#include <array>
#include <random>

#include <gtest/gtest.h>

#include "packets.h"

namespace drywall::io {
namespace {

using test::Packet;

constexpr std::uint64_t kSeed = 0x1234'5678'9abc'def0ULL;
const Owners kOwners(64, kSeed);  // many, so that two owners are hardly equal by chance

std::uint16_t owner_of(const Packet& packet) {
    const test::Frames frames{packet};
    return kOwners.of(frames[0]);
}

Packet over_ipv6(const Packet& packet) { return packet.from("2001:db8::1", 40000).to("2001:db8:1::9", 443); }

// The slow twin: reads every frame as the engine does.
std::uint16_t twin(const net::FrameView& frame) {
    const net::PacketMeta meta = net::parse(frame);
    if (!meta.is_ip || meta.malformed != DropReason::kNone) return Owners::kAnybody;
    const auto quote = net::parse_icmp_quote(frame, meta);
    const net::Tuple& tuple = quote && meta.fragment == net::FragmentKind::kWhole ? quote->tuple : meta.tuple;
    return kOwners.of(tuple.source, tuple.destination);
}

TEST(Owners, BothDirectionsOfAConnectionHaveOneByWhicheverPortTheyCome) {
    for (const Packet& packet : {test::tcp().syn(), test::udp(), test::sctp(), test::icmp_echo(), test::other(47)})
        for (const Packet& one : {packet, over_ipv6(packet)})
            EXPECT_EQ(owner_of(one), owner_of(one.reply().entering(1)));
}

TEST(Owners, AllConnectionsOfTwoHostsHaveOne) {
    EXPECT_EQ(owner_of(test::tcp().from("10.0.0.1", 1)), owner_of(test::udp().from("10.0.0.1", 2)));
}

TEST(Owners, TagsAreLookedThrough) {
    for (const Packet& packet : {test::tcp(), over_ipv6(test::tcp())}) {
        EXPECT_EQ(owner_of(packet.vlan(7)), owner_of(packet));
        EXPECT_EQ(owner_of(packet.qinq(100, 7)), owner_of(packet.reply()));
    }
}

TEST(Owners, FragmentsMeetEachOtherAndTheirConnection) {
    for (const Packet& packet : {test::udp().payload(600), over_ipv6(test::udp()).payload(600),
                                 over_ipv6(test::udp()).payload(600).extension(0)})
        for (const Packet& piece : packet.fragments(200, 77)) EXPECT_EQ(owner_of(piece), owner_of(packet.reply()));
}

TEST(Owners, AnErrorGoesToTheFlowThatItQuotes) {
    for (const Packet& packet : {test::tcp().ack(), over_ipv6(test::tcp().ack()), over_ipv6(test::udp()).extension(0)})
        for (const Packet& error :
             {test::unreachable(packet), test::packet_too_big(packet), test::time_exceeded(packet)}) {
            EXPECT_EQ(owner_of(error), owner_of(packet));
            EXPECT_EQ(owner_of(error.vlan(5)), owner_of(packet.reply()));
        }
    const auto tunnel = test::unreachable(test::tcp().ack());
    EXPECT_NE(owner_of(tunnel), owner_of(test::udp().from("10.99.0.1").to("10.0.0.1"))) << "not by its own addresses";
}

TEST(Owners, AnErrorInFragmentsStaysWithThem) {
    const auto pieces = test::unreachable(test::tcp().ack()).payload(400).fragments(200, 9);
    ASSERT_GT(pieces.size(), 1U);
    for (const Packet& piece : pieces) EXPECT_EQ(owner_of(piece), owner_of(pieces.back()));
}

TEST(Owners, WhatIsNotIpStaysWhereItCameIn) {
    EXPECT_EQ(owner_of(test::arp()), Owners::kAnybody);
    EXPECT_EQ(owner_of(test::ether(net::ether_type::kLldp)), Owners::kAnybody);
    EXPECT_EQ(owner_of(test::tcp().vlan(1).vlan(2).vlan(3)), Owners::kAnybody);
}

// The frames lie at the end of their memory: AddressSanitizer sees a read behind it.
TEST(Owners, AreReadFromFramesCutAnywhereAndAgreeWithTheParser) {
    const Packet quoted = over_ipv6(test::tcp().ack());
    for (const Packet& packet :
         {test::tcp().syn().qinq(1, 2), test::icmp_echo(), test::unreachable(test::tcp().ack()).vlan(3),
          over_ipv6(test::udp()).extension(0).extension(60), test::unreachable(quoted), test::arp()}) {
        const test::Bytes whole = packet.bytes();
        for (std::size_t size = 0; size <= whole.size(); ++size) {
            const test::Frames frames = [&] {
                test::Frames one;
                one.add(std::span(whole).first(size));
                return one;
            }();
            const std::uint16_t owner = kOwners.of(frames[0]);
            const std::uint16_t expected = twin(frames[0]);
            // Of a cut TCP or UDP packet the addresses may be there: it dies where it is sent to.
            if (expected != Owners::kAnybody || size == whole.size()) {
                EXPECT_EQ(owner, expected) << size;
            }
        }
    }
}

TEST(Owners, AgreeWithTheParserOnFramesOfAnyBytes) {
    std::mt19937_64 random(7);
    const std::array<Packet, 5> kinds{test::tcp().ack(), test::icmp_echo(), over_ipv6(test::tcp()),
                                      test::unreachable(over_ipv6(test::udp())),
                                      over_ipv6(test::udp()).extension(43, 16)};
    for (int round = 0; round < 20'000; ++round) {
        test::Bytes bytes = kinds[random() % kinds.size()].bytes();
        for (int change = 0; change < 3; ++change) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        test::Frames frames;
        frames.add(bytes);
        const std::uint16_t expected = twin(frames[0]);
        if (expected == Owners::kAnybody) continue;
        ASSERT_EQ(kOwners.of(frames[0]), expected) << "seed 7, round " << round;
    }
}

TEST(Owners, ShareTheHostsOfASiteEvenly) {
    const Owners four(4, kSeed);
    std::array<int, 4> v4{};
    std::array<int, 4> v6{};
    net::Address host = test::address("2001:db8::");
    for (std::uint32_t i = 0; i < 4000; ++i) {
        ++v4[four.of(net::Address::v4(0x0a000000 + i).bytes, net::Address::v4(0x0a010009).bytes)];
        host.bytes[14] = static_cast<std::uint8_t>(i >> 8);
        host.bytes[15] = static_cast<std::uint8_t>(i);
        ++v6[four.of(host.bytes, test::address("2001:db8:1::9").bytes)];
    }
    for (const auto& counts : {v4, v6})
        for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(Owners, NobodyKnowsThemWithoutTheSeed) {
    const Owners other(64, kSeed + 1);
    int same = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const auto host = net::Address::v4(0x0a000000 + i).bytes;
        const auto server = net::Address::v4(0x0a010009).bytes;
        same += kOwners.of(host, server) == other.of(host, server) ? 1 : 0;
    }
    EXPECT_LT(same, 60);
}

}  // namespace
}  // namespace drywall::io
