// The selector language, row by row as Calico's tokeniser and parser behave. Rows S1-S22 are the conformance cases.
#include "drywall/policy/selector.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace drywall::policy {
namespace {

bool parses(std::string_view text) { return static_cast<bool>(Selector::parse(text)); }

std::string message(std::string_view text) {
    const auto selector = Selector::parse(text);
    return selector ? "(it parses)" : selector.error().text();
}

std::string canonical(std::string_view text) {
    const auto selector = Selector::parse(text);
    return selector ? selector->canonical() : selector.error().text();
}

struct Truth {
    const char* number;
    const char* text;
    Labels labels;
    bool expected;
};

TEST(Selector, MatchesAsTheConformanceCasesSay) {
    const std::vector<Truth> rows{
        {"S1", "a != 'b'", {}, true},
        {"S2", "a not in {'b'}", {}, true},
        {"S3", "a == ''", {}, false},
        {"S3", "a == ''", {{"a", ""}}, true},
        {"S4", "a contains ''", {}, false},
        {"S4", "a contains ''", {{"a", "x"}}, true},
        {"S5", "a in {}", {}, false},
        {"S5", "a in {}", {{"a", ""}}, false},
        {"S5", "a not in {}", {}, true},
        {"S5", "a not in {}", {{"a", "b"}}, true},
        {"S7", "a notin {'b'}", {{"a", "b"}}, false},
        {"S7", "a startswith 'b'", {{"a", "bc"}}, true},
        {"S7", "a endswith 'b'", {{"a", "bc"}}, false},
        {"S11", " ", {}, true},
        {"S12", "!a == 'b'", {{"a", "c"}}, true},
        {"S12", "!a == 'b'", {{"a", "b"}}, false},
        {"S13", "!!has(a)", {{"a", "x"}}, true},
        {"S13", "!!!has(a)", {{"a", "x"}}, false},
        {"S13", "!!!has(a)", {}, true},
        {"S14", "a == 'b' || c == 'd' && e == 'x'", {{"a", "b"}}, true},
        {"S14", "(a == 'b' || c == 'd') && e == 'x'", {{"a", "b"}}, false},
        {"S15", "a == \"it's\"", {{"a", "it's"}}, true},
        {"S18", "in in {'a'}", {{"in", "a"}}, true},
        {"S18", "has == 'x'", {{"has", "x"}}, true},
        {"S22", "a == 'B'", {{"a", "b"}}, false},
    };
    for (const Truth& row : rows) {
        const auto selector = Selector::parse(row.text);
        ASSERT_TRUE(selector) << row.number << ": " << row.text << ": " << selector.error().text();
        EXPECT_EQ(selector->matches(row.labels), row.expected) << row.number << ": " << row.text;
    }
}

TEST(Selector, TreatsAnAbsentLabelAsCalicoDoes) {
    const std::vector<Truth> rows{
        {"", "a == 'x'", {}, false},
        {"", "a != 'x'", {}, true},
        {"", "a != ''", {}, true},
        {"", "a != ''", {{"a", ""}}, false},
        {"", "a in {'x'}", {}, false},
        {"", "a not in {'x'}", {{"a", ""}}, true},
        {"", "a starts with ''", {}, false},
        {"", "a starts with ''", {{"a", ""}}, true},
        {"", "a ends with ''", {}, false},
        {"", "a ends with ''", {{"a", ""}}, true},
        {"", "has(a)", {}, false},
        {"", "has(a)", {{"a", ""}}, true},
        {"", "!has(a)", {{"a", ""}}, false},
        {"", "!(a != 'x')", {}, false},
        {"", "!(a != 'x')", {{"a", ""}}, false},
    };
    for (const Truth& row : rows) {
        const auto selector = Selector::parse(row.text);
        ASSERT_TRUE(selector) << row.text;
        EXPECT_EQ(selector->matches(row.labels), row.expected) << row.text;
    }
}

TEST(Selector, ContainsIsASubstringAndNotAListMember) {
    const auto selector = Selector::parse("tier contains 'end'");
    ASSERT_TRUE(selector);
    EXPECT_TRUE(selector->matches({{"tier", "backend-2"}}));
    EXPECT_FALSE(selector->matches({{"tier", "back"}}));
}

TEST(Selector, AcceptsWhatCalicosParserAccepts) {
    const std::vector<std::string> rows{
        "a in {'b',}",       // S6
        "a notin {'b'}",     // S7
        "a startswith 'b'",  // S7
        "all( )",
        "has( a )",
        "all(\t)",  // S9
        "",
        " ",
        "\t",  // S11
        "in in {'a'}",
        "has == 'x'",                       // S18
        std::string(512, 'a') + " == 'x'",  // S19
        "contains contains 'c'",
        "a=='b'",
        "a!='b'",
        "a in{'b'}",
        "a contains'b'",
        "a=='b'&&c=='d'",
        "a not\tin {'b'}",
        "a starts   with 'b'",
        "anot in {'x'}",
        "a == '\xc3\xa9'",
        "-a == 'b'",
        "foo.bar/baz-_ == 'x'",
        "note == 'global('",  // S21 is refused by the loader's substring test, not by the grammar
        "((((all()))))",
        "! ! has(a)",
        "  a == 'b'  ",
    };
    for (const std::string& text : rows) EXPECT_TRUE(parses(text)) << text << ": " << message(text);
}

TEST(Selector, RefusesWhatCalicosParserRefuses) {
    const std::vector<std::string> rows{
        "has (a)",
        "all ()",  // S8
        "a == 'b'\n",
        "\n",
        "a ==\n'b'",
        "a == 'b'\r",     // S10
        "s == 'it\\'s'",  // S16
        "a == 1",
        "a == b",
        "'a' == 'b'",
        "a",                                // S17
        std::string(513, 'a') + " == 'x'",  // S19
        "ALL()",
        "HAS(a)",
        "has('a')",
        "has()",
        "has(a",
        "a containsx 'b'",
        "a starts 'b'",
        "a not contains 'b'",
        "not has(a)",
        "a and b",
        "a = 'b'",
        "a === 'b'",
        "a & b",
        "a | b",
        "a < 'b'",
        "a ~= 'b'",
        "a == 'b\"",
        "a == 'b''",
        "\xc3\xa9 == 'a'",
        "a in {,'b'}",
        "a in {'b' 'c'}",
        "a in {b}",
        "a in {'b'",
        "a in {",
        "a in 'b'",
        "a in ('b')",
        "()",
        "a == 'b')",
        "(a == 'b'",
        "a == 'b' &&",
        "&& a == 'b'",
        "a == 'b' a == 'b'",
        "all()has(a)",
        "a == 'b' #c",
        "!",
        "a ! = 'b'",
        "a in {'b',,}",
    };
    for (const std::string& text : rows) EXPECT_FALSE(parses(text)) << text;
}

TEST(Selector, CanonicalFormIsCalicos) {
    EXPECT_EQ(canonical("a == 'b' || c == 'd' && e == 'x'"), R"((a == "b" || (c == "d" && e == "x")))");
    EXPECT_EQ(canonical("a in {'c','b','b'}"), R"(a in {"b", "c"})");
    EXPECT_EQ(canonical("a not in {}"), "a not in {}");
    EXPECT_EQ(canonical("((!!(a == 'b')))"), R"(a == "b")");
    EXPECT_EQ(canonical("!!!has( a )"), "!has(a)");
    EXPECT_EQ(canonical("a == 'say \"x\"'"), R"(a == 'say "x"')");
    EXPECT_EQ(canonical("a startswith 'b' && a ends  with 'c'"), R"((a starts with "b" && a ends with "c"))");
    EXPECT_EQ(canonical(" "), "all()");
    EXPECT_EQ(Selector::all().canonical(), "all()");
}

// Where it may stand is for the fields of resources to say (S20).
TEST(Selector, GlobalHoldsAlways) {
    for (const char* text : {"global()", "global( )", "global() && all()", "!!global()"}) {
        const auto selector = Selector::parse(text);
        ASSERT_TRUE(selector) << text;
        EXPECT_TRUE(selector->matches({})) << text;
        EXPECT_TRUE(selector->matches({{"a", "b"}})) << text;
    }
}

TEST(Selector, ComplaintNamesTheColumn) {
    EXPECT_EQ(message("app = 'web'"), "column 5 of the selector: '=' alone is not an operator; write '=='");
    EXPECT_EQ(message("app == web"), "column 8 of the selector: expected a value in quotes, found 'web'");
    EXPECT_EQ(message("(a == 'b'"), "column 1 of the selector: '(' is never closed");
    EXPECT_NE(message("a == 'b' && global(x)").find("column 20"), std::string::npos);
    EXPECT_NE(message("a == 'b'\n").find("line break"), std::string::npos);
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

TEST(Selector, TakesAnyNumberOfParenthesesAndNegations) {
    const auto nested = [](std::size_t depth) { return repeated("(", depth) + "has(a)" + repeated(")", depth); };
    EXPECT_EQ(canonical(nested(500)), "has(a)");
    EXPECT_EQ(canonical(nested(1'000'000)), "has(a)");
    EXPECT_EQ(canonical(repeated("!", 1001) + "has(a)"), "!has(a)");
    EXPECT_EQ(canonical(repeated("!(", 301) + "has(a)" + repeated(")", 301)), "!has(a)");
    EXPECT_NE(message(repeated("(", 1'000'000) + "has(a)").find("'(' is never closed"), std::string::npos);
}

TEST(Selector, BoundsTheDepthOfGroupsFarBeyondWhatFitsIntoAField) {
    const auto groups = [](std::size_t depth) {
        return repeated("!(a==''&&", depth) + "has(a)" + repeated(")", depth);
    };
    EXPECT_LE(groups(100).size(), 1024U);
    EXPECT_TRUE(parses(groups(100)));
    EXPECT_TRUE(parses(groups(500)));
    EXPECT_NE(message(groups(501)).find("more than 1000 groups are nested"), std::string::npos);
    EXPECT_FALSE(parses(groups(300'000)));
    EXPECT_TRUE(parses(repeated("a == 'b' || ", 100'000) + "has(a)"));
}

// A random expression over three labels, with more parentheses and blanks than it needs.
std::string random_selector(std::mt19937_64& random, int depth) {
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    const std::string label(1, static_cast<char>('a' + pick(3)));
    const std::string value = "'" + std::string(pick(3), static_cast<char>('x' + pick(2))) + "'";
    switch (pick(depth > 0 ? 13 : 9)) {
        case 0: return label + " == " + value;
        case 1: return label + "!=" + value;
        case 2: return label + " in {" + value + ", 'y'}";
        case 3: return label + " not in {" + value + "}";
        case 4: return "has( " + label + " )";
        case 5: return label + " contains " + value;
        case 6: return label + " starts with " + value;
        case 7: return label + " ends with " + value;
        case 8: return "all()";
        case 9: return "!" + random_selector(random, depth - 1);
        case 10: return "(" + random_selector(random, depth - 1) + ")";
        case 11: return random_selector(random, depth - 1) + " && " + random_selector(random, depth - 1);
        default: return random_selector(random, depth - 1) + "||" + random_selector(random, depth - 1);
    }
}

TEST(Selector, CanonicalTextSelectsTheSameAndIsItsOwnCanonicalText) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        std::mt19937_64 random(seed);
        const std::string text = random_selector(random, 4);
        const auto first = Selector::parse(text);
        ASSERT_TRUE(first) << "seed " << seed << ": " << text << ": " << first.error().text();
        const auto second = Selector::parse(first->canonical());
        ASSERT_TRUE(second) << "seed " << seed << ": " << first->canonical();
        ASSERT_EQ(second->canonical(), first->canonical()) << "seed " << seed;
        for (int round = 0; round < 8; ++round) {
            Labels labels;
            for (const char* label : {"a", "b", "c"})
                if (random() % 2 == 0) labels[label] = std::string(random() % 3, random() % 2 == 0 ? 'x' : 'y');
            ASSERT_EQ(first->matches(labels), second->matches(labels)) << "seed " << seed << ": " << text;
        }
    }
}

}  // namespace
}  // namespace drywall::policy
