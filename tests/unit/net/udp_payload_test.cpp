#include "drywall/net/udp_payload.h"

#include <gtest/gtest.h>

#include <string>

#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

std::string payload_of(FrameView frame) {
    const auto bytes = udp_payload(frame, parse(frame));
    return {bytes.begin(), bytes.end()};
}

TEST(UdpPayload, IsWhatTheHeaderSaysWithoutPadding) {
    EXPECT_EQ(payload_of(Frames{udp().payload("abc").padded(60)}[0]), "abc");
    EXPECT_EQ(payload_of(Frames{udp().payload("abc").vlan(3).ip_options(8)}[0]), "abc");
    EXPECT_EQ(payload_of(Frames{udp().from("2001:db8::1", 9).to("2001:db8::2", 53).payload("abc")}[0]), "abc");
    EXPECT_EQ(payload_of(Frames{udp()}[0]), "");
}

TEST(UdpPayload, IsNoMoreThanThereIs) {
    Bytes frame = udp().payload("abcdef").bytes();
    frame[14 + 20 + 5] = 8 + 4;
    EXPECT_EQ(payload_of(view(frame)), "abcd");
    frame[14 + 20 + 5] = 200;
    EXPECT_EQ(payload_of(view(frame)), "abcdef");
    FrameView cut = view(frame);
    cut.contiguous = 14 + 20 + 8 + 2;
    EXPECT_EQ(payload_of(cut), "ab");
}

}  // namespace
}  // namespace drywall::net
