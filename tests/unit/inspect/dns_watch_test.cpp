#include "drywall/inspect/dns_watch.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "allocations.h"
#include "dns_words.h"
#include "packets.h"

namespace drywall::inspect {
namespace {

using namespace std::chrono_literals;
using test::address;
using test::dns_query;
using test::DnsWords;

constexpr DnsFlow kFlow{1};
constexpr Instant kNow{1000s};

class Watching : public testing::Test {
protected:
    void asks(const DnsWords& words) { watch_.from_client(kFlow, words.bytes(), kNow); }
    void says(const DnsWords& words) { watch_.from_server(kFlow, words.bytes(), kNow); }
    std::set<std::string> names_of(const char* of) const {
        std::set<std::string> names;
        cache_.for_each_name(address(of), kNow, [&](std::string_view text) { names.emplace(text); });
        return names;
    }

    NameCache cache_{{.entries = 1024}};
    DnsWatch watch_{
        {.servers = {*net::Prefix::parse_loose("192.0.2.53"), *net::Prefix::parse_loose("2001:db8::/64")}}, cache_, 0};
};

using Names = std::set<std::string>;

TEST_F(Watching, LearnsWhatAnswersAQuestion) {
    asks(dns_query(7, "www.example.com"));
    says(dns_query(7, "www.example.com")
             .answer()
             .cname("www.example.com", "edge.cdn.example", 300)
             .a("edge.cdn.example", "198.51.100.7", 60)
             .a("edge.cdn.example", "10.0.0.7", 60)
             .compressed());
    EXPECT_EQ(names_of("198.51.100.7"), (Names{"www.example.com", "edge.cdn.example"}));
    EXPECT_EQ(names_of("10.0.0.7"), (Names{"www.example.com", "edge.cdn.example"}));  // sites name private ones, too
    EXPECT_EQ(watch_.counts(), (DnsWatchCounts{.questions = 1, .answers = 1}));
}

TEST_F(Watching, BelievesNothingThatNobodyAskedFor) {
    const DnsWords answer = dns_query(7, "bank.example").answer().a("bank.example", "198.51.100.66", 60);
    says(answer);
    asks(dns_query(8, "bank.example"));
    says(answer);
    asks(dns_query(7, "bank.example"));
    watch_.from_server(DnsFlow{2}, answer.bytes(), kNow);
    EXPECT_EQ(names_of("198.51.100.66"), Names{});
    says(answer);
    EXPECT_EQ(names_of("198.51.100.66"), Names{"bank.example"});
    says(dns_query(7, "bank.example").answer().a("bank.example", "198.51.100.67", 60));  // a second one
    EXPECT_EQ(names_of("198.51.100.67"), Names{});
    EXPECT_EQ(watch_.counts(), (DnsWatchCounts{.questions = 2, .answers = 1, .unasked = 4}));
}

TEST_F(Watching, CountsWhatItCanNotRead) {
    watch_.from_client(kFlow, {}, kNow);
    asks(dns_query(1, "a.b").answer());  // a client does not answer
    says(dns_query(1, "a.b"));           // and a server does not ask
    asks(dns_query(1, "a.b"));
    says(dns_query(1, "a.b").answer().a("a.b", "192.0.2.1", 60).record("a.b", 1, {1, 2, 3}, 60));
    EXPECT_EQ(names_of("192.0.2.1"), Names{});  // of an answer that can't be read whole, nothing is believed
    EXPECT_EQ(watch_.counts(), (DnsWatchCounts{.questions = 1, .unreadable = 4}));
}

TEST_F(Watching, KnowsItsServers) {
    EXPECT_TRUE(watch_.is_server(address("192.0.2.53")));
    EXPECT_TRUE(watch_.is_server(address("2001:db8::7")));
    EXPECT_FALSE(watch_.is_server(address("192.0.2.54")));
}

TEST_F(Watching, AllocatesNothing) {
    const auto query = dns_query(7, "www.example.com").bytes();
    const auto answer = dns_query(7, "www.example.com").answer().a("www.example.com", "198.51.100.7", 60).bytes();
    const net::Address found = address("198.51.100.7");
    const std::uint64_t before = test::allocations();
    std::size_t names = 0;
    for (int i = 0; i < 100; ++i) {
        watch_.from_client(kFlow, query, kNow);
        watch_.from_server(kFlow, answer, kNow);
        cache_.for_each_name(found, kNow, [&](std::string_view) { ++names; });
    }
    EXPECT_EQ(test::allocations(), before);
    EXPECT_EQ(names, 100U);
}

}  // namespace
}  // namespace drywall::inspect
