// The burst's parser against the plain one: the same metas, and "ordinary" exactly where the plain checks find nothing.
// Frames lie in exactly sized heap blocks, so that AddressSanitizer sees a byte too far.
#include <algorithm>
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "drywall/base/cache_line.h"
#include "drywall/net/address_check.h"
#include "drywall/net/prefix_set.h"
#include "drywall/net/tcp_segment.h"
#include "sample_packets.h"
#include "wire_format.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

bool is_within(std::initializer_list<const char*> prefixes, const Tuple& tuple, const AddressBytes& address) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const char* text) {
        const Prefix prefix = Prefix::parse_strict(text).value();
        return prefix.address.family == tuple.family && prefix.contains(Address{tuple.family, address});
    });
}

bool is_routed_unicast(const Tuple& tuple, const AddressBytes& address) {
    if (tuple.family == Family::kIPv6) return is_within({"2000::/3", "fc00::/7"}, tuple, address);
    return !is_within({"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"}, tuple, address);
}

// By what everybody else says of the frame.
bool is_ordinary(const FrameView& frame, const PacketMeta& meta) {
    const Tuple& tuple = meta.tuple;
    if (!meta.is_ip || meta.malformed != DropReason::kNone || meta.fragment != FragmentKind::kWhole) return false;
    if (tuple.protocol != protocol::kTcp && tuple.protocol != protocol::kUdp) return false;
    if (meta.l4_offset != meta.l3_offset + (tuple.family == Family::kIPv4 ? 20 : 40)) return false;
    if (!is_routed_unicast(tuple, tuple.source) || !is_routed_unicast(tuple, tuple.destination)) return false;
    return has_right_checksum(frame, meta) && check_addresses(meta, AddressCheck::kStrict) == DropReason::kNone &&
           (tuple.protocol != protocol::kTcp || is_possible(meta.tcp_flags));
}

// Of an untagged IPv4 header without options.
void mend_checksum(Bytes& frame) {
    constexpr std::size_t kHeader = 14;
    if (frame.size() < kHeader + 20 || frame[12] != 0x08 || frame[13] != 0) return;
    const auto header = std::span(frame).subspan(kHeader, 20);
    header[10] = header[11] = 0;
    const std::uint16_t checksum = wire::internet_checksum(header);
    header[10] = static_cast<std::uint8_t>(checksum >> 8);
    header[11] = static_cast<std::uint8_t>(checksum);
}

struct Found {
    int ordinary = 0;
    int other = 0;
};

void expect_as_plainly(std::span<const FrameView> frames, Found& found, const std::string& what) {
    std::array<PacketMeta, kMaxBurst> metas;
    const std::uint64_t ordinary = parse(frames, metas);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const PacketMeta plain = parse(frames[i]);
        ASSERT_EQ(metas[i], plain) << what;
        ASSERT_EQ((ordinary >> i & 1) != 0, is_ordinary(frames[i], plain)) << what;
        ++(is_ordinary(frames[i], plain) ? found.ordinary : found.other);
    }
    ASSERT_EQ(frames.size() == kMaxBurst ? 0 : ordinary >> frames.size(), 0U);
}

std::vector<Sample> samples() {
    std::vector<Sample> all = ip_samples();
    const auto v6 = [](const Packet& packet) { return packet.from("fd00::1", 40000).to("2001:db8:1::9", 8080); };
    for (const std::uint8_t flags : {0x00, 0x02, 0x03, 0x10, 0x11, 0x14, 0x18, 0x29, 0xff})
        all.push_back({"flags", tcp().flags(flags).payload(4)});
    for (const char* address : {"0.9.9.9", "1.0.0.0", "126.255.255.255", "127.0.0.1", "128.0.0.0", "169.253.255.255",
                                "169.254.0.0", "169.255.0.0", "223.255.255.255", "224.0.0.0", "255.255.255.255"}) {
        all.push_back({std::string("from ") + address, udp().from(address).padded(60)});
        all.push_back({std::string("to ") + address, tcp().ack().to(address).vlan(3).padded(60)});
    }
    for (const char* address : {"::1", "1fff::1", "2000::", "3fff::1", "4000::1", "fbff::1", "fc00::1", "fdff::1",
                                "fe00::1", "fe80::1", "ff02::1"}) {
        all.push_back({std::string("from ") + address, udp().from(address).to("2001:db8::2")});
        all.push_back({std::string("to ") + address, tcp().ack().from("2001:db8::2").to(address).qinq(1, 2)});
    }
    all.push_back({"to itself", udp().from("10.0.0.1").to("10.0.0.1")});
    all.push_back({"to itself, IPv6", udp().from("fd00::1").to("fd00::1")});
    all.push_back({"udp6, one tag", v6(udp().payload(3)).vlan(9)});
    all.push_back({"tcp6, options and padding", v6(tcp().ack().tcp_options(12)).padded(120)});
    return all;
}

TEST(OrdinaryPackets, AreWhatNothingIsWrongWith) {
    Found found;
    for (const auto& [name, packet] : samples()) expect_as_plainly(Frames{packet.entering(5)}.views(), found, name);
    EXPECT_GT(found.ordinary, 20);
    EXPECT_GT(found.other, 40);
}

TEST(OrdinaryPackets, AreRecognisedWithTwoTagsAndInTheShortestFrames) {
    std::array<PacketMeta, 1> meta;
    for (const Packet& packet : {udp(), tcp().syn(), udp().qinq(1, 2), tcp().ack().vlan(1),
                                 udp().from("2001:db8::1").to("2001:db8::2").qinq(1, 2)})
        EXPECT_EQ(parse(Frames{packet}.views(), meta), 1U);
}

TEST(OrdinaryPackets, AFrameCutAnywhereIsReadAsPlainly) {
    Found found;
    for (const auto& [name, packet] : samples()) {
        const Bytes frame = packet.bytes();
        for (std::size_t kept = 0; kept <= frame.size(); ++kept) {
            const Frames part = only(std::span(frame).first(kept));
            FrameView longer = part[0];
            longer.length = static_cast<std::uint32_t>(frame.size());
            expect_as_plainly(part.views(), found, name + " cut at " + std::to_string(kept));
            expect_as_plainly(std::span(&longer, 1), found, name + " readable to " + std::to_string(kept));
        }
    }
    EXPECT_GT(found.ordinary, 500);
}

// One byte of the headers changed, its checksum put right half of the time: lengths, flags, fragments, addresses.
TEST(OrdinaryPackets, ChangedBytesAreReadAsPlainly) {
    std::mt19937_64 random(7);
    Found found;
    const std::vector<Sample> all = samples();
    for (int round = 0; round < 3000; ++round) {
        Frames burst;
        for (std::size_t i = 0; i < kMaxBurst; ++i) {
            Bytes frame = all[random() % all.size()].packet.bytes();
            for (std::uint64_t changes = random() % 3; changes > 0; --changes) {
                const std::size_t at = 12 + random() % (std::min<std::size_t>(frame.size(), 80) - 12);
                frame[at] = static_cast<std::uint8_t>(random() % 2 == 0 ? random() : frame[at] ^ 1U << random() % 8);
            }
            if (random() % 2 == 0) mend_checksum(frame);
            burst.add(frame, static_cast<std::uint16_t>(random() % 3));
        }
        ASSERT_NO_FATAL_FAILURE(expect_as_plainly(burst.views(), found, "round " + std::to_string(round)));
    }
    EXPECT_GT(found.ordinary, 20'000);
    EXPECT_GT(found.other, 50'000);
}

}  // namespace
}  // namespace drywall::net
