// Packets as they leave: read by the family's own parser, and every checksum computed a second time.
#include "packet_writer.h"

#include <set>

#include <gtest/gtest.h>

#include "checksums.h"
#include "drywall/net/packet_meta.h"
#include "packets.h"

namespace drywall::generate {
namespace {

using loader::Layer4;
using test::Bytes;
using test::expect_right_checksums;

loader::StreamProfile stream() { return loader::default_stream("s", "a", "b"); }

loader::StreamProfile v6(loader::StreamProfile profile) {
    profile.source = *loader::parse_addresses("2001:db8::1-2001:db8::ff");
    profile.destination = *loader::parse_addresses("2001:db8:1::1");
    return profile;
}

std::unique_ptr<PacketWriter> writer_of(const loader::StreamProfile& profile, std::uint64_t seed = 1) {
    auto writer = PacketWriter::create(profile, seed, 3);
    EXPECT_TRUE(writer) << writer.error().text();
    return writer ? *std::move(writer) : nullptr;
}

Bytes packet(const PacketWriter& writer, std::uint64_t n) {
    Bytes bytes(writer.length(n), 0xaa);
    writer.write(bytes.data(), static_cast<std::uint16_t>(bytes.size()), n,
                 {0x12345678, 3, static_cast<std::uint32_t>(n), 0x0000112233445566 + n * 0x10001});
    return bytes;
}

TEST(PacketWriter, EveryKindOfPacketIsWellFormedWithRightChecksums) {
    for (const Layer4 layer4 : {Layer4::kUdp, Layer4::kTcp, Layer4::kIcmpEcho})
        for (const bool six : {false, true})
            for (const char* vlans : {"", "1-50", "7"})
                for (const char* sizes : {"128", "imix-csit", "131-1518", "131,9234"}) {
                    auto profile = six ? v6(stream()) : stream();
                    profile.layer4 = layer4;
                    profile.source_port = *loader::parse_numbers("random:1000-60000", 0, 65535);
                    profile.destination_port = *loader::parse_numbers("1-9", 0, 65535);
                    if (!six) profile.source = *loader::parse_addresses("random:10.0.0.0/8");
                    profile.sizes = *loader::parse_frame_sizes(sizes);
                    if (profile.sizes.smallest() == 64) profile.sizes = *loader::parse_frame_sizes("570:3,1518");
                    if (*vlans != 0)
                        profile.vlans = {{*loader::parse_numbers(vlans, 0, 4094), 5, true},
                                         {*loader::parse_numbers("4094", 0, 4094), 0, false}};
                    const auto writer = writer_of(profile);
                    for (std::uint64_t n = 0; n < 50; ++n) {
                        const Bytes frame = packet(*writer, n);
                        const net::PacketMeta meta = net::parse(test::view(frame));
                        ASSERT_EQ(meta.malformed, DropReason::kNone);
                        EXPECT_EQ(meta.l3_offset, *vlans != 0 ? 22 : 14);
                        const FlowEnds ends = writer->ends(n);
                        EXPECT_EQ(meta.tuple.source, ends.source);
                        EXPECT_EQ(meta.tuple.destination, ends.destination);
                        if (layer4 != Layer4::kIcmpEcho) {
                            EXPECT_EQ(meta.tuple.source_port, ends.source_port);
                            EXPECT_EQ(meta.tuple.destination_port, ends.destination_port);
                        } else {
                            EXPECT_EQ(meta.icmp_id, ends.source_port);
                        }
                        expect_right_checksums(frame, meta);
                        EXPECT_EQ(Signature::read(frame.data() + frame.size() - kSignatureBytes).sequence, n);
                    }
                }
}

TEST(PacketWriter, ATagCarriesItsTypePriorityAndNumber) {
    auto profile = stream();
    profile.sizes = *loader::parse_frame_sizes("128");
    profile.vlans = {{*loader::parse_numbers("100-101", 0, 4094), 5, true},
                     {*loader::parse_numbers("9", 0, 4094), 0, false}};
    const Bytes frame = packet(*writer_of(profile), 1);
    EXPECT_EQ(Bytes(frame.begin() + 12, frame.begin() + 22),
              (Bytes{0x88, 0xa8, 0xa0, 101, 0x81, 0x00, 0x00, 9, 0x08, 0x00}));
}

TEST(PacketWriter, FieldsCountLikeDigitsSoThatNoTwoFlowsAreAlike) {
    auto profile = stream();
    profile.source = *loader::parse_addresses("10.0.0.1-10.0.0.4");
    profile.source_port = *loader::parse_numbers("10,20,30", 0, 65535);
    profile.destination_port = *loader::parse_numbers("100-108 step 2", 0, 65535);
    const auto writer = writer_of(profile);
    std::set<std::tuple<net::AddressBytes, std::uint16_t, std::uint16_t>> seen;
    for (std::uint64_t n = 0; n < 60; ++n) {
        const FlowEnds ends = writer->ends(n);
        EXPECT_TRUE(seen.emplace(ends.source, ends.source_port, ends.destination_port).second) << n;
    }
    EXPECT_EQ(writer->ends(60).source_port, writer->ends(0).source_port) << "then they come again";
}

TEST(PacketWriter, AsManyFlowsAsAskedFor) {
    auto profile = stream();
    profile.source_port = *loader::parse_numbers("1-1000", 0, 65535);
    profile.flows = {.count = 17};
    const auto writer = writer_of(profile);
    std::set<std::uint16_t> ports;
    for (std::uint64_t n = 0; n < 100; ++n) ports.insert(writer->ends(n).source_port);
    EXPECT_EQ(ports.size(), 17U);
    profile.flows->count = 1001;
    const auto refused = PacketWriter::create(profile, 1, 0);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("wants 1001 flows, and its fields have 1000 combination"), std::string::npos)
        << refused.error().text();
}

TEST(PacketWriter, ManyFlowsAreComputedAsThoseOfATableWouldBe) {
    auto profile = stream();
    profile.source = *loader::parse_addresses("10.0.0.0/15");  // more than a table holds
    const auto writer = writer_of(profile);
    EXPECT_EQ(writer->ends(131'071).source, net::Address::parse("10.1.255.255")->bytes);
    EXPECT_EQ(writer->ends(131'072).source, net::Address::parse("10.0.0.0")->bytes);
    const Bytes frame = packet(*writer, 70'000);
    const auto meta = net::parse(test::view(frame));
    EXPECT_EQ(meta.tuple.source, writer->ends(70'000).source);
    expect_right_checksums(frame, meta);
}

TEST(PacketWriter, TheSameSeedWritesTheSamePackets) {
    auto profile = stream();
    profile.source = *loader::parse_addresses("random:10.0.0.0/8");
    profile.sizes = *loader::parse_frame_sizes("64-1518");
    const auto one = writer_of(profile, 5);
    const auto again = writer_of(profile, 5);
    const auto other = writer_of(profile, 6);
    int alike = 0;
    for (std::uint64_t n = 0; n < 100; ++n) {
        EXPECT_EQ(packet(*one, n), packet(*again, n));
        alike += packet(*one, n) == packet(*other, n) ? 1 : 0;
    }
    EXPECT_EQ(alike, 0);
}

TEST(PacketWriter, AFrameTooSmallForItsSignatureIsRefusedWithTheSmallestPossible) {
    auto profile = stream();
    profile.layer4 = Layer4::kTcp;
    profile.size_place = {"p.yaml", 7, 3};
    const auto refused = PacketWriter::create(profile, 1, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().text(),
        "p.yaml:7:3: stream 's': a frame of 64 bytes is too small for its headers (54 bytes), the signature (16) and "
        "the FCS (4); the smallest size possible is 74");
    profile.sizes = *loader::parse_frame_sizes("74");
    EXPECT_TRUE(PacketWriter::create(profile, 1, 0));
    profile.layer4 = Layer4::kUdp;
    profile.sizes = *loader::parse_frame_sizes("64");
    EXPECT_TRUE(PacketWriter::create(profile, 1, 0)) << "UDP over IPv4 has room in 64 bytes";
}

TEST(PacketWriter, GivenFlowsAreSentAsTheyAre) {
    auto profile = stream();
    profile.given.resize(3);
    for (std::uint16_t i = 0; i < 3; ++i) {
        profile.given[i].source = net::Address::v4(0x0a000000U + i).bytes;
        profile.given[i].destination = net::Address::v4(0x0b000000U + i).bytes;
        profile.given[i].destination_port = static_cast<std::uint16_t>(80 + i);
    }
    const auto writer = PacketWriter::create(profile, 1, 0);
    ASSERT_TRUE(writer);
    for (std::uint64_t n = 0; n < 6; ++n) {
        const auto meta = net::parse(test::view(packet(**writer, n)));
        EXPECT_EQ(meta.tuple.destination_port, 80 + n % 3);
        EXPECT_EQ(meta.tuple.source, profile.given[n % 3].source);
    }
}

}  // namespace
}  // namespace drywall::generate
