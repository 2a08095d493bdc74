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

constexpr net::FragmentRange kFirstPiece{0, 1480, false};
constexpr net::FragmentRange kMiddlePiece{1480, 2960, false};
constexpr net::FragmentRange kLastPiece{2960, 3000, true};

using End = FragmentTable::End;

FragmentFate* remember(FragmentTable& table, const FragmentKey& key, Instant now, End end = End::kPasses) {
    return table.remember(key, kFirstPiece, end, now);
}

// The fate that one more piece would share. Which one it is plays no role in these tests.
FragmentFate* find(FragmentTable& table, const FragmentKey& key, Instant now) {
    static std::uint32_t piece = 0;
    piece = (piece + 1) % 4000;
    return table.follow(key, {1480 + 8 * piece, 1488 + 8 * piece, false}, now).fate;
}

TEST(FragmentTable, LaterFragmentsFindTheFateOfTheirFirst) {
    FragmentTable table(16, kTimeout, kSeed);
    remember(table, datagram(7), at(0))->drop = DropReason::kPolicyDeny;
    ASSERT_NE(find(table, datagram(7), at(9)), nullptr);
    EXPECT_EQ(find(table, datagram(7), at(9))->drop, DropReason::kPolicyDeny);
}

TEST(FragmentTable, IdentificationSenderAndPortSetDatagramsApart) {
    FragmentTable table(16, kTimeout, kSeed);
    ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
    EXPECT_EQ(find(table, datagram(8), at(0)), nullptr);
    EXPECT_EQ(find(table, datagram(7, kWan), at(0)), nullptr);
    EXPECT_EQ(find(table, datagram(7, kLan, 99), at(0)), nullptr);
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
    ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
    EXPECT_EQ(find(table, datagram(7), at(10)), nullptr);
}

TEST(FragmentTable, InAFullTableTheOldestMakesRoom) {
    FragmentTable table(4, kTimeout, kSeed);
    for (std::uint32_t id = 0; id < 6; ++id)
        ASSERT_NE(remember(table, datagram(id), at(static_cast<int>(id))), nullptr);
    EXPECT_EQ(table.size(), 4U);
    for (const std::uint32_t displaced : {0U, 1U}) EXPECT_EQ(find(table, datagram(displaced), at(6)), nullptr);
    for (const std::uint32_t there : {2U, 3U, 4U, 5U}) EXPECT_NE(find(table, datagram(there), at(6)), nullptr);
}

TEST(FragmentTable, WhatDiesDisplacesNothingThatPasses) {
    FragmentTable table(4, kTimeout, kSeed);
    for (std::uint32_t id = 0; id < 4; ++id) ASSERT_NE(remember(table, datagram(id), at(0)), nullptr);
    for (std::uint32_t id = 100; id < 1100; ++id) ASSERT_NE(remember(table, datagram(id), at(1), End::kDies), nullptr);
    for (std::uint32_t id = 0; id < 4; ++id) EXPECT_NE(find(table, datagram(id), at(2)), nullptr);
    EXPECT_NE(find(table, datagram(1099), at(2)), nullptr);
    EXPECT_EQ(find(table, datagram(1098), at(2)), nullptr);
    EXPECT_EQ(table.size(), 5U);
}

TEST(FragmentTable, AnIdentificationTakesOverFromTheOtherKindToo) {
    FragmentTable table(4, kTimeout, kSeed);
    remember(table, datagram(7), at(0), End::kDies)->drop = DropReason::kPolicyDeny;
    ASSERT_NE(remember(table, datagram(7), at(15)), nullptr);
    EXPECT_EQ(find(table, datagram(7), at(15))->drop, DropReason::kNone);
    table.sweep(at(20), 64);
    EXPECT_EQ(table.size(), 1U);
    ASSERT_NE(find(table, datagram(7), at(20)), nullptr) << "the one that died is gone, and took nothing along";
    table.sweep(at(35), 64);
    EXPECT_EQ(table.size(), 0U);
}

TEST(FragmentTable, AnIdentificationUsedAgainTakesOverAndLivesItsOwnTime) {
    FragmentTable table(4, kTimeout, kSeed);
    remember(table, datagram(7), at(0))->drop = DropReason::kPolicyDeny;
    ASSERT_NE(remember(table, datagram(7), at(15)), nullptr);
    table.sweep(at(20), 64);
    ASSERT_NE(find(table, datagram(7), at(20)), nullptr);
    EXPECT_EQ(find(table, datagram(7), at(20))->drop, DropReason::kNone);
    table.sweep(at(35), 64);
    EXPECT_EQ(find(table, datagram(7), at(35)), nullptr);
    EXPECT_EQ(table.size(), 0U);
}

TEST(FragmentTable, ASweepFreesNoMoreThanItWasAsked) {
    FragmentTable table(16, kTimeout, kSeed);
    for (std::uint32_t id = 0; id < 10; ++id) ASSERT_NE(remember(table, datagram(id), at(0)), nullptr);
    table.sweep(at(19), 64);
    EXPECT_EQ(table.size(), 10U);
    table.sweep(at(20), 4);
    EXPECT_EQ(table.size(), 6U);
    table.sweep(at(20), 64);
    EXPECT_EQ(table.size(), 0U);
}

TEST(FragmentTable, WithoutCapacityNothingIsRemembered) {
    FragmentTable table(0, kTimeout, kSeed);
    EXPECT_EQ(remember(table, datagram(1), at(0)), nullptr);
    EXPECT_EQ(find(table, datagram(1), at(0)), nullptr);
}

TEST(FragmentTable, TheRingGoesRoundManyTimes) {
    FragmentTable table(8, kTimeout, kSeed);
    for (int second = 0; second < 1000; ++second) {
        const auto id = static_cast<std::uint32_t>(second);
        ASSERT_NE(remember(table, datagram(id), at(2 * second)), nullptr) << second;
        ASSERT_NE(find(table, datagram(id), at(2 * second + 9)), nullptr) << second;
    }
    EXPECT_LE(table.size(), 8U);
}

TEST(FragmentTable, TheReasonSaysWhyALaterFragmentHasNoFate) {
    FragmentTable table(16, kTimeout, kSeed);
    EXPECT_EQ(table.follow(datagram(7), kMiddlePiece, at(0)).drop, DropReason::kFragmentUnknown);
    ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
    EXPECT_EQ(table.follow(datagram(7), kMiddlePiece, at(9)).drop, DropReason::kNone);
    EXPECT_EQ(table.follow(datagram(7), kMiddlePiece, at(9)).drop, DropReason::kFragmentDuplicate);
    EXPECT_EQ(table.follow(datagram(7), kLastPiece, at(10)).drop, DropReason::kFragmentTimeout);
    table.sweep(at(19), 64);
    EXPECT_EQ(table.follow(datagram(7), kLastPiece, at(19)).drop, DropReason::kFragmentTimeout)
        << "for another timeout";
    table.sweep(at(20), 64);
    EXPECT_EQ(table.follow(datagram(7), kLastPiece, at(20)).drop, DropReason::kFragmentUnknown);
}

TEST(FragmentTable, ADuplicateSpoilsNothing) {
    FragmentTable table(16, kTimeout, kSeed);
    ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
    EXPECT_EQ(table.check_first(datagram(7), kFirstPiece, at(0)), DropReason::kFragmentDuplicate);
    EXPECT_EQ(table.follow(datagram(7), kLastPiece, at(0)).drop, DropReason::kNone);
    EXPECT_EQ(table.follow(datagram(7), kLastPiece, at(0)).drop, DropReason::kFragmentDuplicate);
    EXPECT_EQ(table.follow(datagram(7), kMiddlePiece, at(0)).drop, DropReason::kNone);
}

TEST(FragmentTable, AnOverlapKillsTheDatagram) {
    const std::vector<net::FragmentRange> overlaps{{1472, 1488, false}, {0, 1488, false},    {8, 16, false},
                                                   {1488, 1496, false}, {1480, 2952, false}, {1480, 2968, true}};
    for (const net::FragmentRange& overlap : overlaps) {
        FragmentTable table(16, kTimeout, kSeed);
        ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
        ASSERT_EQ(table.follow(datagram(7), kMiddlePiece, at(0)).drop, DropReason::kNone);
        EXPECT_EQ(table.follow(datagram(7), overlap, at(0)).drop, DropReason::kFragmentOverlap) << overlap.begin;
        EXPECT_EQ(table.follow(datagram(7), kLastPiece, at(1)).drop, DropReason::kFragmentOverlap);
        EXPECT_EQ(table.check_first(datagram(7), kFirstPiece, at(1)), DropReason::kFragmentOverlap);
        EXPECT_EQ(table.check_first(datagram(7), kFirstPiece, at(10)), DropReason::kNone) << "its time is over";
    }
}

TEST(FragmentTable, WhatLiesBehindTheLastPieceSpoilsTheDatagram) {
    FragmentTable table(16, kTimeout, kSeed);
    ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
    ASSERT_EQ(table.follow(datagram(7), kLastPiece, at(0)).drop, DropReason::kNone);
    EXPECT_EQ(table.follow(datagram(7), {3000, 3008, false}, at(0)).drop, DropReason::kFragmentOverlap);

    ASSERT_NE(remember(table, datagram(8), at(0)), nullptr);
    ASSERT_EQ(table.follow(datagram(8), {4000, 4008, false}, at(0)).drop, DropReason::kNone);
    EXPECT_EQ(table.follow(datagram(8), kLastPiece, at(0)).drop, DropReason::kFragmentOverlap) << "an end before it";
}

TEST(FragmentTable, ACompleteDatagramGivesItsIdentificationFree) {
    FragmentTable table(16, kTimeout, kSeed);
    ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
    for (const net::FragmentRange& piece : {kLastPiece, kMiddlePiece})
        ASSERT_EQ(table.follow(datagram(7), piece, at(0)).drop, DropReason::kNone);
    EXPECT_EQ(table.check_first(datagram(7), kFirstPiece, at(0)), DropReason::kNone);
    ASSERT_NE(remember(table, datagram(7), at(0)), nullptr);
    EXPECT_EQ(table.follow(datagram(7), kMiddlePiece, at(0)).drop, DropReason::kNone);
}

TEST(FragmentTable, ADatagramOfTooManyPiecesIsAFlood) {
    FragmentTable table(16, kTimeout, kSeed);
    ASSERT_NE(table.remember(datagram(7), {0, 8, false}, End::kPasses, at(0)), nullptr);
    const auto piece = [](std::uint32_t number) { return net::FragmentRange{8 * number, 8 * number + 8, false}; };
    for (std::uint32_t number = 1; number < FragmentTable::kMaxPieces; ++number)
        ASSERT_EQ(table.follow(datagram(7), piece(number), at(0)).drop, DropReason::kNone) << number;
    EXPECT_EQ(table.follow(datagram(7), piece(FragmentTable::kMaxPieces), at(0)).drop, DropReason::kFragmentFlood);
}

}  // namespace
}  // namespace drywall::flow
