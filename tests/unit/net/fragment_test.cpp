#include "drywall/net/fragment.h"

#include <gtest/gtest.h>

#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

FragmentRange range_of(const Packet& packet) {
    const Frames frames{packet};
    return fragment_range(frames[0], parse(frames[0]));
}

TEST(Fragment, ThePiecesOfADatagramStandSideBySide) {
    const Packet v4 = udp().payload(92).ip_options(8);
    const Packet v6 = udp().from("2001:db8::1").to("2001:db8::2").payload(92).extension(0).extension(60, 16);
    for (const Packet& whole : {v4, v6, v4.qinq(1, 2).padded(60)}) {
        const std::vector<Packet> pieces = whole.fragments(48, 7);
        ASSERT_EQ(pieces.size(), 3U);
        EXPECT_EQ(range_of(pieces[0]), (FragmentRange{0, 48, false}));
        EXPECT_EQ(range_of(pieces[1]), (FragmentRange{48, 96, false}));
        EXPECT_EQ(range_of(pieces[2]), (FragmentRange{96, 100, true}));
    }
}

TEST(Fragment, PaddingIsNotPartOfIt) {
    EXPECT_EQ(range_of(udp().payload(16).fragment(8, true, 1).padded(60)), (FragmentRange{8, 24, false}));
}

DropReason malformed(const Packet& packet) { return parsed(packet).malformed; }

TEST(Fragment, ThatReachesIntoTheTcpHeaderIsTiny) {
    const Packet v6 = tcp().from("2001:db8::1").to("2001:db8::2");
    for (const Packet& packet : {tcp(), v6}) {
        EXPECT_EQ(malformed(packet.payload(32).fragment(8, true, 1)), DropReason::kFragmentTiny);
        EXPECT_EQ(malformed(packet.payload(32).fragment(16, false, 1)), DropReason::kFragmentTiny);
        EXPECT_EQ(malformed(packet.payload(32).fragment(24, false, 1)), DropReason::kNone);
    }
    EXPECT_EQ(malformed(udp().payload(32).fragment(8, true, 1)), DropReason::kNone) << "UDP's header is 8 bytes";
}

TEST(Fragment, WithMoreBehindItCarriesAMultipleOfEight) {
    EXPECT_EQ(malformed(udp().payload(30).fragment(64, true, 1)), DropReason::kBadHeader);
    EXPECT_EQ(malformed(udp().payload(30).fragment(64, false, 1)), DropReason::kNone);
}

TEST(Fragment, WithoutDataBelongsToNothing) {
    EXPECT_EQ(malformed(udp().payload(0).fragment(64, true, 1)), DropReason::kFragmentTiny);
    EXPECT_EQ(malformed(udp().payload(0).fragment(64, false, 1)), DropReason::kFragmentTiny);
}

TEST(Fragment, OfIPv6HasItsWholeHeaderChainInTheFirst) {
    const Packet datagram = tcp().from("2001:db8::1").to("2001:db8::2").payload(64);
    for (const std::uint16_t bytes : {8, 16})
        EXPECT_EQ(malformed(datagram.fragments(bytes, 1).front()), DropReason::kFragmentHeaders) << bytes;
    EXPECT_EQ(malformed(datagram.fragments(24, 1).front()), DropReason::kNone);
}

Bytes with_option(std::initializer_list<std::uint8_t> option) {
    Bytes frame = udp().ip_options(12).bytes();
    std::copy(option.begin(), option.end(), frame.begin() + 14 + 20);
    return frame;
}

TEST(IPv4Options, ThatChooseOrRecordTheWayAreRefused) {
    EXPECT_EQ(parsed(with_option({131, 7, 4, 10, 0, 0, 1})).malformed, DropReason::kIpOption);
    EXPECT_EQ(parsed(with_option({137, 7, 4, 10, 0, 0, 1})).malformed, DropReason::kIpOption);
    EXPECT_EQ(parsed(with_option({7, 7, 4, 0, 0, 0, 0})).malformed, DropReason::kIpOption);
    EXPECT_EQ(parsed(with_option({1, 1, 7, 7, 4, 0, 0, 0, 0})).malformed, DropReason::kIpOption) << "behind others";
    EXPECT_EQ(parsed(with_option({148, 4, 0, 0})).malformed, DropReason::kNone) << "router alert";
    EXPECT_EQ(parsed(with_option({0, 131, 7, 4})).malformed, DropReason::kNone) << "behind the end of the list";
}

TEST(IPv4Options, ThatReachPastTheHeaderAreBad) {
    EXPECT_EQ(parsed(with_option({68, 13})).malformed, DropReason::kBadHeader);
    EXPECT_EQ(parsed(with_option({68, 12})).malformed, DropReason::kNone);
    EXPECT_EQ(parsed(with_option({68, 1})).malformed, DropReason::kBadHeader);
    EXPECT_EQ(parsed(with_option({68, 0})).malformed, DropReason::kBadHeader);
    EXPECT_EQ(parsed(with_option({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 68})).malformed, DropReason::kBadHeader);
}

}  // namespace
}  // namespace drywall::net
