// The selector language as Calico's tokeniser and parser have it, case by case. S20 and S21 are refused where a
// resource is read, and are in validation_test.cpp.
#include <gtest/gtest.h>

#include <string>

#include "drywall/policy/selector.h"

namespace drywall::policy {
namespace {

bool parses(std::string_view text) { return static_cast<bool>(Selector::parse(text)); }

bool matches(std::string_view text, const Labels& labels) {
    const auto selector = Selector::parse(text);
    EXPECT_TRUE(selector) << text << ": " << selector.error().text();
    return selector && selector->matches(labels);
}

TEST(Selectors, AnAbsentLabelIsNotEqual_S1) { EXPECT_TRUE(matches("a != 'b'", {})); }

TEST(Selectors, AnAbsentLabelIsNotIn_S2) { EXPECT_TRUE(matches("a not in {'b'}", {})); }

TEST(Selectors, AnAbsentLabelDoesNotEqualTheEmptyText_S3) {
    EXPECT_FALSE(matches("a == ''", {}));
    EXPECT_TRUE(matches("a == ''", {{"a", ""}}));
}

TEST(Selectors, AnAbsentLabelContainsNothingNotEvenTheEmptyText_S4) {
    EXPECT_FALSE(matches("a contains ''", {}));
    EXPECT_TRUE(matches("a contains ''", {{"a", "x"}}));
}

TEST(Selectors, NothingIsInTheEmptySet_S5) {
    for (const Labels& labels : {Labels{}, Labels{{"a", ""}}, Labels{{"a", "b"}}}) {
        EXPECT_FALSE(matches("a in {}", labels));
        EXPECT_TRUE(matches("a not in {}", labels));
    }
}

TEST(Selectors, ASetMayEndInAComma_S6) { EXPECT_TRUE(matches("a in {'b',}", {{"a", "b"}})); }

TEST(Selectors, OperatorsOfTwoWordsMayBeWrittenAsOne_S7) {
    EXPECT_FALSE(matches("a notin {'b'}", {{"a", "b"}}));
    EXPECT_TRUE(matches("a startswith 'b'", {{"a", "bc"}}));
    EXPECT_TRUE(matches("a endswith 'c'", {{"a", "bc"}}));
}

TEST(Selectors, AKeywordTouchesItsParenthesis_S8) {
    EXPECT_FALSE(parses("has (a)"));
    EXPECT_FALSE(parses("all ()"));
}

TEST(Selectors, BlanksInsideTheParenthesesAreFine_S9) {
    EXPECT_TRUE(matches("all( )", {}));
    EXPECT_TRUE(matches("has( a )", {{"a", ""}}));
}

TEST(Selectors, ALineBreakIsNoBlank_S10) {
    EXPECT_FALSE(parses("a == 'b'\n"));
    EXPECT_FALSE(parses("\n"));
}

TEST(Selectors, BlankTextIsAll_S11) {
    for (const char* text : {"", " ", "\t"}) EXPECT_TRUE(matches(text, {}));
}

TEST(Selectors, NegationIsOfTheWholeTest_S12) { EXPECT_TRUE(matches("!a == 'b'", {{"a", "c"}})); }

TEST(Selectors, PairsOfNegationsCollapse_S13) {
    EXPECT_EQ(Selector::parse("!!has(a)")->canonical(), "has(a)");
    EXPECT_EQ(Selector::parse("!!!has(a)")->canonical(), "!has(a)");
}

TEST(Selectors, AndBindsTighterThanOr_S14) { EXPECT_TRUE(matches("a == 'b' || c == 'd' && e == 'x'", {{"a", "b"}})); }

TEST(Selectors, AQuoteOfTheOtherKindIsPartOfTheValue_S15) { EXPECT_TRUE(matches("a == \"it's\"", {{"a", "it's"}})); }

TEST(Selectors, ThereAreNoEscapes_S16) { EXPECT_FALSE(parses("s == 'it\\'s'")); }

TEST(Selectors, ValuesAreQuotedAndLabelsAreNot_S17) {
    for (const char* text : {"a == 1", "a == b", "'a' == 'b'", "a"}) EXPECT_FALSE(parses(text)) << text;
}

TEST(Selectors, KeywordsMayBeLabels_S18) {
    EXPECT_TRUE(matches("in in {'a'}", {{"in", "a"}}));
    EXPECT_TRUE(matches("has == 'x'", {{"has", "x"}}));
}

TEST(Selectors, ALabelHasAtMost512Characters_S19) {
    EXPECT_TRUE(parses(std::string(512, 'a') + " == 'x'"));
    EXPECT_FALSE(parses(std::string(513, 'a') + " == 'x'"));
}

TEST(Selectors, ComparisonTellsUpperFromLowerCase_S22) { EXPECT_FALSE(matches("a == 'B'", {{"a", "b"}})); }

}  // namespace
}  // namespace drywall::policy
