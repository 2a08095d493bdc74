#include "drywall/inspect/literal_database.h"

#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace drywall::inspect {
namespace {

using Place = std::pair<unsigned, std::size_t>;  // which literal, and where it ends
using Places = std::multiset<Place>;

Places found(const LiteralDatabase& database, std::string_view text) {
    Scratch scratch;
    EXPECT_TRUE(scratch.grow_for(database));
    Places places;
    std::size_t last = 0;
    auto note = [&](unsigned index, std::size_t end) {
        EXPECT_GE(end, last) << "not by ascending end";
        last = end;
        places.emplace(index, end);
    };
    EXPECT_TRUE(database.scan(text, scratch, note));
    return places;
}

LiteralDatabase compiled(const std::vector<std::string>& literals) {
    auto result = LiteralDatabase::compile(literals);
    if (!result) ADD_FAILURE() << result.error().text();
    return std::move(result).value();
}

TEST(LiteralDatabase, ReportsEveryPlaceWhereALiteralEnds) {
    const auto database = compiled({"evil", "good", "absent"});
    EXPECT_EQ(found(database, "good and evil and good"), (Places{{1, 4}, {0, 13}, {1, 22}}));
    EXPECT_EQ(found(database, "neither"), Places{});
    EXPECT_EQ(found(database, ""), Places{});
}

TEST(LiteralDatabase, ALiteralHasNoSpecialCharacters) {
    const auto database = compiled({"a.c*[x]\\d^$"});
    EXPECT_EQ(found(database, "-- a.c*[x]\\d^$ --"), (Places{{0, 14}}));
    EXPECT_EQ(found(database, "abccx1"), Places{});
}

TEST(LiteralDatabase, ALiteralMayHoldAnyByte) {
    const std::string binary("\x00\xff\n\x80", 4);
    const auto database = compiled({binary});
    EXPECT_EQ(found(database, "x" + binary + "y"), (Places{{0, 5}}));
    EXPECT_EQ(found(database, std::string_view("x\0\xff", 3)), Places{});
}

TEST(LiteralDatabase, WhatWouldMatchEverywhereIsRefusedByItsIndex) {
    EXPECT_FALSE(LiteralDatabase::compile({}));
    EXPECT_EQ(LiteralDatabase::compile(std::vector<std::string>{"fine", ""}).error().text(),
              "literal 1: it is empty and would match everywhere");
}

TEST(LiteralDatabase, AnyNumberMayBeFoundAtOnce) {
    std::vector<std::string> literals;
    std::string text;
    for (unsigned i = 0; i < 500; ++i) text += literals.emplace_back("<" + std::to_string(i) + ">");
    EXPECT_EQ(found(compiled(literals), text).size(), literals.size());
}

TEST(LiteralDatabase, ScratchThatWasNeverGrownFailsTheScan) {
    const auto database = compiled({"x"});
    Scratch scratch;
    auto never = [](unsigned, std::size_t) { ADD_FAILURE(); };
    EXPECT_FALSE(database.scan("x", scratch, never));
}

TEST(LiteralDatabase, OneScratchServesSeveralDatabases) {
    const auto first = compiled({"alpha"});
    const auto second = compiled({"beta", "gamma"});
    Scratch scratch;
    ASSERT_TRUE(scratch.grow_for(first));
    ASSERT_TRUE(scratch.grow_for(second));
    Places places;
    auto note = [&](unsigned index, std::size_t end) { places.emplace(index, end); };
    EXPECT_TRUE(first.scan("alpha", scratch, note));
    EXPECT_TRUE(second.scan("-gamma", scratch, note));
    EXPECT_EQ(places, (Places{{0, 5}, {1, 6}}));
}

// A small alphabet, so that literals overlap, nest and occur often.
std::string random_text(std::mt19937_64& random, std::size_t longest) {
    std::string out(1 + random() % longest, '\0');
    for (char& c : out) c = "ab.\n"[random() % 4];
    return out;
}

TEST(LiteralDatabase, AgreesWithPlainSearchOnRandomInputs) {
    const std::uint64_t seed = std::random_device{}();
    std::mt19937_64 random(seed);
    for (int round = 0; round < 40; ++round) {
        std::set<std::string> distinct;
        for (std::size_t count = 1 + random() % 30; count > 0; --count) distinct.insert(random_text(random, 12));
        const std::vector<std::string> literals(distinct.begin(), distinct.end());
        const auto database = compiled(literals);
        for (int texts = 0; texts < 25; ++texts) {
            const std::string text = random_text(random, 80);
            Places expected;
            for (unsigned i = 0; i < literals.size(); ++i)
                for (auto at = text.find(literals[i]); at != std::string::npos; at = text.find(literals[i], at + 1))
                    expected.emplace(i, at + literals[i].size());
            ASSERT_EQ(found(database, text), expected) << "seed " << seed << ", round " << round << ", text " << text;
        }
    }
}

}  // namespace
}  // namespace drywall::inspect
