// What the semantic diff says about a small site, and how it says it.

#include "drywall/explain/semantic_diff.h"

#include <gtest/gtest.h>

#include "compiled_site.h"

namespace drywall::explain::test {
namespace {

SemanticDiff diff_of(const Regime& before, const Regime& after, const DiffLimits& limits = {}) {
    auto diff = semantic_diff(before, after, limits);
    if (!diff) ADD_FAILURE() << diff.error().text();
    return diff ? *std::move(diff) : SemanticDiff{};
}

std::string services_text(const Difference& difference) {
    std::string out;
    for (const ServiceRegion& service : difference.services) out += (out.empty() ? "" : " ") + service.text();
    return out;
}

std::vector<std::string> texts(const std::vector<net::Prefix>& prefixes) {
    std::vector<std::string> out;
    for (const net::Prefix& prefix : prefixes) out.push_back(prefix.text());
    return out;
}

TEST(SemanticDiff, EqualRulesetsDifferInNothing) {
    const Site a = site_of({kEndpoints, kWebToDb});
    const Site b = site_of({kEndpoints, kWebToDb});
    EXPECT_TRUE(diff_of({a.ruleset.get()}, {b.ruleset.get()}).differences.empty());
}

TEST(SemanticDiff, AStagedPolicyShowsAsWhatItsPromotionWouldDeny) {
    const Site site = site_of({kEndpoints, kWebToDb, kStagedClosed});
    const SemanticDiff diff = diff_of({site.ruleset.get(), World::kEnforced}, {site.ruleset.get(), World::kPending});
    ASSERT_EQ(diff.differences.size(), 1u);
    EXPECT_EQ(diff.newly_denied, 1u);
    EXPECT_EQ(diff.newly_allowed, 0u);
    const Difference& only = diff.differences.front();
    EXPECT_EQ(only.before, Outcome::kAllow);
    EXPECT_EQ(only.after, Outcome::kDeny);
    EXPECT_EQ(texts(only.sources.in), std::vector<std::string>{"10.0.0.1/32"});
    EXPECT_EQ(texts(only.destinations.in), std::vector<std::string>{"10.1.0.1/32"});
    EXPECT_EQ(services_text(only), "tcp/8080");
    EXPECT_EQ(only.lanes.size(), 2u);
    EXPECT_EQ(packet_text(only.example), "tcp 10.0.0.1:49152 -> 10.1.0.1:8080");
    EXPECT_EQ(only.before_by, "default|gnp:web-to-db|allow|0");
    EXPECT_EQ(only.after_by, "default|sgnp:closed|deny|0");
}

TEST(SemanticDiff, BothDirectionsOfChangeAreTold) {
    const Site a = site_of({kEndpoints, kWebToDb});
    const Site b = site_of({kEndpoints, with(kWebToDb, "[8080]", "['8080:8081', 9000]")});
    const SemanticDiff there = diff_of({a.ruleset.get()}, {b.ruleset.get()});
    ASSERT_EQ(there.differences.size(), 1u);
    EXPECT_EQ(services_text(there.differences[0]), "tcp/8081,9000");
    EXPECT_EQ(there.newly_allowed, 1u);
    const SemanticDiff back = diff_of({b.ruleset.get()}, {a.ruleset.get()});
    EXPECT_EQ(back.newly_denied, 1u);
    EXPECT_EQ(back.differences[0].before, Outcome::kAllow);
}

TEST(SemanticDiff, WhoeverIsNotNamedIsEveryoneElse) {
    const Site a = site_of({kEndpoints});
    const Site b = site_of({kEndpoints, kWebToDb});
    const SemanticDiff diff = diff_of({a.ruleset.get()}, {b.ruleset.get()});
    const auto anyone = std::ranges::find_if(diff.differences, [](const Difference& difference) {
        return difference.sources.contains(*net::Address::parse("203.0.113.7"));
    });
    ASSERT_NE(anyone, diff.differences.end());
    EXPECT_EQ(texts(anyone->sources.in).front(), "0.0.0.0/0");
    EXPECT_EQ(services_text(*anyone), "any");
    EXPECT_FALSE(anyone->sources.contains(*net::Address::parse("10.0.0.1")));
}

TEST(SemanticDiff, WhatIsNotListedIsCounted) {
    const Site a = site_of({kEndpoints});
    const Site b = site_of({kEndpoints, kWebToDb});
    const SemanticDiff all = diff_of({a.ruleset.get()}, {b.ruleset.get()});
    ASSERT_GT(all.differences.size(), 1u);
    const SemanticDiff one = diff_of({a.ruleset.get()}, {b.ruleset.get()}, {.regions = 1});
    EXPECT_EQ(one.differences.size(), 1u);
    EXPECT_EQ(one.left_out, all.differences.size() - 1);
}

TEST(SemanticDiff, ATooLargeComparisonIsRefusedBeforeItBegins) {
    const Site a = site_of({kEndpoints});
    const Site b = site_of({kEndpoints, kWebToDb});
    const auto diff = semantic_diff({a.ruleset.get()}, {b.ruleset.get()}, {.questions = 3});
    ASSERT_FALSE(diff);
    EXPECT_EQ(diff.error().kind, ErrorKind::kRefused);
}

TEST(SemanticDiff, NamesEndpointsInJson) {
    const Site site = site_of({kEndpoints, kWebToDb, kStagedClosed});
    const Regime before{site.ruleset.get(), World::kEnforced};
    const Regime after{site.ruleset.get(), World::kPending};
    const Json json = json_of(diff_of(before, after), before, after);
    const Json& only = json["differences"][0];
    EXPECT_EQ(only["sources"]["endpoints"][0], "workloadendpoint/prod/web");
    EXPECT_EQ(only["destinations"]["endpoints"][0], "workloadendpoint/prod/db");
    EXPECT_EQ(only["services"][0], "tcp/8080");
    EXPECT_EQ(json["to"]["world"], "pending");
}

std::string asking(const std::string& http) {
    return with(kWebToDb, "destination: {ports: [8080]}", "destination: {ports: [8080]}\n      http: " + http);
}

TEST(SemanticDiff, AConditionOnRequestsNarrowsWhatPasses) {
    const Site a = site_of({kEndpoints, kWebToDb});
    const Site b = site_of({kEndpoints, asking("{methods: [GET], paths: [{prefix: /shop}]}")});
    const SemanticDiff diff = diff_of({a.ruleset.get()}, {b.ruleset.get()});
    ASSERT_EQ(diff.differences.size(), 1U);
    EXPECT_EQ(diff.newly_denied, 1U);
    EXPECT_EQ(diff.newly_allowed, 0U);
    const Difference& only = diff.differences.front();
    EXPECT_EQ(only.before, Outcome::kAllow);
    EXPECT_EQ(only.after, Outcome::kDepends);
    EXPECT_EQ(only.before_asks, std::vector<std::string>{});
    EXPECT_EQ(only.after_asks, std::vector<std::string>{"ingress of the destination: GET of /shop..."});
    EXPECT_EQ(services_text(only), "tcp/8080");
    ASSERT_EQ(only.shown.size(), 1U);
    EXPECT_EQ(only.shown[0].after, Verdict::kDeny);
    EXPECT_EQ(only.after_by, "default|gnp:web-to-db|deny|-1");
    const SemanticDiff back = diff_of({b.ruleset.get()}, {a.ruleset.get()});
    EXPECT_EQ(back.newly_denied, 0U);
    EXPECT_EQ(back.newly_allowed, 1U);
}

TEST(SemanticDiff, ExchangedConditionsAreNewlyDeniedAndNewlyAllowed) {
    const Site a = site_of({kEndpoints, asking("{methods: [GET]}")});
    const Site b = site_of({kEndpoints, asking("{methods: [POST], paths: [{exact: /in}]}")});
    const Regime before{a.ruleset.get()};
    const Regime after{b.ruleset.get()};
    const SemanticDiff diff = diff_of(before, after);
    ASSERT_EQ(diff.differences.size(), 1U);
    EXPECT_EQ(diff.newly_denied, 1U);
    EXPECT_EQ(diff.newly_allowed, 1U);
    EXPECT_EQ(diff.left_out, 0U);
    const Json only = json_of(diff, before, after)["differences"][0];
    EXPECT_EQ(only["before"], "depends");
    ASSERT_EQ(only["shown"].size(), 2U);
    EXPECT_EQ(only["shown"][0]["options"], "--http 'GET /in'");
    EXPECT_EQ(only["shown"][0]["after"], "deny");
    EXPECT_EQ(only["shown"][1]["http"], "POST /in");
    EXPECT_EQ(only["shown"][1]["after_by"], "default|gnp:web-to-db|allow|0");
}

TEST(SemanticDiff, ConditionsThatComeToTheSameAreEqual) {
    const Site a = site_of({kEndpoints, asking("{methods: [GET, POST], paths: [{prefix: /a}, {exact: /a/b}]}")});
    const Site b = site_of({kEndpoints, asking("{methods: [POST, GET], paths: [{prefix: /a}]}")});
    EXPECT_TRUE(diff_of({a.ruleset.get()}, {b.ruleset.get()}).differences.empty());
    const Site wider = site_of({kEndpoints, asking("{methods: ['*'], paths: [{prefix: /}]}")});
    const SemanticDiff diff = diff_of({a.ruleset.get()}, {wider.ruleset.get()});
    EXPECT_EQ(diff.newly_denied, 0U);
    EXPECT_EQ(diff.newly_allowed, 1U);
}

// What passes with the second passes with the first, and not the other way around.
TEST(SemanticDiff, WhatAConditionCoversIsKnownPathByPath) {
    const std::vector<std::pair<std::string, std::string>> wide_and_narrow{
        {"{paths: [{prefix: /a}]}", "{paths: [{exact: /a}]}"},
        {"{paths: [{prefix: /a}]}", "{paths: [{prefix: /a/b}]}"},
        {"{paths: [{prefix: /a}]}", "{paths: [{prefix: /a/}]}"},
        {"{paths: [{prefix: /}]}", "{paths: [{prefix: /a}, {exact: /b}]}"},
        {"{methods: ['*']}", "{paths: [{prefix: /}]}"},
        {"{methods: [GET, PUT]}", "{methods: [GET], paths: [{prefix: /a}]}"}};
    for (const auto& [wide, narrow] : wide_and_narrow) {
        const Site a = site_of({kEndpoints, asking(wide)});
        const Site b = site_of({kEndpoints, asking(narrow)});
        const SemanticDiff diff = diff_of({a.ruleset.get()}, {b.ruleset.get()});
        EXPECT_EQ(diff.newly_denied, 1U) << wide << " to " << narrow;
        EXPECT_EQ(diff.newly_allowed, 0U) << wide << " to " << narrow;
        if (narrow.find("[{prefix: /}]") != std::string::npos) continue;  // only "*" and the like tell these apart
        ASSERT_EQ(diff.differences[0].shown.size(), 1U) << wide << " to " << narrow;
    }
    const Site beside = site_of({kEndpoints, asking("{paths: [{prefix: /ab}]}")});
    const Site short_one = site_of({kEndpoints, asking("{paths: [{prefix: /a}]}")});
    EXPECT_EQ(diff_of({beside.ruleset.get()}, {short_one.ruleset.get()}).newly_denied, 1U) << "/ab is not below /a";
}

constexpr const char* kToNames = R"(apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: to-names}
spec:
  selector: app == 'web'
  types: [Egress]
  egress:
    - action: Allow
      destination: {domains: ['*.b.example', a.example]}
)";

TEST(SemanticDiff, NamesThatAStagedPolicyAsksForAreTold) {
    const Site site = site_of({kEndpoints, kToNames});
    const SemanticDiff diff = diff_of({site.ruleset.get()}, {site.ruleset.get(), World::kPending});
    ASSERT_FALSE(diff.differences.empty());
    const Difference& first = diff.differences.front();
    EXPECT_EQ(first.after_asks, std::vector<std::string>{"egress of the source: to *.b.example or a.example"});
    ASSERT_EQ(first.shown.size(), 1U);
    EXPECT_EQ(first.shown[0].after_by, "default|sgnp:to-names|deny|-1");

    const Site less = site_of({kEndpoints, with(kToNames, "'*.b.example', a.example", "'*.b.example'")});
    const SemanticDiff lost = diff_of({site.ruleset.get(), World::kPending}, {less.ruleset.get(), World::kPending});
    ASSERT_FALSE(lost.differences.empty());
    EXPECT_EQ(lost.newly_allowed, 0U) << "what is below a name is not the name";
    EXPECT_EQ(lost.differences[0].shown[0].facts.names, std::vector<std::string>{"a.example"});
}

}  // namespace
}  // namespace drywall::explain::test
