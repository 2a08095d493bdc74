#include "drywall/net/address_check.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "drywall/net/prefix_set.h"
#include "sample_packets.h"

namespace drywall::net {
namespace {

using namespace drywall::test;

bool may_pass(const Packet& packet, AddressCheck check = AddressCheck::kUsual) {
    const PacketMeta meta = parsed(packet);
    EXPECT_EQ(meta.malformed, DropReason::kNone);
    return check_addresses(meta, check) == DropReason::kNone;
}

TEST(AddressCheck, NoHostSendsFromTheseAddresses) {
    for (const char* source : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "224.0.0.1", "239.255.255.250",
                               "240.0.0.1", "255.255.255.254", "255.255.255.255"})
        EXPECT_FALSE(may_pass(udp().from(source).to("10.1.0.9"))) << source;
    for (const char* source : {"::", "::1", "ff02::1", "ff00::1", "::ffff:10.0.0.1", "::10.0.0.1"})
        EXPECT_FALSE(may_pass(udp().from(source).to("2001:db8::1"))) << source;
}

TEST(AddressCheck, NoPacketGoesToTheseAddresses) {
    for (const char* destination : {"0.0.0.0", "0.0.0.1", "127.0.0.1", "240.0.0.1", "255.255.255.254"})
        EXPECT_FALSE(may_pass(udp().from("10.0.0.1").to(destination))) << destination;
    for (const char* destination : {"::", "::1", "::ffff:10.0.0.1", "ff00::1", "ff10::1"})
        EXPECT_FALSE(may_pass(udp().from("2001:db8::1").to(destination))) << destination;
}

TEST(AddressCheck, MulticastAndBroadcastAreDestinationsThatPolicyJudges) {
    for (const char* destination : {"224.0.0.5", "239.1.1.1", "255.255.255.255", "10.0.0.255"})
        EXPECT_TRUE(may_pass(udp().from("10.0.0.1").to(destination))) << destination;
    EXPECT_TRUE(may_pass(udp().from("2001:db8::1").to("ff02::fb")));
    EXPECT_TRUE(may_pass(udp().from("fe80::1").to("ff02::fb")));
}

TEST(AddressCheck, TheEdgesOfTheRangesAreHosts) {
    for (const char* source : {"1.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255", "169.254.1.1"})
        EXPECT_TRUE(may_pass(udp().from(source).to("10.1.0.9"))) << source;
    for (const char* source : {"2000::", "3fff:ffff::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "64:ff9b::a00:1"})
        EXPECT_TRUE(may_pass(udp().from(source).to("2001:db8::1"))) << source;
}

TEST(AddressCheck, NobodyTalksToHimselfOverAWire) {
    EXPECT_FALSE(may_pass(tcp().syn().from("10.0.0.1", 80).to("10.0.0.1", 80)));
    EXPECT_FALSE(may_pass(tcp().syn().from("2001:db8::1", 80).to("2001:db8::1", 80)));
}

TEST(AddressCheck, AHostWithoutAnAddressMayAskForOne) {
    EXPECT_TRUE(may_pass(udp().from("0.0.0.0", 68).to("255.255.255.255", 67)));
    EXPECT_FALSE(may_pass(udp().from("0.0.0.0", 68).to("10.0.0.1", 67))) << "not to everyone";
    EXPECT_FALSE(may_pass(udp().from("0.0.0.0", 67).to("255.255.255.255", 68))) << "the server has an address";
    EXPECT_FALSE(may_pass(udp().from("0.0.0.1", 68).to("255.255.255.255", 67)));
    EXPECT_FALSE(may_pass(tcp().syn().from("0.0.0.0", 68).to("255.255.255.255", 67)));
}

TEST(AddressCheck, ANeighbourMayAskWhetherAnAddressIsTaken) {
    const Packet solicitation = icmp(135, 0).from("::").to("ff02::1:ff00:1").hop_limit(255);
    EXPECT_TRUE(may_pass(solicitation));
    EXPECT_FALSE(may_pass(solicitation.hop_limit(254))) << "a router forwarded it";
    EXPECT_TRUE(may_pass(icmp(143, 0).from("::").to("ff02::16").hop_limit(1)));
    EXPECT_FALSE(may_pass(icmp(128, 0).from("::").to("ff02::1").hop_limit(255)));
}

bool is_forged(const Packet& packet) {
    Frames frames{packet};
    return is_forged_link_control(frames[0], parse(frames[0]));
}

TEST(LinkControl, IsForgedWhenItsHopLimitIsNotItsTypes) {
    const Packet advertisement = icmp(136, 0).from("fe80::1").to("fe80::2");
    EXPECT_FALSE(is_forged(advertisement.hop_limit(255)));
    EXPECT_TRUE(is_forged(advertisement.hop_limit(64)));
    EXPECT_TRUE(is_forged(advertisement.hop_limit(1)));
    const Packet report = icmp(143, 0).from("fe80::1").to("ff02::16");
    EXPECT_FALSE(is_forged(report.hop_limit(1)));
    EXPECT_TRUE(is_forged(report.hop_limit(255)));
    for (const std::uint8_t other : {1, 2, 128, 129, 138, 142, 144})
        EXPECT_FALSE(is_forged(icmp(other, 0).from("fe80::1").to("fe80::2").hop_limit(64))) << int{other};
    EXPECT_FALSE(is_forged(other(58).from("10.0.0.1").to("10.1.0.9").payload(24))) << "no ICMPv6 in IPv4";
}

TEST(LinkControl, IsForgedWithAFragmentHeaderWhereverItStands) {
    const Packet advertisement = icmp(136, 0).from("fe80::1").to("fe80::2").payload(16).hop_limit(255);
    EXPECT_TRUE(is_forged(advertisement.fragments(16, 7).front()));
    EXPECT_TRUE(is_forged(advertisement.fragment(0, false, 0))) << "a fragment that is the whole datagram";
    EXPECT_TRUE(is_forged(advertisement.extension(60, 16).fragment(0, false, 0)));
    EXPECT_FALSE(is_forged(advertisement.extension(60, 16)));
    EXPECT_FALSE(is_forged(advertisement.fragments(16, 7).back())) << "it does not say what it is";
}

TEST(AddressCheck, StrictLetsNoLinkLocalAndNoUnassignedAddressCross) {
    const auto strict = [](const Packet& packet) { return may_pass(packet, AddressCheck::kStrict); };
    EXPECT_FALSE(strict(udp().from("169.254.1.1").to("10.1.0.9")));
    EXPECT_FALSE(strict(udp().from("10.0.0.1").to("169.254.1.1")));
    EXPECT_FALSE(strict(udp().from("fe80::1").to("2001:db8::1")));
    EXPECT_FALSE(strict(udp().from("4000::1").to("2001:db8::1")));
    EXPECT_FALSE(strict(udp().from("2001:db8::1").to("64:ff9b::a00:1")));
    EXPECT_TRUE(strict(icmp(135, 0).from("fe80::1").to("ff02::1:ff00:1").hop_limit(255)));
    EXPECT_TRUE(strict(udp().from("2001:db8::1").to("fd00::1")));
    EXPECT_TRUE(strict(udp().from("10.0.0.1").to("10.1.0.9")));
}

struct Exchange {
    const char* why;
    Packet packet;
    bool is_dhcpv6;
};

std::vector<Exchange> dhcpv6_and_its_likes() {
    const Packet question = udp().from("fe80::1", 546).to("ff02::1:2", 547);
    const Packet answer = udp().from("fe80::9", 547).to("fe80::1", 546);
    return {{"a client asks", question, true},
            {"a server answers", answer, true},
            {"the client asks one server", question.to("fe80::9"), false},
            {"from a routed address", question.from("2001:db8:66::1"), false},
            {"from another link-local address range", question.from("fec0::1"), false},
            {"to all nodes", question.to("ff02::1"), false},
            {"to the servers of the site", question.to("ff05::1:3"), false},
            {"to a routed address", question.to("2001:db8::1"), false},
            {"from another port", question.from("fe80::1", 5000), false},
            {"to another port", question.to("ff02::1:2", 53), false},
            {"TCP", tcp().syn().from("fe80::1", 546).to("ff02::1:2", 547), false},
            {"an answer to a routed address", answer.to("2001:db8::1"), false},
            {"an answer to everybody", answer.to("ff02::1"), false},
            {"an answer from a routed address", answer.from("2001:db8:66::1"), false},
            {"an answer to another port", answer.to("fe80::1", 22), false},
            {"an answer from another port", answer.from("fe80::9", 53), false},
            {"IPv4 with its ports", udp().from("169.254.0.1", 546).to("169.254.0.2", 547), false}};
}

TEST(AddressCheck, Dhcpv6SpeaksByLinkLocalAddresses) {
    for (const auto& [why, packet, is_dhcpv6] : dhcpv6_and_its_likes())
        EXPECT_EQ(speaks_without_address(parsed(packet)), is_dhcpv6) << why;
}

TEST(AddressCheck, StrictLetsDhcpv6CrossAndNothingLikeIt) {
    for (const auto& [why, packet, is_dhcpv6] : dhcpv6_and_its_likes()) {
        const net::Tuple tuple = packet.tuple();
        const bool on_the_link = tuple.source[0] == 0xfe || tuple.destination[0] == 0xfe || tuple.source[0] == 169;
        EXPECT_EQ(may_pass(packet, AddressCheck::kStrict), is_dhcpv6 || !on_the_link) << why;
    }
}

TEST(AddressCheck, WhereNothingIsCheckedEverythingPasses) {
    EXPECT_TRUE(may_pass(udp().from("127.0.0.1").to("0.0.0.0"), AddressCheck::kAny));
}

TEST(Checksum, OfTheIPv4HeaderIsRightOrNot) {
    for (const Packet& packet : {tcp(), tcp().ip_options(12), tcp().qinq(1, 2)}) {
        Bytes frame = packet.bytes();
        Frames frames;
        frames.add(frame);
        EXPECT_TRUE(has_right_checksum(frames[0], parse(frames[0])));
        const std::size_t ttl = parse(frames[0]).l3_offset + 8U;
        for (const unsigned bit : {0U, 3U, 7U}) {
            Bytes damaged = frame;
            damaged[ttl] = static_cast<std::uint8_t>(damaged[ttl] ^ (1U << bit));
            Frames other;
            other.add(damaged);
            EXPECT_FALSE(has_right_checksum(other[0], parse(other[0])));
        }
    }
    Frames v6{tcp().from("2001:db8::1").to("2001:db8::2")};
    EXPECT_TRUE(has_right_checksum(v6[0], parse(v6[0])));
}

PrefixSet prefixes(std::initializer_list<const char*> texts) {
    std::vector<Prefix> out;
    for (const char* text : texts) out.push_back(Prefix::parse_strict(text).value());
    return PrefixSet(out);
}

bool contains(const PrefixSet& set, const char* text) {
    const Address wanted = address(text);
    return set.contains(wanted.family, wanted.bytes);
}

TEST(PrefixSet, HoldsWhatItsPrefixesHoldAndNothingElse) {
    const PrefixSet set = prefixes({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32"});
    for (const char* inside : {"10.0.0.0", "10.1.2.3", "10.255.255.255", "192.0.2.7", "2001:db8::", "2001:db8:ffff::1"})
        EXPECT_TRUE(contains(set, inside)) << inside;
    for (const char* outside : {"9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8", "2001:db7:ffff::", "2001:db9::"})
        EXPECT_FALSE(contains(set, outside)) << outside;
}

TEST(PrefixSet, EverythingIsAPrefixToo) {
    const PrefixSet v4 = prefixes({"0.0.0.0/0"});
    EXPECT_TRUE(contains(v4, "255.255.255.255"));
    EXPECT_FALSE(contains(v4, "::1")) << "the other family";
    EXPECT_TRUE(contains(prefixes({"::/0"}), "ffff::1"));
    EXPECT_TRUE(PrefixSet().empty());
    EXPECT_FALSE(v4.empty());
}

TEST(PrefixSet, AgreesWithItsPrefixesOnRandomOnes) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        std::vector<Prefix> list;
        for (std::uint64_t count = random() % 12; count > 0; --count)
            list.push_back(Prefix::around(Address::v4(static_cast<std::uint32_t>(random() % 64) << 26 |
                                                      static_cast<std::uint32_t>(random() % 256)),
                                          static_cast<std::uint8_t>(random() % 33)));
        const PrefixSet set(list);
        for (int probe = 0; probe < 50; ++probe) {
            const Address wanted = Address::v4(static_cast<std::uint32_t>(random() % 64) << 26 |
                                               static_cast<std::uint32_t>(random() % 256));
            const bool expected =
                std::any_of(list.begin(), list.end(), [&](const Prefix& prefix) { return prefix.contains(wanted); });
            ASSERT_EQ(set.contains(Family::kIPv4, wanted.bytes), expected) << wanted.text();
        }
    }
}

}  // namespace
}  // namespace drywall::net
