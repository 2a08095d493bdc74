#include "drywall/inspect/conditions.h"

#include <gtest/gtest.h>

namespace drywall::inspect {
namespace {

class Matcher {
public:
    explicit Matcher(const std::vector<Condition>& conditions)
        : conditions_(std::move(Conditions::compile(conditions)).value()) {
        EXPECT_TRUE(workspace_.grow_for(conditions_));
    }

    bool request(std::string_view method, std::string_view path, std::uint32_t condition = 0) {
        workspace_.request.clear();
        EXPECT_TRUE(conditions_.match_request(method, path, workspace_.scratch, workspace_.request));
        return conditions_.holds(ConditionId{condition}, workspace_.request);
    }
    bool names(const std::vector<std::string_view>& names, std::uint32_t condition = 0) {
        workspace_.address_names.clear();
        for (const std::string_view name : names)
            EXPECT_TRUE(conditions_.match_name(name, workspace_.scratch, workspace_.address_names));
        return conditions_.holds(ConditionId{condition}, workspace_.address_names);
    }
    const Conditions& conditions() const { return conditions_; }

private:
    Conditions conditions_;
    ConditionWorkspace workspace_;
};

HttpCondition exact(std::string path) { return {{}, {{false, std::move(path)}}}; }
HttpCondition prefix(std::string path) { return {{}, {{true, std::move(path)}}}; }

TEST(Conditions, AnExactPathIsThatPathOnly) {
    Matcher matcher({exact("/a/b")});
    EXPECT_TRUE(matcher.request("GET", "/a/b"));
    for (const char* path : {"/a", "/a/b/", "/a/bc", "/a/b/c", "/x/a/b", "/A/b", "*", "", "/"})
        EXPECT_FALSE(matcher.request("GET", path)) << path;
}

TEST(Conditions, APrefixEndsWhereASegmentEnds) {
    Matcher matcher({prefix("/a"), prefix("/a/"), prefix("/")});
    for (const char* path : {"/a", "/a/", "/a/b"}) EXPECT_TRUE(matcher.request("GET", path, 0)) << path;
    for (const char* path : {"/ab", "/", "/b/a", "/A"}) EXPECT_FALSE(matcher.request("GET", path, 0)) << path;
    EXPECT_TRUE(matcher.request("GET", "/a/b", 1));
    EXPECT_TRUE(matcher.request("GET", "/a/", 1));
    EXPECT_FALSE(matcher.request("GET", "/a", 1));
    EXPECT_TRUE(matcher.request("GET", "/", 2));
    EXPECT_TRUE(matcher.request("GET", "/x", 2));
}

TEST(Conditions, MethodsAreComparedWithTheirCase) {
    Matcher matcher({HttpCondition{{"GET", "HEAD"}, {}}, HttpCondition{{"*"}, {}}, HttpCondition{}});
    EXPECT_TRUE(matcher.request("HEAD", "/x"));
    EXPECT_FALSE(matcher.request("head", "/x"));
    EXPECT_FALSE(matcher.request("POST", "/x"));
    for (const std::uint32_t any : {1U, 2U}) EXPECT_TRUE(matcher.request("BREW", "*", any));
}

TEST(Conditions, MethodAndPathMustBothHold) {
    Matcher matcher({HttpCondition{{"GET"}, {{true, "/a"}, {false, "/b"}}}});
    EXPECT_TRUE(matcher.request("GET", "/a/x"));
    EXPECT_TRUE(matcher.request("GET", "/b"));
    EXPECT_FALSE(matcher.request("POST", "/b"));
    EXPECT_FALSE(matcher.request("GET", "/c"));
}

TEST(Conditions, NamesMatchByWholeLabelsWithoutCase) {
    Matcher matcher({NameCondition{{"example.com"}}, NameCondition{{"*.Example.COM."}}});
    for (const char* name : {"example.com", "EXAMPLE.com.", "eXample.com"}) {
        EXPECT_TRUE(matcher.names({name}, 0)) << name;
        EXPECT_FALSE(matcher.names({name}, 1)) << name << " is not below itself";
    }
    for (const char* name : {"www.example.com", "a.b.EXAMPLE.com."}) {
        EXPECT_FALSE(matcher.names({name}, 0)) << name;
        EXPECT_TRUE(matcher.names({name}, 1)) << name;
    }
    for (const char* name : {"badexample.com", "example.com.evil.org", "xample.com", "com", "", ".", "example.comm",
                             ".example.com", "example.com.."})
        for (const std::uint32_t condition : {0U, 1U}) EXPECT_FALSE(matcher.names({name}, condition)) << name;
}

TEST(Conditions, OneOfSeveralNamesIsEnough) {
    Matcher matcher({NameCondition{{"a.org", "b.org"}}, NameCondition{{"c.org"}}});
    EXPECT_TRUE(matcher.names({"x.org", "b.org"}, 0));
    EXPECT_FALSE(matcher.names({"x.org", "b.org"}, 1));
    EXPECT_FALSE(matcher.names({}, 0));
}

TEST(Conditions, ANameThatIsTooLongMatchesNothing) {
    Matcher matcher({NameCondition{{"*.org"}}});
    EXPECT_TRUE(matcher.names({std::string(249, 'a') + ".org"}));
    EXPECT_TRUE(matcher.names({std::string(249, 'a') + ".org."}));
    EXPECT_FALSE(matcher.names({std::string(250, 'a') + ".org"}));
}

TEST(Conditions, WhatWasNotAskedDoesNotHold) {
    Matcher matcher({HttpCondition{}, NameCondition{{"a.org"}}, NameCondition{}});
    EXPECT_FALSE(matcher.names({"a.org"}, 0)) << "no request was matched";
    EXPECT_FALSE(matcher.request("GET", "/", 1));
    EXPECT_FALSE(matcher.names({"a.org"}, 2)) << "no name is listed";
}

TEST(Conditions, FoundForgetsWhenItIsCleared) {
    Matcher matcher({exact("/a"), exact("/b")});
    EXPECT_TRUE(matcher.request("GET", "/a", 0));
    EXPECT_FALSE(matcher.request("GET", "/b", 0));
    EXPECT_TRUE(matcher.request("GET", "/b", 1));
}

TEST(Conditions, EqualPatternsAreCompiledOnce) {
    const Matcher matcher({exact("/a"), prefix("/a"), HttpCondition{{"GET"}, {{false, "/a"}}},
                           NameCondition{{"a.org", "A.org."}}, NameCondition{{"*.a.org"}}});
    EXPECT_EQ(matcher.conditions().pattern_count(), 3U);
    EXPECT_EQ(matcher.conditions().size(), 5U);
    EXPECT_GT(matcher.conditions().memory_bytes(), 0U);
}

TEST(Conditions, NoneAtAllIsFine) {
    Matcher matcher({});
    EXPECT_EQ(matcher.conditions().size(), 0U);
    Matcher only_methods({HttpCondition{{"GET"}, {}}});
    EXPECT_TRUE(only_methods.request("GET", "/"));
}

TEST(Conditions, AllOfManyMayHoldAtOnce) {
    std::vector<Condition> conditions;
    std::string path;
    for (int i = 0; i < 500; ++i) {
        path += "/" + std::to_string(i);
        conditions.emplace_back(prefix(path));
    }
    Matcher matcher(conditions);
    for (std::uint32_t i = 0; i < conditions.size(); ++i) EXPECT_TRUE(matcher.request("GET", path, i)) << i;
}

TEST(Conditions, AWorkspaceOfOthersIsRefused) {
    const auto conditions = std::move(Conditions::compile(std::vector<Condition>{exact("/a")})).value();
    ConditionWorkspace workspace;
    EXPECT_FALSE(conditions.match_request("GET", "/a", workspace.scratch, workspace.request));
    EXPECT_FALSE(conditions.match_name("a", workspace.scratch, workspace.server_name));
    workspace.request.grow_for(conditions);
    EXPECT_FALSE(conditions.match_request("GET", "/a", workspace.scratch, workspace.request)) << "scratch was not";
}

TEST(Conditions, WhatCannotBeComparedIsRefusedByItsNumber) {
    const auto refused = [](Condition condition) {
        return Conditions::compile(std::vector<Condition>{exact("/"), std::move(condition)}).error().text();
    };
    EXPECT_EQ(refused(exact("a")), "condition 1: path 'a' does not begin with '/'");
    EXPECT_EQ(refused(NameCondition{{"a.*.org"}}),
              "condition 1: 'a.*.org' has a '*' elsewhere than as its first label");
    EXPECT_EQ(refused(NameCondition{{"*"}}), "condition 1: '*' has a '*' elsewhere than as its first label");
    EXPECT_EQ(refused(NameCondition{{"*.*.org"}}),
              "condition 1: '*.*.org' has a '*' elsewhere than as its first label");
    EXPECT_EQ(refused(NameCondition{{"a..org"}}), "condition 1: 'a..org' has an empty label");
    EXPECT_EQ(refused(NameCondition{{".org"}}), "condition 1: '.org' has an empty label");
    EXPECT_EQ(refused(NameCondition{{"*."}}), "condition 1: '*.' is no name of 1 to 253 characters");
    EXPECT_EQ(refused(NameCondition{{std::string(254, 'a')}}).substr(0, 20), "condition 1: 'aaaaaa");
}

}  // namespace
}  // namespace drywall::inspect
