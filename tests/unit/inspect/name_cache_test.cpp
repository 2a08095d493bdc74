#include "drywall/inspect/name_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "packets.h"

namespace drywall::inspect {
namespace {

using namespace std::chrono_literals;
using test::address;

constexpr Instant kNow{1000s};
const net::Address kWeb = address("192.0.2.1");

DnsName name(const std::string& text) { return *DnsName::of(text); }

std::set<std::string> names_of(const NameCache& cache, const net::Address& of, Instant now = kNow) {
    std::set<std::string> names;
    cache.for_each_name(of, now, [&](std::string_view text) { names.emplace(text); });
    return names;
}

using Names = std::set<std::string>;

TEST(NameCache, AnAddressHasTheNamesThatWereLearned) {
    NameCache cache({.entries = 1024, .workers = 2});
    cache.learn(0, kWeb, name("a.b"), 60, kNow);
    cache.learn(1, kWeb, name("c.d"), 60, kNow);
    cache.learn(0, address("c000:201::"), name("six"), 60, kNow);  // the same bytes in IPv6
    EXPECT_EQ(names_of(cache, kWeb), (Names{"a.b", "c.d"}));
    EXPECT_EQ(names_of(cache, address("c000:201::")), Names{"six"});
    EXPECT_EQ(names_of(cache, address("192.0.2.2")), Names{});
    EXPECT_EQ(cache.counts(), (NameCacheCounts{.learned = 3, .refreshed = 0, .evicted = 0}));
}

TEST(NameCache, ANameIsForgottenWhenItsTimeIsOver) {
    NameCache cache({.entries = 64, .min_ttl = 0s});
    cache.learn(0, kWeb, name("a.b"), 60, kNow);
    EXPECT_EQ(names_of(cache, kWeb, kNow + (60s - 1ns)), Names{"a.b"});
    EXPECT_EQ(names_of(cache, kWeb, kNow + 60s), Names{});
}

TEST(NameCache, ALaterAnswerLengthensAndNeverShortens) {
    NameCache cache({.entries = 64, .min_ttl = 0s});
    cache.learn(0, kWeb, name("a.b"), 60, kNow);
    cache.learn(0, kWeb, name("a.b"), 10, kNow);
    EXPECT_EQ(names_of(cache, kWeb, kNow + 59s), Names{"a.b"});
    cache.learn(0, kWeb, name("a.b"), 60, kNow + 30s);
    EXPECT_EQ(names_of(cache, kWeb, kNow + 89s), Names{"a.b"});
    EXPECT_EQ(cache.counts(), (NameCacheCounts{.learned = 1, .refreshed = 2, .evicted = 0}));
}

TEST(NameCache, TimesToLiveAreBroughtBetweenTheirBounds) {
    NameCache cache({.entries = 64, .min_ttl = 30s, .max_ttl = 100s, .extra_ttl = 5s});
    cache.learn(0, kWeb, name("short"), 0, kNow);
    cache.learn(0, kWeb, name("middle"), 50, kNow);
    cache.learn(0, kWeb, name("long"), 0x7fffffff, kNow);
    EXPECT_EQ(names_of(cache, kWeb, kNow + 34s), (Names{"short", "middle", "long"}));
    EXPECT_EQ(names_of(cache, kWeb, kNow + 35s), (Names{"middle", "long"}));
    EXPECT_EQ(names_of(cache, kWeb, kNow + 55s), Names{"long"});
    EXPECT_EQ(names_of(cache, kWeb, kNow + 105s), Names{});
}

TEST(NameCache, NamesOfEveryLengthComeBackWhole) {
    NameCache cache({.entries = 4096});
    std::string text;
    for (std::size_t size = 1; size <= DnsName::kMost; ++size) {
        text += size % 50 == 0 ? '.' : static_cast<char>('a' + size % 26);
        if (text.back() == '.') continue;
        const net::Address of = net::Address::v4(static_cast<std::uint32_t>(size));
        cache.learn(0, of, name(text), 60, kNow);
        EXPECT_EQ(names_of(cache, of), Names{text});
    }
}

TEST(NameCache, WhereThereIsNoRoomTheSoonestToExpireGoes) {
    NameCache cache({.entries = 64});
    ASSERT_EQ(cache.capacity(), 64U);
    for (std::uint32_t i = 0; i < 64; ++i)
        cache.learn(0, net::Address::v4(i), name("n" + std::to_string(i)), i == 40 ? 99 : 100 + i, kNow);
    EXPECT_EQ(cache.counts().evicted, 0U);
    cache.learn(0, kWeb, name("new"), 200, kNow);
    EXPECT_EQ(cache.counts().evicted, 1U);
    EXPECT_EQ(names_of(cache, net::Address::v4(40)), Names{});
    EXPECT_EQ(names_of(cache, kWeb), Names{"new"});
    for (std::uint32_t i = 0; i < 64; ++i) {
        if (i == 40) continue;
        EXPECT_EQ(names_of(cache, net::Address::v4(i)), Names{"n" + std::to_string(i)});
    }
    cache.learn(0, kWeb, name("newer"), 200, kNow + 100s);  // n0 is over by now: no loss
    EXPECT_EQ(cache.counts().evicted, 1U);
}

TEST(NameCache, OneAddressMayHaveManyNames) {
    NameCache cache({.entries = 65536});
    Names expected;
    for (int i = 0; i < 64; ++i) {
        expected.insert("n" + std::to_string(i));
        cache.learn(0, kWeb, name("n" + std::to_string(i)), 60, kNow);
    }
    EXPECT_EQ(names_of(cache, kWeb), expected);
    cache.learn(0, kWeb, name("one-more"), 90, kNow);
    EXPECT_EQ(names_of(cache, kWeb).size(), 64U);
    EXPECT_TRUE(names_of(cache, kWeb).contains("one-more"));
}

TEST(NameCache, PeopleSeeEachPairOnceWithItsLongestTime) {
    NameCache cache({.entries = 1024, .workers = 2});
    cache.learn(0, kWeb, name("b"), 60, kNow);
    cache.learn(1, kWeb, name("b"), 90, kNow);
    cache.learn(1, address("2001:db8::1"), name("a"), 31, kNow);
    cache.learn(1, kWeb, name("gone"), 30, kNow);
    const std::vector<KnownName> known = cache.known(kNow + 30s);
    ASSERT_EQ(known.size(), 2U);
    EXPECT_EQ(known[0].name, "a");
    EXPECT_EQ(known[0].address, address("2001:db8::1"));
    EXPECT_EQ(known[0].left, 1s);
    EXPECT_EQ(known[1].name, "b");
    EXPECT_EQ(known[1].left, 60s);
}

TEST(NameCache, TakesTheMemoryThatItSays) {
    const NameCache cache({.entries = 65536, .workers = 3});
    EXPECT_GE(cache.capacity(), 65536U);
    EXPECT_LT(cache.capacity(), 65536U + 64 * 3);
    EXPECT_LT(cache.memory_bytes(), cache.capacity() * 310);
}

// Workers that learn and ask at the same time. A name says which address it was learned for, and ends in what only the
// whole of it has: whatever is read is whole, and of that address.
TEST(NameCache, ReadersSeeWholeEntriesWhileOthersWrite) {
    constexpr std::size_t kWorkers = 2;
    constexpr std::uint32_t kAddresses = 512;  // more than there is room for: entries are replaced all the time
    NameCache cache({.entries = 128, .workers = kWorkers});
    const auto name_for = [](std::uint32_t i, std::uint32_t round) {
        const std::string number = std::to_string(i);
        return number + "." + std::string(round % 60 + 1, 'x') + ".y." + number;
    };
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> seen{0};
    const auto write = [&](std::size_t worker) {
        for (std::uint32_t round = 0; round < 200; ++round)
            for (std::uint32_t i = 0; i < kAddresses; ++i)
                cache.learn(worker, net::Address::v4(i), name(name_for(i, round)), 60 + (i * 7 + round) % 50, kNow);
    };
    const auto read = [&] {
        while (!stop.load(std::memory_order_relaxed)) {
            for (std::uint32_t i = 0; i < kAddresses; ++i) {
                const std::string number = std::to_string(i);
                cache.for_each_name(net::Address::v4(i), kNow, [&](std::string_view text) {
                    ASSERT_TRUE(text.starts_with(number + ".x") && text.ends_with("x.y." + number)) << text;
                    seen.fetch_add(1, std::memory_order_relaxed);
                });
            }
        }
    };
    std::vector<std::thread> writers;
    for (std::size_t worker = 0; worker < kWorkers; ++worker) writers.emplace_back(write, worker);
    std::thread reader(read);
    std::thread lister([&] {
        while (!stop.load(std::memory_order_relaxed))
            for (const KnownName& known : cache.known(kNow)) ASSERT_TRUE(known.name.find("x.y.") != std::string::npos);
    });
    for (std::thread& writer : writers) writer.join();
    stop = true;
    reader.join();
    lister.join();
    EXPECT_GT(seen.load(), 0U);
    EXPECT_GT(cache.counts().evicted, 0U);
}

}  // namespace
}  // namespace drywall::inspect
