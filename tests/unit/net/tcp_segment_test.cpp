#include "drywall/net/tcp_segment.h"

#include <gtest/gtest.h>

#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

TcpSegment segment_of(const Packet& packet) {
    const Frames frames{packet};
    return read_tcp_segment(frames[0], parse(frames[0]));
}

Packet over_ipv6(const Packet& packet) { return packet.from("2001:db8::1", 40000).to("2001:db8:1::9", 8080); }

TEST(TcpSegment, SaysNumbersWindowAndFlags) {
    const TcpSegment segment = segment_of(tcp().ack().fin().sequence(0xfedc'ba98, 0x1234'5678).window(4711));
    EXPECT_EQ(segment.sequence, 0xfedc'ba98U);
    EXPECT_EQ(segment.acknowledged, 0x1234'5678U);
    EXPECT_EQ(segment.window, 4711);
    EXPECT_EQ(segment.flags, tcp_flag::kAck | tcp_flag::kFin);
    EXPECT_EQ(segment.end(), 0xfedc'ba99U);
}

TEST(TcpSegment, ItsPayloadEndsWhereTheIpHeaderSaysNotTheFrame) {
    EXPECT_EQ(segment_of(tcp().ack().padded(60)).payload, 0U);
    EXPECT_EQ(segment_of(tcp().ack().payload(1).tcp_options(40).ip_options(20).padded(1500)).payload, 1U);
    EXPECT_EQ(segment_of(tcp().ack().payload(1400).vlan(5)).payload, 1400U);
    EXPECT_EQ(segment_of(over_ipv6(tcp().ack().payload(77)).extension(0).extension(60, 16).padded(300)).payload, 77U);
    EXPECT_EQ(segment_of(tcp().ack().payload(65'000)).payload, 65'000U);
}

TEST(TcpSegment, ItsPayloadIsFoundBehindOptionsAndBeforePadding) {
    const Frames frames{tcp().ack().payload(5).tcp_options(12).ip_options(8).padded(200)};
    const std::span<const std::uint8_t> payload = tcp_payload(frames[0], parse(frames[0]));
    EXPECT_EQ(payload.size(), 5U);
    EXPECT_EQ(payload.data(), frames[0].data + 14 + 28 + 32);
    FrameView cut = frames[0];
    cut.contiguous = 14 + 28 + 32 + 3;
    EXPECT_EQ(tcp_payload(cut, parse(cut)).size(), 3U) << "only what can be read";
    const Frames empty{tcp().ack().padded(60)};
    EXPECT_TRUE(tcp_payload(empty[0], parse(empty[0])).empty());
}

TEST(TcpSegment, OfAFragmentOnlyTheFirstPartIsKnown) {
    const Packet first = tcp().ack().payload(400).fragments(200, 7).front();
    EXPECT_TRUE(segment_of(first).cut);
    EXPECT_EQ(segment_of(first).payload, 180U);
    EXPECT_FALSE(segment_of(tcp().ack().payload(400)).cut);
}

TEST(TcpSegment, TheScaleIsReadFromASynOnly) {
    EXPECT_EQ(segment_of(tcp().syn().window_scale(7)).scale, 7);
    EXPECT_EQ(segment_of(tcp().syn().ack().tcp_options(20).window_scale(9)).scale, 9);
    EXPECT_EQ(segment_of(tcp().syn().window_scale(0)).scale, 0);
    EXPECT_EQ(segment_of(tcp().syn().window_scale(200)).scale, 14) << "as RFC 7323 has it";
    EXPECT_EQ(segment_of(tcp().syn()).scale, std::nullopt);
    EXPECT_EQ(segment_of(tcp().ack().window_scale(7)).scale, std::nullopt);
}

TEST(TcpSegment, OptionsThatLieAreNotFollowed) {
    const auto with_options = [](std::initializer_list<std::uint8_t> options) {
        Bytes frame = tcp().syn().tcp_options(8).bytes();
        std::copy(options.begin(), options.end(), frame.begin() + 14 + 20 + 20);
        const Frames frames = only(frame);
        return read_tcp_segment(frames[0], parse(frames[0])).scale;
    };
    EXPECT_EQ(with_options({2, 4, 5, 180, 3, 3, 7, 0}), 7);
    EXPECT_EQ(with_options({0, 3, 3, 7, 1, 1, 1, 1}), std::nullopt) << "behind the end of options";
    EXPECT_EQ(with_options({2, 9, 5, 180, 3, 3, 7, 0}), std::nullopt) << "past the end";
    EXPECT_EQ(with_options({2, 0, 3, 3, 7, 1, 1, 1}), std::nullopt) << "of no length";
    EXPECT_EQ(with_options({1, 1, 1, 1, 1, 3, 3, 7}), 7);
    EXPECT_EQ(with_options({1, 1, 1, 1, 1, 1, 3, 3}), std::nullopt) << "its value is missing";
    EXPECT_EQ(with_options({1, 1, 1, 1, 1, 1, 1, 3}), std::nullopt) << "its length is missing";
}

TEST(TcpSegment, OptionsBehindTheReadablePartAreNotRead) {
    const Bytes frame = tcp().syn().tcp_options(12).window_scale(7).bytes();
    FrameView cut = view(frame);
    cut.contiguous = 14 + 20 + 20 + 14;
    EXPECT_EQ(read_tcp_segment(cut, parse(cut)).scale, std::nullopt);
}

TEST(TcpSegment, FlagsThatNoSegmentHasAreImpossible) {
    const auto possible = {0x02, 0x12, 0x10, 0x11, 0x04, 0x14};
    for (unsigned flags = 0; flags < 256; ++flags) {
        const auto looked_at = static_cast<int>(flags & 0x17U);  // PSH, URG, ECE and CWR come with any
        const bool expected = std::find(possible.begin(), possible.end(), looked_at) != possible.end();
        EXPECT_EQ(is_possible(static_cast<std::uint8_t>(flags)), expected) << flags;
    }
}

TEST(TcpSegment, AnErrorQuotesItsNumber) {
    for (const Packet& about :
         {tcp().ack().sequence(0xdead'beef, 1), over_ipv6(tcp().ack().sequence(0xdead'beef, 1))}) {
        const Frames frames{unreachable(about)};
        const auto quote = parse_icmp_quote(frames[0], parse(frames[0]));
        ASSERT_TRUE(quote);
        EXPECT_EQ(quoted_tcp_sequence(frames[0], *quote), 0xdead'beefU);
    }
}

TEST(TcpSegment, APacketTooBigAnnouncesWhatWouldFit) {
    const auto mtu_of = [](const Packet& packet) {
        const Frames frames{packet};
        return announced_mtu(frames[0], parse(frames[0]));
    };
    EXPECT_EQ(mtu_of(packet_too_big(tcp()).mtu(1400)), 1400U);
    EXPECT_EQ(mtu_of(packet_too_big(over_ipv6(tcp())).mtu(70'000)), 70'000U);
    EXPECT_EQ(mtu_of(unreachable(tcp())), std::nullopt);
    EXPECT_EQ(mtu_of(unreachable(over_ipv6(tcp()))), std::nullopt);
    EXPECT_EQ(mtu_of(icmp_echo()), std::nullopt);
}

}  // namespace
}  // namespace drywall::net
