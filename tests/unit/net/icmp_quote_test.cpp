#include <gtest/gtest.h>

#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

const Packet kTcp6 = tcp().syn().from("2001:db8::1", 40000).to("2001:db8:1::9", 8080);

std::optional<PacketMeta> quote_of(std::span<const std::uint8_t> frame) {
    const Frames frames = only(frame, 5);
    return parse_icmp_quote(frames[0], parse(frames[0]));
}

std::optional<PacketMeta> quote_of(const Packet& packet) { return quote_of(packet.bytes()); }

TEST(IcmpQuote, NamesTheQuotedFlow) {
    for (const Packet& about : {tcp().syn(), udp().payload(40), sctp().payload(8), icmp_echo(), kTcp6,
                                udp().from("2001:db8::1", 5).to("2001:db8::2", 6), tcp().ip_options(8)}) {
        for (const Packet& error : {unreachable(about), time_exceeded(about), packet_too_big(about)}) {
            const auto quote = quote_of(error);
            ASSERT_TRUE(quote);
            EXPECT_EQ(quote->tuple, about.entering(5).tuple()) << "the port is the one that the error entered by";
        }
    }
}

TEST(IcmpQuote, CarriesTheIdentifierOfAQuotedEcho) {
    EXPECT_EQ(quote_of(time_exceeded(icmp_echo().id(0x77)))->icmp_id, 0x77);
}

TEST(IcmpQuote, IsFoundBehindTagsOptionsAndExtensionHeaders) {
    EXPECT_EQ(quote_of(unreachable(tcp()).qinq(1, 2).ip_options(12))->tuple, tcp().entering(5).tuple());
    EXPECT_EQ(quote_of(unreachable(kTcp6.extension(60)).extension(0))->tuple, kTcp6.entering(5).tuple());
}

TEST(IcmpQuote, EightBytesOfTheUpperLayerAreEnough) {
    const Packet about = tcp().syn().tcp_options(20).payload(400);
    const Packet error = icmp_error(11, 0, about);
    Bytes frame = error.bytes();
    frame.resize(14 + 20 + 8 + 20 + 8);
    frame[14 + 2] = 0;
    frame[14 + 3] = 20 + 8 + 20 + 8;
    const auto quote = quote_of(frame);
    ASSERT_TRUE(quote);
    EXPECT_EQ(quote->tuple, about.entering(5).tuple());
    EXPECT_EQ(quote->tcp_flags, 0) << "the flags were not quoted";
}

TEST(IcmpQuote, LessThanEightBytesNameNoFlow) {
    const Bytes whole = icmp_error(3, 3, udp()).bytes();
    for (std::size_t quoted = 0; quoted < 28; ++quoted) {
        Bytes frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(14 + 20 + 8 + quoted));
        frame[14 + 3] = static_cast<std::uint8_t>(28 + quoted);
        EXPECT_FALSE(quote_of(Bytes(frame))) << quoted;
        frame.resize(120);
        EXPECT_FALSE(quote_of(Bytes(frame))) << quoted << ", padding must not complete it";
    }
    EXPECT_TRUE(quote_of(whole));
}

TEST(IcmpQuote, OnlyErrorsQuote) {
    for (const Packet& packet : {icmp_echo().payload(60), icmp(13, 0).payload(60), tcp().payload(60), udp().payload(60),
                                 icmp_echo().from("2001:db8::1").to("2001:db8::2").payload(80), arp()})
        EXPECT_FALSE(quote_of(packet));
}

TEST(IcmpQuote, TypesOfTheOtherFamilyAreNoErrors) {
    EXPECT_FALSE(quote_of(icmp_error(11, 0, kTcp6)));  // 11 is an error of ICMP, not of ICMPv6
    EXPECT_FALSE(quote_of(icmp_error(1, 0, tcp())));
}

TEST(IcmpQuote, AQuotedLaterFragmentNamesNoFlow) {
    EXPECT_FALSE(quote_of(unreachable(udp().payload(40).fragment(64, false, 9))));
    EXPECT_TRUE(quote_of(unreachable(udp().payload(40).fragment(0, true, 9))));
}

TEST(IcmpQuote, AFragmentOfAnErrorIsTrustedOnlyIfItIsTheFirst) {
    const auto pieces = unreachable(udp().payload(200)).fragments(64, 3);
    EXPECT_TRUE(quote_of(pieces[0]));
    EXPECT_FALSE(quote_of(pieces[1]));
}

TEST(IcmpQuote, AMalformedErrorQuotesNothing) {
    Bytes frame = unreachable(udp()).bytes();
    frame.resize(frame.size() - 1);
    EXPECT_FALSE(quote_of(frame));
}

TEST(IcmpQuote, AQuotedHeaderThatLiesNamesNoFlow) {
    Bytes frame = unreachable(udp()).bytes();
    frame[14 + 20 + 8] = 0x41;  // a header of four bytes
    EXPECT_FALSE(quote_of(frame));
    frame[14 + 20 + 8] = 0x65;  // IPv6 inside IPv4
    EXPECT_FALSE(quote_of(frame));
}

}  // namespace
}  // namespace drywall::net
