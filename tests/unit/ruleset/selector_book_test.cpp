#include "selector_book.h"

#include <gtest/gtest.h>

namespace drywall::ruleset {
namespace {

const std::vector<policy::Labels> kLabels{{{"app", "a"}, {"ns", "x"}}, {{"app", "b"}, {"ns", "x"}}, {{"app", "a"}}, {}};

std::vector<LabelsId> ids(std::initializer_list<std::uint32_t> numbers) {
    std::vector<LabelsId> all;
    for (const std::uint32_t number : numbers) all.push_back(LabelsId{number});
    return all;
}

TEST(SelectorBook, FindsWhatMatchesWhetherOrNotItAsksForATerm) {
    SelectorBook book(kLabels);
    EXPECT_EQ(book["app == 'a'"].labels, ids({0, 2}));
    EXPECT_EQ(book["app == 'a' && ns == 'x'"].labels, ids({0}));
    EXPECT_EQ(book["app == 'a' || ns == 'x'"].labels, ids({0, 1, 2}));
    EXPECT_EQ(book["!(app == 'a')"].labels, ids({1, 3}));
    EXPECT_EQ(book["app == 'a' && !has(ns)"].labels, ids({2}));
    EXPECT_EQ(book["all()"].labels, ids({0, 1, 2, 3}));
    EXPECT_EQ(book["app == 'c' && has(ns)"].labels, ids({}));
    EXPECT_TRUE(book.status());
}

TEST(SelectorBook, OneMeaningIsOneObjectWhateverItsSpelling) {
    SelectorBook book(kLabels);
    EXPECT_EQ(&book["app in {'b','a'}"], &book["(app in {'a', 'b', 'b'})"]);
}

TEST(SelectorBook, ATextThatDoesNotParseSelectsNothingAndIsAnError) {
    SelectorBook book(kLabels);
    EXPECT_TRUE(book["app = 'a'"].labels.empty());
    EXPECT_FALSE(book.status());
}

}  // namespace
}  // namespace drywall::ruleset
