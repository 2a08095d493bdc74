#include "selector_cover.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace drywall::whatif {
namespace {

using policy::Labels;

std::string selector(const std::vector<Labels>& universe, const std::vector<std::size_t>& wanted) {
    std::vector<const Labels*> pointers;
    for (const Labels& labels : universe) pointers.push_back(&labels);
    return selector_for(pointers, wanted);
}

TEST(SelectorCover, OneTellingLabelIsEnoughWhereItIs) {
    EXPECT_EQ(selector({{{"app", "web"}, {"zone", "a"}}, {{"app", "db"}, {"zone", "b"}}}, {0}), "app == 'web'");
}

TEST(SelectorCover, ValuesOfOneLabelAreASet) {
    EXPECT_EQ(selector({{{"app", "web"}}, {{"app", "api"}}, {{"app", "db"}}}, {0, 1}), "app in {'api', 'web'}");
}

TEST(SelectorCover, TwoLabelsTellApartWhatOneDoesNot) {
    EXPECT_EQ(
        selector(
            {{{"app", "web"}, {"env", "prod"}}, {{"app", "web"}, {"env", "dev"}}, {{"app", "db"}, {"env", "prod"}}},
            {0}),
        "app == 'web' && env == 'prod'");
}

TEST(SelectorCover, WhatOthersHaveOnTopIsSaidToBeAbsent) {
    EXPECT_EQ(selector({{{"app", "web"}}, {{"app", "web"}, {"canary", "yes"}}}, {0}), "app == 'web' && !has(canary)");
}

TEST(SelectorCover, WithoutLabelsAmongOthersNoneOfTheirsIsThere) {
    EXPECT_EQ(selector({{}, {{"app", "web"}}}, {0}), "!has(app)");
    EXPECT_EQ(selector({{}}, {0}), "all()");
}

// The fewest terms of one or two labels that cover `wanted` exactly; 0: there are none.
std::size_t fewest_terms(const std::vector<Labels>& universe, const std::vector<std::size_t>& wanted) {
    std::vector<unsigned> terms;  // what each matches, as bits
    const auto matches = [&](const std::vector<std::pair<std::string, std::string>>& all) {
        unsigned bits = 0;
        for (std::size_t i = 0; i < universe.size(); ++i)
            if (std::all_of(all.begin(), all.end(), [&](const auto& label) {
                    const auto found = universe[i].find(label.first);
                    return found != universe[i].end() && found->second == label.second;
                }))
                bits |= 1U << i;
        return bits;
    };
    unsigned target = 0;
    for (const std::size_t i : wanted) target |= 1U << i;
    for (const Labels& labels : universe)
        for (const auto& first : labels)
            for (const auto& second : labels)
                if (const unsigned bits = matches({first, second}); (bits & ~target) == 0) terms.push_back(bits);
    std::sort(terms.begin(), terms.end());
    terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
    std::size_t best = 0;
    for (std::size_t chosen = 1; chosen < (std::size_t{1} << std::min<std::size_t>(terms.size(), 14)); ++chosen) {
        unsigned covered = 0;
        std::size_t count = 0;
        for (std::size_t i = 0; i < terms.size() && i < 14; ++i)
            if ((chosen >> i & 1U) != 0) {
                covered |= terms[i];
                ++count;
            }
        if (covered == target && (best == 0 || count < best)) best = count;
    }
    return best;
}

std::size_t terms_in(const std::string& selector) {
    std::size_t count = 1;
    for (std::size_t at = selector.find(" || "); at != std::string::npos; at = selector.find(" || ", at + 1)) ++count;
    for (std::size_t at = selector.find("', '"); at != std::string::npos; at = selector.find("', '", at + 1)) ++count;
    return count;
}

TEST(SelectorCover, SelectsExactlyWhatIsWantedWithFewTerms) {
    for (unsigned seed = 0; seed < 400; ++seed) {
        std::mt19937 random(seed);
        std::vector<Labels> universe;
        const std::size_t size = 2 + random() % 6;
        while (universe.size() < size) {
            Labels labels;
            for (const char* key : {"app", "env", "zone"})
                if (random() % 5 != 0) labels[key] = std::string(1, static_cast<char>('a' + random() % 3));
            if (std::find(universe.begin(), universe.end(), labels) == universe.end()) universe.push_back(labels);
        }
        std::vector<std::size_t> wanted;
        for (std::size_t i = 0; i < size; ++i)
            if (random() % 2 == 0) wanted.push_back(i);
        if (wanted.empty()) wanted.push_back(random() % size);

        const std::string text = selector(universe, wanted);
        const auto parsed = policy::Selector::parse(text);
        ASSERT_TRUE(parsed) << text;
        for (std::size_t i = 0; i < size; ++i)
            EXPECT_EQ(parsed->matches(universe[i]), std::find(wanted.begin(), wanted.end(), i) != wanted.end())
                << "seed " << seed << ": " << text;
        if (const std::size_t fewest = fewest_terms(universe, wanted); fewest > 0) {
            EXPECT_LE(static_cast<double>(terms_in(text)),
                      static_cast<double>(fewest) * (std::log(static_cast<double>(wanted.size())) + 1))
                << "seed " << seed << ": " << text;
        }
    }
}

}  // namespace
}  // namespace drywall::whatif
