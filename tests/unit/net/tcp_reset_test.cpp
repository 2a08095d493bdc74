#include "drywall/net/tcp_reset.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "drywall/net/checksum.h"
#include "drywall/net/tcp_segment.h"
#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

Bytes reset_of(const Packet& packet, ResetTo to) {
    const Frames frames{packet};
    Bytes out(kMaxResetBytes);
    out.resize(write_tcp_reset(frames[0], parse(frames[0]), to, out));
    return out;
}

// The sum over addresses, protocol, length and segment of a right checksum is all ones (RFC 9293 3.1).
bool has_right_tcp_checksum(const Bytes& frame) {
    const PacketMeta meta = parse(view(frame));
    const bool v4 = meta.tuple.family == Family::kIPv4;
    const std::uint8_t* ip = frame.data() + meta.l3_offset;
    const std::uint64_t addresses = v4 ? word_sum(ip + 12, 8) : word_sum(ip + 8, 32);
    return folded(addresses + protocol::kTcp + 20 + word_sum(frame.data() + meta.l4_offset, 20)) == 0xffff;
}

class TcpReset : public testing::TestWithParam<bool> {
protected:
    static Packet segment() {
        Packet packet = tcp().ack().sequence(1000, 2000).payload(77).tcp_options(12);
        return GetParam() ? packet.from("2001:db8::1", 40000).to("2001:db8:1::9", 8080) : packet.ip_options(8);
    }
};

TEST_P(TcpReset, ToTheSenderComesFromTheReceiverWithTheNumberThatWasAcknowledged) {
    const Frames original{segment()};
    const PacketMeta before = parse(original[0]);
    const Bytes frame = reset_of(segment(), ResetTo::kSender);
    const PacketMeta meta = parse(view(frame));
    ASSERT_EQ(meta.malformed, DropReason::kNone);
    EXPECT_EQ(meta.tuple.source, before.tuple.destination);
    EXPECT_EQ(meta.tuple.destination, before.tuple.source);
    EXPECT_EQ(meta.tuple.source_port, before.tuple.destination_port);
    EXPECT_EQ(meta.tuple.destination_port, before.tuple.source_port);
    EXPECT_TRUE(std::equal(frame.begin(), frame.begin() + 6, original[0].data + 6)) << "the MAC addresses turn round";
    const TcpSegment reset = read_tcp_segment(view(frame), meta);
    EXPECT_EQ(reset.flags, tcp_flag::kRst | tcp_flag::kAck);
    EXPECT_EQ(reset.sequence, 2000U);
    EXPECT_EQ(reset.acknowledged, 1077U);
    EXPECT_EQ(reset.payload, 0U);
    EXPECT_TRUE(has_right_tcp_checksum(frame));
    EXPECT_TRUE(has_right_checksum(view(frame), meta));
    EXPECT_GE(frame.size(), 60U);
}

TEST_P(TcpReset, ToTheReceiverStandsInForTheSegment) {
    const Frames original{segment()};
    const Bytes frame = reset_of(segment(), ResetTo::kReceiver);
    const PacketMeta meta = parse(view(frame));
    EXPECT_EQ(meta.tuple, parse(original[0]).tuple);
    EXPECT_TRUE(std::equal(frame.begin(), frame.begin() + 12, original[0].data));
    const TcpSegment reset = read_tcp_segment(view(frame), meta);
    EXPECT_EQ(reset.flags, tcp_flag::kRst | tcp_flag::kAck);
    EXPECT_EQ(reset.sequence, 1000U);
    EXPECT_EQ(reset.acknowledged, 2000U);
    EXPECT_TRUE(has_right_tcp_checksum(frame));
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, TcpReset, testing::Bool());

TEST(TcpResetFrame, KeepsTheTags) {
    const Bytes frame = reset_of(tcp().ack().payload(5).vlan(7), ResetTo::kSender);
    const Frames original{tcp().ack().payload(5).vlan(7)};
    EXPECT_TRUE(std::equal(frame.begin() + 12, frame.begin() + 18, original[0].data + 12));
    EXPECT_EQ(parse(view(frame)).l3_offset, 18U);
}

TEST(TcpResetFrame, WhatAcknowledgesNothingIsNotAnswered) {
    EXPECT_TRUE(reset_of(tcp().syn(), ResetTo::kSender).empty());
    EXPECT_FALSE(reset_of(tcp().syn(), ResetTo::kReceiver).empty());
}

TEST(TcpResetFrame, ThatDoesNotFitIsNotWritten) {
    const Frames frames{tcp().ack()};
    std::array<std::uint8_t, 59> small{};
    EXPECT_EQ(write_tcp_reset(frames[0], parse(frames[0]), ResetTo::kSender, small), 0U);
}

}  // namespace
}  // namespace drywall::net
