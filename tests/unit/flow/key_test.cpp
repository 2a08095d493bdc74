#include "drywall/flow/key.h"

#include <gtest/gtest.h>

#include "keys.h"

namespace drywall::flow {
namespace {

constexpr std::uint32_t kClient = 0x0a000001;
constexpr std::uint32_t kServer = 0x0a010009;

TEST(FlowKey, BothDirectionsShareAKeyAndDifferInTheSide) {
    const Keyed request = keyed_across(packet(6, kClient, 40000, kServer, 8080, kLan));
    const Keyed reply = keyed_across(packet(6, kServer, 8080, kClient, 40000, kWan));
    EXPECT_EQ(request.key, reply.key);
    EXPECT_EQ(request.sender, Side::kNear);
    EXPECT_EQ(reply.sender, Side::kFar);
}

TEST(FlowKey, AnotherPairOfPortsIsAnotherConnection) {
    const net::PacketMeta here = packet(6, kClient, 40000, kServer, 8080, PortId{0});
    const net::PacketMeta there = packet(6, kClient, 40000, kServer, 8080, PortId{2});
    EXPECT_NE(keyed(here, PortId{1})->key, keyed(there, PortId{3})->key);
}

TEST(FlowKey, ThePacketFromTheWrongSideOfTheWireIsAnotherConnection) {
    const net::PacketMeta right = packet(6, kClient, 40000, kServer, 8080, kLan);
    const net::PacketMeta spoofed = packet(6, kClient, 40000, kServer, 8080, kWan);
    EXPECT_NE(keyed_across(right).key, keyed_across(spoofed).key);
}

TEST(FlowKey, ProtocolAndFamilySetConnectionsApart) {
    const Keyed tcp = keyed_across(packet(6, kClient, 53, kServer, 53));
    const Keyed udp = keyed_across(packet(17, kClient, 53, kServer, 53));
    net::PacketMeta v6 = packet(6, kClient, 53, kServer, 53);
    v6.tuple.family = net::Family::kIPv6;
    EXPECT_NE(tcp.key, udp.key);
    EXPECT_NE(tcp.key, keyed_across(v6).key);
}

TEST(FlowKey, APortPairedWithItselfOrdersByAddress) {
    const Keyed request = keyed(packet(6, kClient, 40000, kServer, 8080, kLan), kLan).value();
    const Keyed reply = keyed(packet(6, kServer, 8080, kClient, 40000, kLan), kLan).value();
    EXPECT_EQ(request.key, reply.key);
    EXPECT_NE(request.sender, reply.sender);
}

TEST(FlowKey, AnEchoReplySharesTheKeyOfItsRequest) {
    const Keyed request = keyed_across(icmp(8, 77, kClient, kServer, kLan));
    const Keyed reply = keyed_across(icmp(0, 77, kServer, kClient, kWan));
    EXPECT_EQ(request.key, reply.key);
    EXPECT_NE(request.sender, reply.sender);
    EXPECT_NE(request.key, keyed_across(icmp(8, 78, kClient, kServer, kLan)).key);
}

TEST(FlowKey, ATimestampReplySharesTheKeyOfItsRequestButNotOfAnEcho) {
    const Keyed request = keyed_across(icmp(13, 77, kClient, kServer, kLan));
    EXPECT_EQ(request.key, keyed_across(icmp(14, 77, kServer, kClient, kWan)).key);
    EXPECT_NE(request.key, keyed_across(icmp(8, 77, kClient, kServer, kLan)).key);
}

TEST(FlowKey, PingsInBothDirectionsWithOneIdentifierAreTwoConnections) {
    const Keyed there = keyed_across(icmp(8, 77, kClient, kServer, kLan));
    const Keyed back = keyed_across(icmp(8, 77, kServer, kClient, kWan));
    EXPECT_NE(there.key, back.key);
}

TEST(FlowKey, Icmpv6EchoIsTracked) {
    net::PacketMeta request = packet(net::protocol::kIcmpv6, 1, 0, 2, 128 << 8, kLan);
    net::PacketMeta reply = packet(net::protocol::kIcmpv6, 2, 0, 1, 129 << 8, kWan);
    request.tuple.family = reply.tuple.family = net::Family::kIPv6;
    request.icmp_id = reply.icmp_id = 5;
    EXPECT_EQ(keyed_across(request).key, keyed_across(reply).key);
}

TEST(FlowKey, OneWayIcmpAndLaterFragmentsAreNotTracked) {
    EXPECT_FALSE(keyed(icmp(3, 0, kClient, kServer, kLan), kWan));
    EXPECT_FALSE(keyed(icmp(5, 0, kClient, kServer, kLan), kWan));
    net::PacketMeta odd_code = icmp(8, 1, kClient, kServer, kLan);
    odd_code.tuple.destination_port |= 1;
    EXPECT_FALSE(keyed(odd_code, kWan));
    net::PacketMeta later = packet(17, kClient, 0, kServer, 0);
    later.fragment = net::FragmentKind::kLater;
    EXPECT_FALSE(keyed(later, kWan));
}

TEST(FlowKey, RepliesAreToldFromRequests) {
    EXPECT_TRUE(is_icmp_reply(icmp(0, 1, kClient, kServer, kLan).tuple));
    EXPECT_TRUE(is_icmp_reply(icmp(14, 1, kClient, kServer, kLan).tuple));
    EXPECT_FALSE(is_icmp_reply(icmp(8, 1, kClient, kServer, kLan).tuple));
    EXPECT_FALSE(is_icmp_reply(icmp(3, 1, kClient, kServer, kLan).tuple));
}

}  // namespace
}  // namespace drywall::flow
