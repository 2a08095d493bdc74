#include "address_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "program_builder.h"

namespace drywall::classify {
namespace {

constexpr std::uint32_t kNoClass = 1000000;
constexpr std::size_t kPlenty = std::size_t{1} << 30;

AddressTrie trie_of(const std::vector<ClassedPrefix>& prefixes, std::size_t wide_bytes = 0) {
    auto trie = build_trie(prefixes, kNoClass, {.bytes = kPlenty, .wide_bytes = wide_bytes});
    EXPECT_TRUE(trie);
    return *std::move(trie);
}

std::uint32_t longest_match(const std::vector<ClassedPrefix>& prefixes, const net::Address& address) {
    const ClassedPrefix* best = nullptr;
    for (const ClassedPrefix& classed : prefixes) {
        const bool longer = best == nullptr || classed.prefix.length > best->prefix.length;
        if (longer && classed.prefix.contains(address)) best = &classed;
    }
    return best == nullptr ? kNoClass : best->address_class;
}

std::vector<ClassedPrefix> numbered(std::vector<net::Prefix> prefixes) {
    std::ranges::sort(prefixes);
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    std::vector<ClassedPrefix> classed;
    for (const net::Prefix& prefix : prefixes) {
        classed.push_back({prefix, static_cast<std::uint32_t>(classed.size())});
    }
    return classed;
}

// The address `by` further on, around the end.
net::Address moved(net::Address address, int by) {
    for (unsigned at = address.bits() / 8; at-- > 0;) {
        const int sum = address.bytes[at] + by;
        address.bytes[at] = static_cast<std::uint8_t>(sum);
        if (sum >= 0 && sum <= 255) break;
    }
    return address;
}

net::Address last_of(const net::Prefix& prefix) {
    net::Address last = prefix.address;
    for (unsigned bit = prefix.length; bit < last.bits(); ++bit) {
        last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | 0x80 >> bit % 8);
    }
    return last;
}

void expect_longest_match(const AddressTrie& trie, const std::vector<ClassedPrefix>& prefixes,
                          const net::Address& address) {
    ASSERT_EQ(lookup(trie, address.family, address.bytes), longest_match(prefixes, address)) << address.text();
}

void expect_right_at_every_edge(const std::vector<ClassedPrefix>& prefixes) {
    const AddressTrie trie = trie_of(prefixes);
    for (const ClassedPrefix& classed : prefixes) {
        for (const int by : {-1, 0, 1}) {
            expect_longest_match(trie, prefixes, moved(classed.prefix.address, by));
            expect_longest_match(trie, prefixes, moved(last_of(classed.prefix), by));
        }
    }
}

TEST(AddressTrie, WithoutPrefixesEveryAddressHasNoClass) {
    const AddressTrie trie = trie_of({});
    EXPECT_EQ(lookup(trie, net::Family::kIPv4, net::Address::v4(0x0a000001).bytes), kNoClass);
    EXPECT_EQ(lookup(trie, net::Family::kIPv6, {0xfd}), kNoClass);
    EXPECT_EQ(trie.cells.size(), 1U);
}

TEST(AddressTrie, EveryLengthOfIPv4IsRightAtItsEdges) {
    std::vector<net::Prefix> all;
    for (std::uint8_t length = 0; length <= 32; ++length) {
        all.push_back(net::Prefix::around(net::Address::v4(0xac1f80ff), length));
    }
    expect_right_at_every_edge(numbered(all));
}

TEST(AddressTrie, EveryLengthOfIPv6IsRightAtItsEdges) {
    std::vector<net::Prefix> all;
    const net::Address address = net::Address::parse("2001:db8:aa55:ff00:8000:1:fffe:7f").value();
    for (std::uint8_t length = 0; length <= 128; ++length) all.push_back(net::Prefix::around(address, length));
    expect_right_at_every_edge(numbered(all));
}

TEST(AddressTrie, FamiliesDoNotSeeEachOther) {
    const auto prefixes = numbered({prefix("0.0.0.0/0"), prefix("2000::/3")});
    const AddressTrie trie = trie_of(prefixes);
    expect_longest_match(trie, prefixes, net::Address::parse("32.0.0.1").value());
    expect_longest_match(trie, prefixes, net::Address::parse("2000::1").value());
    expect_longest_match(trie, prefixes, net::Address::parse("::1").value());
}

TEST(AddressTrie, AgreesWithALinearSearchOnRandomPrefixes) {
    const auto seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 20; ++round) {
        std::vector<net::Prefix> all;
        for (int at = 0; at < 100; ++at) {
            net::Address address;
            address.family = random() % 2 == 0 ? net::Family::kIPv4 : net::Family::kIPv6;
            for (unsigned byte = 0; byte < address.bits() / 8; ++byte) {
                address.bytes[byte] = static_cast<std::uint8_t>(random() % 3 * 127);
            }
            all.push_back(net::Prefix::around(address, static_cast<std::uint8_t>(random() % (address.bits() + 1))));
        }
        expect_right_at_every_edge(numbered(all));
    }
}

TEST(AddressTrie, GoesOnlyAsDeepAsThePrefixes) {
    EXPECT_EQ(trie_of(numbered({prefix("10.1.0.0/16")})).cells.size(), 2U);
    EXPECT_EQ(trie_of(numbered({prefix("10.1.2.0/24")})).cells.size(), 1 * kTrieFanout + 1);
}

TEST(AddressTrie, LevelsWithOneWayThroughThemAreOneStep) {
    const auto lone = numbered({prefix("fd00::1/128")});
    EXPECT_EQ(trie_of(lone).cells.size(), 2U);
    EXPECT_EQ(trie_of(lone).skips.size(), 1U);
    const auto hosts = numbered({prefix("fd00::/48"), prefix("fd00::a800:1/128"), prefix("fd00::a8ff:2/128")});
    const AddressTrie trie = trie_of(hosts);
    EXPECT_LE(trie.skips.size(), 4U);
    EXPECT_LE(trie.cells.size(), 4 * kTrieFanout + 2);
    expect_right_at_every_edge(hosts);
}

TEST(AddressTrie, SkippedLevelsAreRightForHostsScatteredInOneSubnet) {
    std::mt19937_64 random(9);
    std::vector<net::Prefix> all{prefix("fd00:0:0:64::/64"), prefix("fd00::/8"), prefix("fd00:0:0:64:8000::/65")};
    for (int host = 0; host < 200; ++host) {
        net::Address address = prefix("fd00:0:0:64::/64").address;
        for (std::size_t at = 8; at < 16; ++at) address.bytes[at] = static_cast<std::uint8_t>(random() % 5 * 63);
        all.push_back(net::Prefix::around(address, static_cast<std::uint8_t>(100 + random() % 29)));
    }
    expect_right_at_every_edge(numbered(all));
}

// Hosts that stand close in several networks of both families: the first ones have wide nodes, as far as they may.
TEST(AddressTrie, NodesOfTwoBytesAreRightAtEveryEdge) {
    std::mt19937_64 random(10);
    std::vector<net::Prefix> all{prefix("10.1.0.0/16"), prefix("10.2.128.0/17"), prefix("fd00:0:0:64::/64")};
    for (int host = 0; host < 400; ++host) {
        const auto low = static_cast<std::uint32_t>(random());
        all.push_back(net::Prefix::around(net::Address::v4(0x0a010000 | (low & 0x3ffff)), 24 + random() % 9));
        net::Address address = prefix("fd00:0:0:64::/64").address;
        for (std::size_t at = 12; at < 16; ++at) address.bytes[at] = static_cast<std::uint8_t>(random() % 99);
        all.push_back(net::Prefix::around(address, static_cast<std::uint8_t>(110 + random() % 19)));
    }
    const auto prefixes = numbered(all);
    constexpr std::size_t kWide = kWideFanout * sizeof(std::uint32_t);
    const std::size_t narrow = trie_of(prefixes).cells.size();
    for (const std::size_t wide_nodes : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
        const AddressTrie trie = trie_of(prefixes, wide_nodes * kWide);
        EXPECT_EQ(trie.cells.size() != narrow, wide_nodes > 0);
        EXPECT_LE(trie.cells.size(), narrow + wide_nodes * kWideFanout);
        for (const ClassedPrefix& classed : prefixes) {
            for (const int by : {-1, 0, 1}) {
                expect_longest_match(trie, prefixes, moved(classed.prefix.address, by));
                expect_longest_match(trie, prefixes, moved(last_of(classed.prefix), by));
            }
        }
    }
}

TEST(AddressTrie, AFewHostsHaveNoNodeOfTwoBytes) {
    const auto few = numbered({prefix("10.1.2.3/32"), prefix("10.1.3.3/32"), prefix("10.1.4.3/32")});
    EXPECT_EQ(trie_of(few, kPlenty).cells.size(), trie_of(few).cells.size());
}

TEST(AddressTrie, EqualNodesAreShared) {
    std::vector<ClassedPrefix> prefixes = numbered({prefix("10.1.2.0/24"), prefix("10.2.2.0/24")});
    for (ClassedPrefix& classed : prefixes) classed.address_class = 5;
    EXPECT_EQ(trie_of(prefixes).cells.size(), kTrieFanout + 1);
}

TEST(AddressTrie, RefusesMoreNodesThanItsBudget) {
    const auto prefixes = numbered({prefix("10.1.2.0/24"), prefix("10.1.2.3/32")});
    EXPECT_TRUE(build_trie(prefixes, kNoClass, {.bytes = 2 * kTrieFanout * sizeof(std::uint32_t)}));
    const auto trie = build_trie(prefixes, kNoClass, {.bytes = 2 * kTrieFanout * sizeof(std::uint32_t) - 1});
    ASSERT_FALSE(trie);
    EXPECT_EQ(trie.error().kind, ErrorKind::kRefused);
}

}  // namespace
}  // namespace drywall::classify
