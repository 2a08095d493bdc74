// Conditions against their plain twin, on requests and names made of few words, so that they share beginnings, ends and
// boundaries.
#include <array>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plain_matcher.h"

namespace drywall::inspect {
namespace {

using Random = std::mt19937_64;

constexpr std::array<std::string_view, 5> kSegments{"a", "ab", "b", "api", "\xc3\xa9"};
constexpr std::array<std::string_view, 4> kMethods{"GET", "get", "POST", "DELETE"};
constexpr std::array<std::string_view, 6> kLabels{"a", "aa", "com", "example", "EXAMPLE", "x-1"};

template <typename Words>
std::string_view any(Random& random, const Words& words) {
    return words[random() % words.size()];
}

std::string random_path(Random& random) {
    std::string out;
    for (std::size_t n = random() % 5; n > 0; --n) out.append("/").append(any(random, kSegments));
    if (out.empty() || random() % 4 == 0) out += '/';
    return out;
}

std::string random_name(Random& random) {
    std::string out(any(random, kLabels));
    for (std::size_t n = random() % 4; n > 0; --n) out.append(".").append(any(random, kLabels));
    return out;
}

// A text a little beside one that matches: one byte more, less or different at the end or the beginning.
std::string beside(Random& random, std::string text) {
    switch (random() % 6) {
        case 0: return text + "/";
        case 1: return text + "a";
        case 2: return "." + text;
        case 3: return text.substr(0, text.size() - 1);
        case 4: return "a" + text;
        default: return text;
    }
}

Condition random_condition(Random& random) {
    if (random() % 2 == 0) {
        NameCondition names;
        for (std::size_t n = random() % 4; n > 0; --n)
            names.names.push_back((random() % 2 == 0 ? "*." : "") + random_name(random) +
                                  (random() % 8 == 0 ? "." : ""));
        return names;
    }
    HttpCondition http;
    for (std::size_t n = random() % 3; n > 0; --n)
        http.methods.emplace_back(random() % 8 == 0 ? "*" : any(random, kMethods));
    for (std::size_t n = random() % 4; n > 0; --n) http.paths.push_back({random() % 2 == 0, random_path(random)});
    return http;
}

struct Matcher {
    explicit Matcher(const std::vector<Condition>& conditions)
        : given(conditions), compiled(std::move(Conditions::compile(conditions)).value()) {
        EXPECT_TRUE(workspace.grow_for(compiled));
    }

    void check_request(std::string_view method, std::string_view path) {
        workspace.request.clear();
        ASSERT_TRUE(compiled.match_request(method, path, workspace.scratch, workspace.request));
        for (std::uint32_t i = 0; i < given.size(); ++i) {
            const auto* http = std::get_if<HttpCondition>(&given[i]);
            ASSERT_EQ(compiled.holds(ConditionId{i}, workspace.request),
                      http != nullptr && plain::holds(*http, method, path))
                << "condition " << i << ", " << method << " " << path;
        }
    }
    void check_names(const std::vector<std::string>& names) {
        workspace.address_names.clear();
        for (const std::string& name : names)
            ASSERT_TRUE(compiled.match_name(name, workspace.scratch, workspace.address_names));
        for (std::uint32_t i = 0; i < given.size(); ++i) {
            const auto* condition = std::get_if<NameCondition>(&given[i]);
            const bool expected = condition != nullptr &&
                                  std::any_of(names.begin(), names.end(),
                                              [&](const std::string& name) { return plain::holds(*condition, name); });
            ASSERT_EQ(compiled.holds(ConditionId{i}, workspace.address_names), expected)
                << "condition " << i << ", " << testing::PrintToString(names);
        }
    }

    std::vector<Condition> given;
    Conditions compiled;
    ConditionWorkspace workspace;
};

TEST(ConditionsAgainstPlain, AgreeOnRandomAndBoundaryTexts) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    Random random(seed);
    for (int round = 0; round < 150 && !testing::Test::HasFatalFailure(); ++round) {
        std::vector<Condition> conditions;
        for (std::size_t n = random() % 20; n > 0; --n) conditions.push_back(random_condition(random));
        Matcher matcher(conditions);
        for (int i = 0; i < 100 && !testing::Test::HasFatalFailure(); ++i) {
            matcher.check_request(any(random, kMethods), beside(random, random_path(random)));
            std::vector<std::string> names;
            for (std::size_t n = 1 + random() % 3; n > 0; --n) names.push_back(beside(random, random_name(random)));
            matcher.check_names(names);
        }
    }
}

TEST(ConditionsAgainstPlain, AgreeOnTenThousandPatternsOfWhichManyHold) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<Condition> conditions;
    std::string deep;
    for (unsigned i = 0; i < 10'000; ++i) {
        // Half of them on one line, each below the one before it; the others beside each other.
        if (i % 20 == 0) deep += "/" + std::to_string(i % 7);
        const std::string path = i % 2 == 0 ? deep.substr(0, 1 + random() % deep.size()) : "/p" + std::to_string(i);
        conditions.emplace_back(HttpCondition{{"GET"}, {{random() % 4 != 0, path}}});
    }
    Matcher matcher(conditions);
    for (int i = 0; i < 50 && !testing::Test::HasFatalFailure(); ++i) {
        matcher.check_request("GET", deep.substr(0, 1 + random() % deep.size()));
        matcher.check_request("GET", "/p" + std::to_string(random() % 10'000) + (i % 2 == 0 ? "/x" : "x"));
    }
    matcher.check_request("GET", deep);
    matcher.check_request("GET", deep + "/and/on");
}

}  // namespace
}  // namespace drywall::inspect
