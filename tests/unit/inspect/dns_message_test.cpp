#include "drywall/inspect/dns_message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "dns_words.h"
#include "naive_dns.h"
#include "packets.h"

namespace drywall::inspect {
namespace {

using test::address;
using test::Bytes;
using test::dns_query;
using test::DnsWords;

using Known = std::set<std::tuple<std::string, net::Address, std::uint32_t>>;

// What an answer says, or nothing when it can't be read.
std::optional<Known> known_of(std::span<const std::uint8_t> bytes) {
    const auto message = DnsMessage::read(bytes);
    DnsAnswer answer;
    if (!message || !read_answer(*message, answer)) return std::nullopt;
    Known known;
    for (const DnsAddress& found : answer.addresses)
        for (std::size_t i = 0; i < answer.names.size(); ++i)
            known.emplace(answer.names[i].text(), found.address, answer.ttl_of(i, found));
    return known;
}

Known known_of(const DnsWords& words) {
    const auto known = known_of(words.bytes());
    EXPECT_TRUE(known);
    EXPECT_EQ(known, known_of(words.compressed().bytes()));
    return known.value_or(Known{});
}

TEST(DnsMessage, AQueryIsItsNumberNameAndType) {
    const Bytes bytes = dns_query(7, "WWW.Example.com").type(dns_type::kAaaa).bytes();
    const auto query = DnsMessage::read(bytes);
    ASSERT_TRUE(query);
    EXPECT_EQ(query->id, 7);
    EXPECT_FALSE(query->response);
    EXPECT_EQ(query->question.name.text(), "www.example.com");
    EXPECT_EQ(query->question.type, dns_type::kAaaa);
    EXPECT_EQ(query->answers, 0);
}

TEST(DnsMessage, AnAddressIsKnownByTheNameThatWasAskedFor) {
    EXPECT_EQ(known_of(dns_query(1, "a.b").answer().a("A.b", "192.0.2.1", 60).a("a.B", "192.0.2.2", 30)),
              (Known{{"a.b", address("192.0.2.1"), 60}, {"a.b", address("192.0.2.2"), 30}}));
    EXPECT_EQ(known_of(dns_query(1, "a.b").type(28).answer().aaaa("a.b", "2001:db8::1", 60)),
              (Known{{"a.b", address("2001:db8::1"), 60}}));
    EXPECT_EQ(known_of(dns_query(1, "a.b").type(255).answer().aaaa("a.b", "2001:db8::1", 60).a("a.b", "10.0.0.1", 5)),
              (Known{{"a.b", address("2001:db8::1"), 60}, {"a.b", address("10.0.0.1"), 5}}));
}

TEST(DnsMessage, AndByEveryNameOnTheWayWhileAllOfItHolds) {
    const Known expected{
        {"a", address("192.0.2.1"), 20}, {"b", address("192.0.2.1"), 30}, {"c", address("192.0.2.1"), 60}};
    const DnsWords asked = dns_query(1, "a").answer();
    EXPECT_EQ(known_of(asked.cname("a", "b", 20).cname("b", "c", 30).a("c", "192.0.2.1", 60)), expected);
    EXPECT_EQ(known_of(asked.a("c", "192.0.2.1", 60).cname("b", "c", 30).cname("a", "b", 20)), expected);
}

TEST(DnsMessage, WhatIsSaidOfOthersIsNotBelieved) {
    const DnsWords asked = dns_query(1, "a.b").answer();
    EXPECT_EQ(known_of(asked.a("bank.example", "192.0.2.66", 60)), Known{});
    EXPECT_EQ(known_of(asked.cname("a.b", "c.d", 60).a("a.b", "192.0.2.66", 60)), Known{});  // its alias is elsewhere
    EXPECT_EQ(known_of(asked.cname("x.y", "a.b", 60).a("a.b", "192.0.2.1", 60)),
              (Known{{"a.b", address("192.0.2.1"), 60}}));
    EXPECT_EQ(known_of(asked.additional().a("a.b", "192.0.2.66", 60)), Known{});
    EXPECT_EQ(known_of(asked.aaaa("a.b", "2001:db8::1", 60)), Known{});  // nobody asked for that
    EXPECT_EQ(known_of(asked.record("a.b", 1, {192, 0, 2, 66}, 60, 3)), Known{});
    EXPECT_EQ(known_of(dns_query(1, "a.b").answer(3).a("a.b", "192.0.2.66", 60)), Known{});
}

TEST(DnsMessage, OtherRecordsAreLookedOver) {
    EXPECT_EQ(known_of(dns_query(1, "a.b")
                           .answer()
                           .truncated()
                           .record("a.b", 46, Bytes(80, 7), 60)
                           .a("a.b", "192.0.2.1", 0x80000000)),
              (Known{{"a.b", address("192.0.2.1"), 0}}));  // RFC 2181: such a time to live is none
}

TEST(DnsMessage, AliasesGoInNoCirclesAndNotOnForever) {
    EXPECT_EQ(known_of(dns_query(1, "a").answer().cname("a", "b", 60).cname("b", "a", 60)), Known{});
    EXPECT_EQ(known_of(dns_query(1, "a").answer().cname("a", "a", 60).a("a", "192.0.2.1", 9)),
              (Known{{"a", address("192.0.2.1"), 9}}));
    DnsWords longest = dns_query(1, "n0").answer();
    for (std::size_t i = 0; i < kMaxDnsAliases; ++i)
        longest = longest.cname("n" + std::to_string(i), "n" + std::to_string(i + 1), 60);
    const std::string last = "n" + std::to_string(kMaxDnsAliases);
    EXPECT_EQ(known_of(longest.a(last, "192.0.2.1", 60)).size(), kMaxDnsAliases + 1);
    const DnsWords longer = longest.cname(last, "end", 60).a("end", "192.0.2.1", 60);
    EXPECT_EQ(known_of(longer), Known{});
    DnsAnswer answer;
    const Bytes bytes = longer.bytes();
    ASSERT_TRUE(read_answer(*DnsMessage::read(bytes), answer));
    EXPECT_TRUE(answer.incomplete);
}

TEST(DnsMessage, NoMoreRecordsAreReadThanThereIsTimeFor) {
    DnsWords many = dns_query(1, "a").answer();
    for (std::size_t i = 0; i < kMaxDnsRecords; ++i) many = many.a("a", "192.0.2." + std::to_string(i), 60);
    DnsAnswer answer;
    const Bytes all = many.bytes();
    ASSERT_TRUE(read_answer(*DnsMessage::read(all), answer));
    EXPECT_EQ(answer.addresses.size(), kMaxDnsRecords);
    EXPECT_FALSE(answer.incomplete);
    const Bytes more = many.a("a", "192.0.3.1", 60).bytes();
    ASSERT_TRUE(read_answer(*DnsMessage::read(more), answer));
    EXPECT_EQ(answer.addresses.size(), kMaxDnsRecords);
    EXPECT_TRUE(answer.incomplete);
}

TEST(DnsMessage, EveryTruncationOfAnAnswerIsRefused) {
    const Bytes bytes = dns_query(1, "a.b").answer().cname("a.b", "c.d", 60).a("c.d", "192.0.2.1", 60).bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(known_of(part), std::nullopt) << size;
    }
    EXPECT_TRUE(known_of(bytes));
}

TEST(DnsMessage, WhatIsNoQuestionForOneNameIsNotRead) {
    const Bytes good = dns_query(1, "a.b").bytes();
    const auto with = [&](std::size_t at, std::uint8_t value) {
        Bytes bytes = good;
        bytes[at] = value;
        return DnsMessage::read(bytes).has_value();
    };
    EXPECT_TRUE(with(5, 1));
    EXPECT_FALSE(with(5, 0));                // no question
    EXPECT_FALSE(with(5, 2));                // two
    EXPECT_FALSE(with(2, 0x28));             // an update (RFC 2136)
    EXPECT_FALSE(with(good.size() - 1, 3));  // class CHAOS
    EXPECT_FALSE(with(13, '.'));             // a dot within a label
    EXPECT_FALSE(with(13, 0));               // a NUL
    EXPECT_FALSE(with(13, 0x80));
    EXPECT_TRUE(with(13, '_'));
    EXPECT_FALSE(with(12, 0x41));  // a label of a kind that was never used
}

TEST(DnsMessage, PointersLeadBackOrNowhere) {
    Bytes bytes = dns_query(1, "a").answer().a("a", "192.0.2.1", 60).compressed().bytes();
    const std::size_t pointer = 12 + 3 + 4;  // behind header, question's name, type and class
    ASSERT_EQ(bytes[pointer], 0xc0);
    ASSERT_EQ(bytes[pointer + 1], 12);
    EXPECT_TRUE(known_of(bytes));
    for (const std::size_t target : {pointer, pointer + 2, std::size_t{0}, std::size_t{11}, std::size_t{255}}) {
        bytes[pointer + 1] = static_cast<std::uint8_t>(target);
        EXPECT_EQ(known_of(bytes), std::nullopt) << target;
    }
}

TEST(DnsMessage, ALongChainOfPointersIsNotFollowed) {
    Bytes bytes = dns_query(1, "a").answer().bytes();
    bytes[6] = 0,
    bytes[7] = 1;  // one answer, written by hand: a record of unknown type full of pointers, then its owner
    bytes.push_back(0);
    for (const std::uint8_t byte : {0, 99, 0, 1, 0, 0, 0, 0}) bytes.push_back(byte);
    constexpr std::size_t kPointers = 200;
    bytes.push_back(kPointers * 2 >> 8), bytes.push_back(kPointers * 2 & 0xff);
    const auto put_pointer = [&](std::size_t target) {
        bytes.push_back(static_cast<std::uint8_t>(0xc0U | target >> 8U));
        bytes.push_back(static_cast<std::uint8_t>(target));
    };
    std::size_t previous = 12;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < kPointers; ++i) {
        places.push_back(bytes.size());
        put_pointer(previous);
        previous = places.back();
    }
    bytes[7] = 2;
    const auto with_owner = [&](std::size_t target) {
        Bytes message = bytes;
        message.push_back(static_cast<std::uint8_t>(0xc0U | target >> 8U));
        message.push_back(static_cast<std::uint8_t>(target));
        for (const std::uint8_t byte : {0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1}) message.push_back(byte);
        return known_of(message);
    };
    EXPECT_EQ(with_owner(places[100]), (Known{{"a", address("192.0.2.1"), 60}}));
    EXPECT_EQ(with_owner(places[126]), (Known{{"a", address("192.0.2.1"), 60}}));
    EXPECT_EQ(with_owner(places[127]), std::nullopt);
}

TEST(DnsName, IsTextThatCanBeCompared) {
    EXPECT_EQ(DnsName::of("WWW.Example.com.")->text(), "www.example.com");
    EXPECT_EQ(DnsName::of("")->text(), "");
    EXPECT_EQ(DnsName::of(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                          std::string(61, 'd'))
                  ->text()
                  .size(),
              253U);
    EXPECT_FALSE(DnsName::of(std::string(64, 'a')));
    EXPECT_FALSE(DnsName::of(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                             std::string(62, 'd')));
    EXPECT_FALSE(DnsName::of("a..b"));
    EXPECT_FALSE(DnsName::of("a b"));
}

// Messages as servers make them and as nobody does, against the slow twin.
class RandomMessages {
public:
    explicit RandomMessages(std::uint64_t seed) : random_(seed) {}

    Bytes next() {
        DnsWords words = dns_query(static_cast<std::uint16_t>(pick(3)), name());
        if (chance(15)) words = words.type(static_cast<std::uint16_t>(one_of({1, 5, 28, 255, 65})));
        words = words.answer(chance(5) ? 3 : 0);
        for (auto i = pick(8); i > 0; --i) words = with_record(words);
        if (chance(50)) words = words.compressed();
        Bytes bytes = words.bytes();
        for (auto i = chance(50) ? pick(4) : 0; i > 0; --i)
            bytes[pick(bytes.size())] = static_cast<std::uint8_t>(byte());
        if (chance(10)) bytes.resize(pick(bytes.size() + 1));
        return bytes;
    }

private:
    std::size_t pick(std::size_t n) { return random_() % n; }
    bool chance(std::size_t percent) { return pick(100) < percent; }
    int one_of(std::vector<int> values) { return values[pick(values.size())]; }
    std::size_t byte() {
        return chance(50) ? pick(256) : static_cast<std::size_t>(one_of({0, 1, 2, 12, 15, 0xc0, 0xff, 'A'}));
    }
    std::string name() { return std::vector<std::string>{"a", "b.a", "A", "c", "d.b.a", "e", ""}[pick(7)]; }
    std::uint32_t ttl() { return chance(10) ? 0xffffffff : static_cast<std::uint32_t>(pick(100)); }

    DnsWords with_record(const DnsWords& words) {
        switch (pick(6)) {
            case 0:
                return words.record(name(), static_cast<std::uint16_t>(pick(40)), Bytes(pick(9), 3), ttl(),
                                    static_cast<std::uint16_t>(1 + pick(2)));
            case 1: return words.aaaa(name(), "2001:db8::" + std::to_string(pick(4)), ttl());
            case 2:
            case 3: {
                const std::string target = name();
                return target.empty() ? words.additional() : words.cname(name(), target, ttl());
            }
            default: return words.a(name(), "192.0.2." + std::to_string(pick(4)), ttl());
        }
    }

    std::mt19937_64 random_;
};

TEST(DnsMessage, SaysWhatItsSlowTwinSays) {
    std::size_t read = 0;
    std::size_t with_addresses = 0;
    for (std::uint64_t seed = 0; seed < 100'000; ++seed) {
        const Bytes bytes = RandomMessages(seed).next();
        const auto message = DnsMessage::read(bytes);
        const auto twin = test::read_dns(bytes, kMaxDnsRecords, kMaxDnsAliases);
        ASSERT_EQ(message.has_value(), twin.has_value()) << "seed " << seed;
        if (!message) continue;
        ASSERT_EQ(message->id, twin->id) << "seed " << seed;
        ASSERT_EQ(message->response, twin->response) << "seed " << seed;
        ASSERT_EQ(message->question.name.text(), twin->name) << "seed " << seed;
        ASSERT_EQ(message->question.type, twin->type) << "seed " << seed;
        if (!message->response) continue;
        ASSERT_EQ(known_of(bytes), twin->known) << "seed " << seed;
        read += twin->known ? 1 : 0;
        with_addresses += twin->known && !twin->known->empty() ? 1 : 0;
    }
    EXPECT_GT(read, 50'000U);  // or it would be about nothing
    EXPECT_GT(with_addresses, 10'000U);
}

}  // namespace
}  // namespace drywall::inspect
