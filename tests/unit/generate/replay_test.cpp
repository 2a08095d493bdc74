// Replays: packets of a capture with their timing, rewritten, signed; checksums computed a second time.
#include <gtest/gtest.h>

#include "checksums.h"
#include "drywall/io/pcap_file.h"
#include "packets.h"
#include "replay_source.h"
#include "rewrite.h"
#include "temporary_folder.h"

namespace drywall::generate {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::Packet;

class Replay : public testing::Test {
protected:
    // A stream that replays these packets, a millisecond between each and the next.
    loader::StreamProfile stream(std::initializer_list<Bytes> packets) {
        std::vector<io::CapturedFrame> frames;
        for (const Bytes& bytes : packets)
            frames.push_back({1s + 1ms * frames.size(), bytes, static_cast<std::uint32_t>(bytes.size())});
        auto profile = loader::default_stream("r", "a", "b");
        profile.place = {"p.yaml", 3, 1};
        profile.replay.emplace();
        profile.replay->file = (folder_.path() / "x.pcap").string();
        EXPECT_TRUE(io::write_pcap(profile.replay->file, frames));
        return profile;
    }

    static std::unique_ptr<ReplaySource> source(const loader::StreamProfile& profile) {
        auto made = ReplaySource::create(profile);
        EXPECT_TRUE(made) << made.error().text();
        return made ? *std::move(made) : nullptr;
    }

    static Bytes packet(const ReplaySource& source, std::uint64_t n) {
        Bytes bytes(source.length(n), 0xaa);
        source.write(bytes.data(), static_cast<std::uint16_t>(bytes.size()), n,
                     {0xfedcba98, 1, static_cast<std::uint32_t>(n), 0x1122334455 * (n + 1)});
        return bytes;
    }

    test::TemporaryFolder folder_;
};

std::vector<Packet> all_kinds() {
    std::vector<Packet> kinds;
    for (const std::size_t payload : {0U, 1U, 33U, 100U})
        for (const bool v6 : {false, true}) {
            for (const Packet& kind : {test::tcp().ack(), test::udp(), test::icmp_echo()}) {
                Packet one = kind.payload(payload);
                one = v6 ? one.from("2001:db8::1", 1000).to("2001:db8:1::1", 80)
                         : one.from("10.0.0.1", 1000).to("10.1.0.9", 80);
                kinds.push_back(one);
                kinds.push_back(one.vlan(7));
                kinds.push_back(one.qinq(5, 6).padded(90));
            }
        }
    return kinds;
}

TEST_F(Replay, PacketsAreThoseOfTheFileAgainAndAgain) {
    const Bytes one = test::tcp().syn().bytes();
    const Bytes two = test::udp().payload(100).bytes();
    auto profile = stream({one, two});
    profile.replay->loops = 3;
    const auto replay = source(profile);
    EXPECT_EQ(packet(*replay, 0), one);
    EXPECT_EQ(packet(*replay, 3), two);
    EXPECT_EQ(replay->packets(), 6U);
    EXPECT_FALSE(replay->has_signature());
    EXPECT_DOUBLE_EQ(replay->mean_length(), static_cast<double>(one.size() + two.size()) / 2);
    profile.replay->loops = 0;
    EXPECT_FALSE(source(profile)->packets());
}

TEST_F(Replay, TimesAreThoseOfTheFileAtItsSpeed) {
    const Bytes one = test::udp().bytes();
    auto profile = stream({one, one, one});
    const Schedule recorded = source(profile)->times();
    EXPECT_EQ(recorded.due(0), 1U);
    EXPECT_EQ(recorded.due(0.00101), 2U);
    EXPECT_EQ(recorded.due(0.00201), 3U);
    EXPECT_EQ(recorded.due(0.00301), 4U) << "the next round";
    profile.replay->speed = 10.0;
    EXPECT_EQ(source(profile)->times().due(0.000101), 2U);
    profile.replay->speed.reset();
    EXPECT_TRUE(source(profile)->times().is_maximum());
}

TEST_F(Replay, ASignatureIsAppendedAndEveryChecksumFollows) {
    for (const Packet& kind : all_kinds()) {
        auto profile = stream({kind.bytes()});
        profile.replay->signature = true;
        const auto replay = source(profile);
        for (std::uint64_t n = 0; n < 5; ++n) {
            const Bytes frame = packet(*replay, n);
            const auto meta = net::parse(test::view(frame));
            ASSERT_EQ(meta.malformed, DropReason::kNone);
            EXPECT_EQ(meta.tuple, kind.tuple());
            test::expect_right_checksums(frame, meta);
            EXPECT_EQ(Signature::read(frame.data() + frame.size() - kSignatureBytes).sequence, n);
        }
    }
}

TEST_F(Replay, AddressesPortsMacsAndTagsAreRewrittenAndEveryChecksumFollows) {
    for (const Packet& kind : all_kinds())
        for (const bool with_signature : {false, true}) {
            auto profile = stream({kind.bytes()});
            auto& replay = *profile.replay;
            replay.signature = with_signature;
            replay.source_mac = loader::MacAddress{2, 1, 1, 1, 1, 1};
            replay.vlan = 99;
            replay.addresses = {
                {*net::Prefix::parse_strict("10.0.0.0/15"), *net::Prefix::parse_strict("192.168.0.0/15")},
                {*net::Prefix::parse_strict("2001:db8:1::/49"), *net::Prefix::parse_strict("fd00:0:0:8000::/49")}};
            replay.ports = {{80, 8080}, {1000, 2}};
            const Bytes frame = packet(*source(profile), 0);
            const auto meta = net::parse(test::view(frame));
            ASSERT_EQ(meta.malformed, DropReason::kNone);
            test::expect_right_checksums(frame, meta);
            const bool v4 = meta.tuple.family == net::Family::kIPv4;
            EXPECT_EQ(meta.tuple.source, net::Address::parse(v4 ? "192.168.0.1" : "2001:db8::1")->bytes);
            EXPECT_EQ(meta.tuple.destination, net::Address::parse(v4 ? "192.169.0.9" : "fd00:0:0:8000::1")->bytes);
            if (net::has_ports(meta.tuple.protocol)) {
                EXPECT_EQ(meta.tuple.source_port, 2);
                EXPECT_EQ(meta.tuple.destination_port, 8080);
            }
            EXPECT_EQ(Bytes(frame.begin() + 6, frame.begin() + 16), (Bytes{2, 1, 1, 1, 1, 1, 0x81, 0, 0, 99}));
            EXPECT_EQ(meta.l3_offset, 18);
        }
}

TEST_F(Replay, TagsCanBeTakenAway) {
    auto profile = stream({test::udp().qinq(5, 6).payload(30).bytes()});
    profile.replay->vlan = 0;
    EXPECT_EQ(packet(*source(profile), 0), test::udp().payload(30).bytes());
}

TEST_F(Replay, WhatCantCarryASignatureIsRefusedByItsNumber) {
    auto profile = stream({test::udp().bytes(), test::arp().bytes()});
    EXPECT_TRUE(ReplaySource::create(profile));
    profile.replay->signature = true;
    const auto refused = ReplaySource::create(profile);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("p.yaml:3:1: stream 'r': packet 2 of "), std::string::npos)
        << refused.error().text();
    profile.replay->file = "/nowhere.pcap";
    EXPECT_FALSE(ReplaySource::create(profile));
    EXPECT_FALSE(ReplaySource::create(stream({})));
}

TEST_F(Replay, GarbageIsSentAsItIs) {
    std::uint32_t state = 1;
    for (int round = 0; round < 2000; ++round) {
        Bytes frame = test::udp().from("10.0.0.1", 1000).to("10.1.0.9", 80).payload(20).bytes();
        for (int i = 0; i < 3; ++i) {
            state = state * 1664525U + 1013904223U;
            frame[(state >> 8U) % frame.size()] = static_cast<std::uint8_t>(state >> 24U);
        }
        frame.resize(14 + (state >> 10U) % (frame.size() - 14));
        loader::ReplayProfile how;
        how.addresses = {{*net::Prefix::parse_strict("10.0.0.0/8"), *net::Prefix::parse_strict("11.0.0.0/8")}};
        how.ports = {{80, 81}};
        how.vlan = 3;
        rewrite(how, frame);
        (void)append_room(frame, kSignatureBytes);
    }
}

}  // namespace
}  // namespace drywall::generate
