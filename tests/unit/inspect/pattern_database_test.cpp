#include "drywall/inspect/pattern_database.h"

#include <algorithm>
#include <random>
#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace drywall::inspect {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::set<unsigned> ids_of(const Matches& matches) {
    std::set<unsigned> out;
    for (const PatternId id : matches.span()) out.insert(static_cast<unsigned>(id));
    return out;
}

std::set<unsigned> found(const PatternDatabase& database, std::string_view text) {
    Scratch scratch;
    EXPECT_TRUE(scratch.grow_for(database));
    Matches matches;
    EXPECT_EQ(database.scan(bytes_of(text), scratch, matches), ScanOutcome::kComplete);
    EXPECT_EQ(ids_of(matches).size(), matches.size()) << "an id twice";
    return ids_of(matches);
}

PatternDatabase compiled(std::vector<Pattern> patterns) {
    auto result = PatternDatabase::compile(patterns);
    if (!result) ADD_FAILURE() << result.error().text();
    return std::move(result).value();
}

using Ids = std::set<unsigned>;

TEST(PatternDatabase, ReportsTheIdsThatOccur) {
    const auto database = compiled({{PatternId{10}, "evil"}, {PatternId{20}, "good"}, {PatternId{30}, "absent"}});
    EXPECT_EQ(found(database, "good and evil and good again"), (Ids{10, 20}));
    EXPECT_EQ(found(database, "neither"), Ids{});
    EXPECT_EQ(found(database, ""), Ids{});
}

TEST(PatternDatabase, ALiteralHasNoSpecialCharacters) {
    const auto database = compiled({{PatternId{1}, "a.c*[x]\\d^$"}});
    EXPECT_EQ(found(database, "-- a.c*[x]\\d^$ --"), Ids{1});
    EXPECT_EQ(found(database, "abccx1"), Ids{});
}

TEST(PatternDatabase, ALiteralMayHoldAnyByte) {
    const std::string binary("\x00\xff\n\x80", 4);
    const auto database = compiled({{PatternId{1}, binary}});
    EXPECT_EQ(found(database, "x" + binary + "y"), Ids{1});
    EXPECT_EQ(found(database, std::string_view("x\0\xff", 3)), Ids{});
}

TEST(PatternDatabase, ARegexIsOne) {
    const auto database = compiled(
        {{PatternId{1}, "^GET /admin", Syntax::kRegex}, {PatternId{2}, "user=[a-z]+[0-9]{2}", Syntax::kRegex}});
    EXPECT_EQ(found(database, "GET /admin?user=bob42"), (Ids{1, 2}));
    EXPECT_EQ(found(database, "POST /x GET /admin"), Ids{}) << "anchored";
}

TEST(PatternDatabase, CaseIsIgnoredOnlyWhereAsked) {
    const auto database = compiled({{PatternId{1}, "Host", Syntax::kLiteral, true}, {PatternId{2}, "Host"}});
    EXPECT_EQ(found(database, "HOST"), Ids{1});
    EXPECT_EQ(found(database, "Host"), (Ids{1, 2}));
}

TEST(PatternDatabase, ABadPatternIsNamedByItsIndexInHyperscansWords) {
    const auto result = PatternDatabase::compile(std::vector<Pattern>{
        {PatternId{7}, "fine"}, {PatternId{8}, "broken(", Syntax::kRegex}, {PatternId{9}, "fine too"}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
    EXPECT_TRUE(result.error().text().starts_with("pattern 1: ")) << result.error().text();
    EXPECT_GT(result.error().text().size(), std::string_view("pattern 1: ").size());
}

TEST(PatternDatabase, WhatWouldMatchEverywhereIsRefused) {
    EXPECT_FALSE(PatternDatabase::compile({}));
    EXPECT_EQ(PatternDatabase::compile(std::vector<Pattern>{{PatternId{1}, ""}}).error().text(),
              "pattern 0: it is empty and would match everywhere");
    EXPECT_FALSE(PatternDatabase::compile(std::vector<Pattern>{{PatternId{1}, "a*", Syntax::kRegex}}));
    EXPECT_FALSE(
        PatternDatabase::compile(std::vector<Pattern>{{PatternId{1}, std::string("a\0b", 3), Syntax::kRegex}}));
}

TEST(PatternDatabase, MoreIdsThanFitEndTheScanAndSaySo) {
    std::vector<Pattern> patterns;
    std::string text;
    for (unsigned i = 0; i < kMaxMatches + 1; ++i) {
        patterns.push_back({PatternId{i}, "<" + std::to_string(i) + ">"});
        text += patterns.back().text;
    }
    const auto database = compiled(patterns);
    Scratch scratch;
    ASSERT_TRUE(scratch.grow_for(database));
    Matches matches;
    EXPECT_EQ(database.scan(bytes_of(text), scratch, matches), ScanOutcome::kFull);
    EXPECT_EQ(matches.size(), kMaxMatches);
}

TEST(PatternDatabase, ScratchThatWasNeverGrownFailsTheScan) {
    const auto database = compiled({{PatternId{1}, "x"}});
    Scratch scratch;
    Matches matches;
    EXPECT_EQ(database.scan(bytes_of("x"), scratch, matches), ScanOutcome::kFailed);
}

TEST(PatternDatabase, OneScratchServesSeveralDatabases) {
    const auto first = compiled({{PatternId{1}, "alpha"}});
    const auto second = compiled({{PatternId{2}, "b[0-9]{3,9}c", Syntax::kRegex}, {PatternId{3}, "gamma"}});
    Scratch scratch;
    ASSERT_TRUE(scratch.grow_for(first));
    ASSERT_TRUE(scratch.grow_for(second));
    Matches matches;
    EXPECT_EQ(first.scan(bytes_of("alpha"), scratch, matches), ScanOutcome::kComplete);
    EXPECT_EQ(ids_of(matches), Ids{1});
    EXPECT_EQ(second.scan(bytes_of("b1234c"), scratch, matches), ScanOutcome::kComplete);
    EXPECT_EQ(ids_of(matches), Ids{2});
}

// A small alphabet, so that patterns overlap, nest and occur often.
std::string random_text(std::mt19937_64& random, std::size_t longest) {
    std::string out(1 + random() % longest, '\0');
    for (char& c : out) c = "ab.\n"[random() % 4];
    return out;
}

TEST(PatternDatabase, AgreesWithPlainSearchOnRandomInputs) {
    const std::uint64_t seed = std::random_device{}();
    std::mt19937_64 random(seed);
    for (int round = 0; round < 40; ++round) {
        std::vector<Pattern> patterns;
        const auto count = static_cast<unsigned>(1 + random() % 30);
        for (unsigned i = 0; i < count; ++i) patterns.push_back({PatternId{i}, random_text(random, 6)});
        const auto database = compiled(patterns);
        for (int texts = 0; texts < 25; ++texts) {
            const std::string text = random_text(random, 80);
            Ids expected;
            for (const Pattern& pattern : patterns)
                if (text.find(pattern.text) != std::string::npos) expected.insert(static_cast<unsigned>(pattern.id));
            ASSERT_EQ(found(database, text), expected) << "seed " << seed << ", round " << round << ", text " << text;
        }
    }
}

}  // namespace
}  // namespace drywall::inspect
