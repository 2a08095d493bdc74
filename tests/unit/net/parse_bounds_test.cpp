// Lengths that lie and frames that end early. The frames lie at the end of exactly sized heap blocks, so that under
// AddressSanitizer a read of one byte too many fails the test.
#include <random>

#include <gtest/gtest.h>

#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

constexpr std::size_t kIPv4 = 14;  // where the network layer starts in an untagged frame
constexpr std::size_t kIPv6 = 14;
constexpr std::size_t kL4OverIPv4 = kIPv4 + 20;

const Packet kTcp6 = tcp().syn().from("2001:db8::1", 40000).to("2001:db8:1::9", 8080);

void set16(Bytes& frame, std::size_t at, unsigned value) {
    frame.at(at) = static_cast<std::uint8_t>(value >> 8);
    frame.at(at + 1) = static_cast<std::uint8_t>(value);
}

TEST(ParseBounds, AFrameCutAtAnyByteIsTruncated) {
    for (const auto& [name, packet] : ip_samples()) {
        const Bytes frame = packet.bytes();
        for (std::size_t kept = 0; kept < frame.size(); ++kept)
            ASSERT_EQ(parsed(std::span(frame).first(kept)).malformed, DropReason::kTruncated) << name << " at " << kept;
    }
}

TEST(ParseBounds, NonIpIsTruncatedOnlyInsideItsEthernetHeader) {
    const Bytes frame = arp().qinq(1, 2).bytes();
    for (std::size_t kept = 0; kept <= frame.size(); ++kept) {
        const DropReason expected = kept < 22 ? DropReason::kTruncated : DropReason::kNone;
        ASSERT_EQ(parsed(std::span(frame).first(kept)).malformed, expected) << kept;
    }
}

TEST(ParseBounds, OnlyContiguousBytesAreReadOfALongerFrame) {
    for (const auto& [name, packet] : ip_samples()) {
        const Bytes frame = packet.bytes();
        const PacketMeta whole = parsed(packet);
        bool headers_complete = false;
        for (std::size_t kept = 0; kept <= frame.size(); ++kept) {
            const Frames part = only(std::span(frame).first(kept));
            FrameView view = part[0];
            view.length = static_cast<std::uint32_t>(frame.size());
            const PacketMeta meta = parse(view);
            if (meta.malformed == DropReason::kNone) headers_complete = true;
            if (headers_complete) {
                ASSERT_EQ(meta, whole) << name << " with " << kept << " contiguous bytes";
            } else {
                ASSERT_EQ(meta.malformed, DropReason::kTruncated) << name << " with " << kept << " contiguous bytes";
            }
        }
        EXPECT_TRUE(headers_complete) << name;
    }
}

// An honest IP length around an upper layer that is too short.
TEST(ParseBounds, AnUpperLayerHeaderThatIsCutIsTruncated) {
    struct Row {
        std::uint8_t protocol;
        std::size_t header_bytes;
    };
    for (const Row row : {Row{protocol::kTcp, 20}, Row{protocol::kUdp, 8}, Row{protocol::kSctp, 12},
                          Row{protocol::kIcmp, 8}, Row{protocol::kIcmpv6, 8}}) {
        for (std::size_t bytes = 0; bytes < row.header_bytes; ++bytes) {
            const Packet v4 = other(row.protocol).payload(bytes);
            const Packet v6 = v4.from("2001:db8::1").to("2001:db8::2");
            for (const Packet& packet : {v4, v6})
                EXPECT_EQ(parsed(packet).malformed, DropReason::kTruncated) << int{row.protocol} << " " << bytes;
            if (bytes == 0 || bytes % 8 != 0) continue;
            EXPECT_EQ(parsed(v4.fragment(0, true, 1)).malformed, DropReason::kFragmentTiny) << int{row.protocol};
            EXPECT_EQ(parsed(v6.fragment(0, true, 1)).malformed, DropReason::kFragmentHeaders) << int{row.protocol};
            EXPECT_EQ(parsed(v4.fragment(24, true, 1)).malformed, DropReason::kNone) << "later: no header expected";
            EXPECT_EQ(parsed(v6.fragment(24, true, 1)).malformed, DropReason::kNone) << "later: no header expected";
        }
    }
}

TEST(ParseBounds, WrongVersionIsBad) {
    const auto version = [](unsigned value) {
        return [value](Bytes& frame) { frame[14] = static_cast<std::uint8_t>(value << 4 | (frame[14] & 0xf)); };
    };
    EXPECT_EQ(parsed_after(tcp(), version(6)).malformed, DropReason::kBadHeader);
    EXPECT_EQ(parsed_after(tcp(), version(0)).malformed, DropReason::kBadHeader);
    EXPECT_EQ(parsed_after(kTcp6, version(4)).malformed, DropReason::kBadHeader);
}

TEST(ParseBounds, IPv4HeaderLengthThatLies) {
    const auto header_words = [](unsigned words) {
        return [words](Bytes& frame) { frame[kIPv4] = static_cast<std::uint8_t>(0x40 | words); };
    };
    for (unsigned words = 0; words < 5; ++words)
        EXPECT_EQ(parsed_after(tcp(), header_words(words)).malformed, DropReason::kBadHeader) << words;
    // 60 bytes of header in a packet of 40, or of 60 bytes and no room for TCP.
    EXPECT_EQ(parsed_after(tcp(), header_words(15)).malformed, DropReason::kBadHeader);
    EXPECT_EQ(parsed_after(tcp().payload(20), header_words(15)).malformed, DropReason::kBadHeader) << "no options";
}

TEST(ParseBounds, IPv4TotalLengthThatLies) {
    const Packet packet = tcp().payload(10);
    const auto total = [](unsigned bytes) { return [bytes](Bytes& frame) { set16(frame, kIPv4 + 2, bytes); }; };
    for (unsigned bytes = 0; bytes < 20; ++bytes)
        EXPECT_EQ(parsed_after(packet, total(bytes)).malformed, DropReason::kBadHeader) << bytes;
    for (unsigned bytes = 20; bytes < 40; ++bytes)
        EXPECT_EQ(parsed_after(packet, total(bytes)).malformed, DropReason::kTruncated) << bytes;
    for (unsigned bytes = 40; bytes <= 50; ++bytes)
        EXPECT_EQ(parsed_after(packet, total(bytes)).malformed, DropReason::kNone) << bytes;
    EXPECT_EQ(parsed_after(packet, total(51)).malformed, DropReason::kTruncated);
    EXPECT_EQ(parsed_after(packet, total(65535)).malformed, DropReason::kTruncated);
}

TEST(ParseBounds, IPv6PayloadLengthThatLies) {
    const auto payload = [](unsigned bytes) { return [bytes](Bytes& frame) { set16(frame, kIPv6 + 4, bytes); }; };
    for (unsigned bytes = 0; bytes < 20; ++bytes)
        EXPECT_EQ(parsed_after(kTcp6, payload(bytes)).malformed, DropReason::kTruncated) << bytes;
    EXPECT_EQ(parsed_after(kTcp6, payload(20)).malformed, DropReason::kNone);
    EXPECT_EQ(parsed_after(kTcp6, payload(21)).malformed, DropReason::kTruncated);
    EXPECT_EQ(parsed_after(kTcp6, payload(65535)).malformed, DropReason::kTruncated);
}

TEST(ParseBounds, ExtensionHeaderLengthThatLies) {
    for (const std::uint8_t type : {0, 43, 60, 51}) {
        const Packet packet = kTcp6.extension(type, type == 51 ? 12 : 8);
        const auto length = [](Bytes& frame) { frame[kIPv6 + 40 + 1] = 255; };
        EXPECT_EQ(parsed_after(packet, length).malformed, DropReason::kTruncated) << int{type};
    }
}

TEST(ParseBounds, TcpDataOffsetThatLies) {
    const auto words = [](unsigned count) {
        return [count](Bytes& frame) { frame[kL4OverIPv4 + 12] = static_cast<std::uint8_t>(count << 4); };
    };
    for (unsigned count = 0; count < 5; ++count)
        EXPECT_EQ(parsed_after(tcp(), words(count)).malformed, DropReason::kBadHeader) << count;
    EXPECT_EQ(parsed_after(tcp(), words(6)).malformed, DropReason::kTruncated);
    EXPECT_EQ(parsed_after(tcp().padded(60), words(6)).malformed, DropReason::kTruncated) << "padding is no option";
    EXPECT_EQ(parsed_after(tcp().payload(4), words(6)).malformed, DropReason::kNone);
}

TEST(ParseBounds, UdpLengthThatLies) {
    const Packet packet = udp().payload(16);
    const auto length = [](unsigned bytes) { return [bytes](Bytes& frame) { set16(frame, kL4OverIPv4 + 4, bytes); }; };
    for (unsigned bytes = 0; bytes < 8; ++bytes)
        EXPECT_EQ(parsed_after(packet, length(bytes)).malformed, DropReason::kBadHeader) << bytes;
    EXPECT_EQ(parsed_after(packet, length(8)).malformed, DropReason::kNone) << "options behind the datagram, RFC 9868";
    EXPECT_EQ(parsed_after(packet, length(24)).malformed, DropReason::kNone);
    EXPECT_EQ(parsed_after(packet, length(25)).malformed, DropReason::kTruncated);
    EXPECT_EQ(parsed_after(packet.fragment(0, true, 1), length(1400)).malformed, DropReason::kNone)
        << "a first fragment announces the whole datagram";
}

TEST(ParseBounds, RandomDamageNeverLeadsOutsideTheFrame) {
    const std::uint64_t seed = std::random_device{}();
    std::mt19937_64 random(seed);
    const auto samples = ip_samples();
    for (int round = 0; round < 20'000; ++round) {
        Bytes frame = samples[random() % samples.size()].packet.bytes();
        for (std::uint64_t damage = random() % 4 + 1; damage > 0; --damage)
            frame[12 + random() % (frame.size() - 12)] = static_cast<std::uint8_t>(random());
        frame.resize(random() % 3 == 0 ? random() % (frame.size() + 1) : frame.size());
        const Frames frames = only(frame);
        const PacketMeta meta = parse(frames[0]);
        ASSERT_LE(meta.l4_offset, frame.size()) << "seed " << seed << ", round " << round;
        const auto quote = parse_icmp_quote(frames[0], meta);
        ASSERT_LE(quote ? quote->l4_offset : 0U, frame.size()) << "seed " << seed << ", round " << round;
    }
}

}  // namespace
}  // namespace drywall::net
