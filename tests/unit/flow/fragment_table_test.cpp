#include "drywall/flow/fragment_table.h"

#include <gtest/gtest.h>

#include "keys.h"

namespace drywall::flow {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kSeed = 42;
constexpr Nanos kTimeout = seconds(10);

Instant at(int s) { return {seconds(s)}; }

FragmentKey datagram(std::uint32_t id, PortId ingress = kLan, std::uint32_t source = 1) {
    net::PacketMeta meta = packet(17, source, 0, 2, 0, ingress);
    meta.fragment = net::FragmentKind::kLater;
    meta.fragment_id = id;
    return fragment_key(meta);
}

TEST(FragmentTable, LaterFragmentsFindTheFateOfTheirFirst) {
    FragmentTable table(16, kTimeout, kSeed);
    table.remember(datagram(7), at(0))->drop = DropReason::kPolicyDeny;
    ASSERT_NE(table.find(datagram(7), at(9)), nullptr);
    EXPECT_EQ(table.find(datagram(7), at(9))->drop, DropReason::kPolicyDeny);
}

TEST(FragmentTable, IdentificationSenderAndPortSetDatagramsApart) {
    FragmentTable table(16, kTimeout, kSeed);
    ASSERT_NE(table.remember(datagram(7), at(0)), nullptr);
    EXPECT_EQ(table.find(datagram(8), at(0)), nullptr);
    EXPECT_EQ(table.find(datagram(7, kWan), at(0)), nullptr);
    EXPECT_EQ(table.find(datagram(7, kLan, 99), at(0)), nullptr);
}

// The first fragment shows UDP behind its destination options; the later ones name only those options (RFC 8200, 4.5).
TEST(FragmentTable, Ipv6FragmentsBelongTogetherWhateverProtocolTheyName) {
    const auto fragment = [](net::Family family, std::uint8_t protocol, net::FragmentKind kind) {
        net::PacketMeta meta = packet(protocol, 1, 0, 2, 0, kLan);
        meta.tuple.family = family;
        meta.fragment = kind;
        meta.fragment_id = 7;
        return fragment_key(meta);
    };
    using enum net::FragmentKind;
    EXPECT_EQ(fragment(net::Family::kIPv6, 17, kFirst), fragment(net::Family::kIPv6, 60, kLater));
    EXPECT_NE(fragment(net::Family::kIPv4, 17, kFirst), fragment(net::Family::kIPv4, 6, kLater));
}

TEST(FragmentTable, AFateIsForgottenAfterItsTimeEvenWithoutASweep) {
    FragmentTable table(16, kTimeout, kSeed);
    ASSERT_NE(table.remember(datagram(7), at(0)), nullptr);
    EXPECT_EQ(table.find(datagram(7), at(10)), nullptr);
}

TEST(FragmentTable, AFullTableRefusesUntilTheOldestTimesOut) {
    FragmentTable table(4, kTimeout, kSeed);
    for (std::uint32_t id = 0; id < 4; ++id) ASSERT_NE(table.remember(datagram(id), at(static_cast<int>(id))), nullptr);
    EXPECT_EQ(table.remember(datagram(9), at(9)), nullptr);
    EXPECT_NE(table.remember(datagram(9), at(10)), nullptr);
    EXPECT_EQ(table.find(datagram(0), at(10)), nullptr);
    EXPECT_NE(table.find(datagram(1), at(10)), nullptr);
}

TEST(FragmentTable, AnIdentificationUsedAgainTakesOverAndLivesItsOwnTime) {
    FragmentTable table(4, kTimeout, kSeed);
    table.remember(datagram(7), at(0))->drop = DropReason::kPolicyDeny;
    ASSERT_NE(table.remember(datagram(7), at(8)), nullptr);
    table.sweep(at(12), 64);
    ASSERT_NE(table.find(datagram(7), at(12)), nullptr);
    EXPECT_EQ(table.find(datagram(7), at(12))->drop, DropReason::kNone);
    table.sweep(at(18), 64);
    EXPECT_EQ(table.find(datagram(7), at(18)), nullptr);
    EXPECT_EQ(table.size(), 0U);
}

TEST(FragmentTable, ASweepFreesNoMoreThanItWasAsked) {
    FragmentTable table(16, kTimeout, kSeed);
    for (std::uint32_t id = 0; id < 10; ++id) ASSERT_NE(table.remember(datagram(id), at(0)), nullptr);
    table.sweep(at(10), 4);
    EXPECT_EQ(table.size(), 6U);
    table.sweep(at(10), 64);
    EXPECT_EQ(table.size(), 0U);
}

TEST(FragmentTable, WithoutCapacityNothingIsRemembered) {
    FragmentTable table(0, kTimeout, kSeed);
    EXPECT_EQ(table.remember(datagram(1), at(0)), nullptr);
    EXPECT_EQ(table.find(datagram(1), at(0)), nullptr);
}

TEST(FragmentTable, TheRingGoesRoundManyTimes) {
    FragmentTable table(8, kTimeout, kSeed);
    for (int second = 0; second < 1000; ++second) {
        const auto id = static_cast<std::uint32_t>(second);
        ASSERT_NE(table.remember(datagram(id), at(2 * second)), nullptr) << second;
        ASSERT_NE(table.find(datagram(id), at(2 * second + 9)), nullptr) << second;
    }
    EXPECT_LE(table.size(), 8U);
}

}  // namespace
}  // namespace drywall::flow
