// The line that a complaint is about and its caret, whatever the line holds.
#include <gtest/gtest.h>

#include "drywall/loader/resources.h"

namespace drywall::loader {
namespace {

std::string shown_at(const std::string& text, int line, int column) {
    return excerpt({{"other.yaml", "x"}, {"p.yaml", text}}, {{"p.yaml", line, column}, "wrong"});
}

TEST(Excerpt, IsTheLineAndACaretUnderTheColumn) {
    EXPECT_EQ(shown_at("a: 1\n  ordr: 5\nb: 2\n", 2, 3), "      ordr: 5\n      ^\n");
    EXPECT_EQ(shown_at("a: 1", 1, 1), "    a: 1\n    ^\n");
    EXPECT_EQ(shown_at("a: 1\r\nb: 2\r\n", 1, 4), "    a: 1\n       ^\n");
}

TEST(Excerpt, IsEmptyWhereThereIsNothingToShow) {
    EXPECT_EQ(shown_at("a: 1\n", 0, 0), "");
    EXPECT_EQ(shown_at("a: 1\n", 3, 1), "");
    EXPECT_EQ(excerpt({}, {{"p.yaml", 1, 1}, "wrong"}), "");
}

TEST(Excerpt, ShowsTabsAndControlCharactersAsOneCellEach) {
    EXPECT_EQ(shown_at("\ta\x1b[31m: x", 1, 9), "     a?[31m: x\n            ^\n");
    EXPECT_EQ(shown_at("\xc2\x9b"
                       "a: b",
                       1, 1)
                  .find('\x9b'),
              std::string::npos);
    EXPECT_EQ(shown_at("\xff: b", 1, 2), "    ?: b\n     ^\n");
}

TEST(Excerpt, PutsTheCaretUnderCharactersOfSeveralBytes) {
    EXPECT_EQ(shown_at("\xc3\xa9\xc3\xa9: wrong", 1, 7), "    \xc3\xa9\xc3\xa9: wrong\n        ^\n");
    const std::vector<Source> sources{{"p.yaml", "{apiVersion: v1, kind: List, items: [\"\xc3\xa9\", 1], x: 1}"}};
    const auto wrong = load_resources(sources.front());
    ASSERT_FALSE(wrong);
    EXPECT_NE(excerpt(sources, wrong.error().complaints.back()).find("x: 1}\n" + std::string(50, ' ') + "^"),
              std::string::npos)
        << wrong.error().text() << excerpt(sources, wrong.error().complaints.back());
}

TEST(Excerpt, CutsLongLinesAroundTheColumn) {
    const std::string line = std::string(5000, 'a') + "!" + std::string(5000, 'b');
    const std::string out = shown_at(line, 1, 5001);
    EXPECT_LT(out.size(), 250U);
    const std::size_t end = out.find('\n');
    const std::size_t caret = out.find('^') - end - 1;
    EXPECT_EQ(out[caret], '!');
    EXPECT_EQ(out.substr(4, 3), "...");
    EXPECT_EQ(out.substr(end - 3, 3), "...");
    EXPECT_EQ(shown_at("a: 1", 1, 400), "    a: 1\n        ^\n");
}

}  // namespace
}  // namespace drywall::loader
