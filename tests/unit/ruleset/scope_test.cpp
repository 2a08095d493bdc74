// Who rules and policies are about. Numbers are those of the conformance cases on scope.
#include <gtest/gtest.h>

#include "cluster.h"

namespace drywall::test {
namespace {

constexpr auto kUnknown = "198.51.100.7";
constexpr auto kW = "10.0.0.1";

// W, governed by one policy with one allowing rule; everything that the rule does not match is denied.
class Scope : public ::testing::Test {
protected:
    Scope() { cluster.workload("w", kW, {{"app", "w"}}); }

    Verdict from(std::string_view source, const policy::Rule& rule) {
        cluster.add(gnp("p").selects("app == 'w'").ingress(rule));
        return cluster.judge(tcp().from(source).to(kW, 80)).enforced;
    }

    Cluster cluster;
};

TEST_F(Scope, C4NotSelectorAloneMatchesAddressesThatNobodyDeclared) {
    cluster.workload("x", "10.0.0.2", {{"role", "x"}});
    EXPECT_EQ(from(kUnknown, allow().not_from("role == 'x'")), Verdict::kAllow);
    EXPECT_EQ(from("10.0.0.2", allow().not_from("role == 'x'")), Verdict::kDeny);
}

TEST_F(Scope, C5SelectorAllMeansDeclaredAddressesOnly) {
    cluster.workload("peer", "10.0.0.2").host("host", "10.0.0.3").set("set", {"192.0.2.0/24"}, {});
    EXPECT_EQ(from(kUnknown, allow().from("all()")), Verdict::kDeny);
    EXPECT_EQ(from("10.0.0.2", allow().from("all()")), Verdict::kAllow);
    EXPECT_EQ(from("10.0.0.3", allow().from("all()").protocol(6)), Verdict::kDeny) << "the host's own egress denies";
    EXPECT_EQ(from("192.0.2.9", allow().from("all()")), Verdict::kAllow);
}

TEST_F(Scope, BlankRuleSelectorIsAllAndEmptyOneRestrictsNothing) {
    EXPECT_EQ(from(kUnknown, allow().from(" ")), Verdict::kDeny);
    EXPECT_EQ(from(kUnknown, allow().from("")), Verdict::kAllow);
}

TEST_F(Scope, C6RuleWithoutSourceMatchesAnyAddress) { EXPECT_EQ(from(kUnknown, allow()), Verdict::kAllow); }

TEST_F(Scope, SelectorWithNotSelectorIsTheSetOfThoseThatMatchOneAndNotTheOther) {
    cluster.workload("a", "10.0.0.2", {{"role", "x"}}).workload("b", "10.0.0.3", {{"role", "x"}, {"bad", ""}});
    const auto rule = allow().from("role == 'x'").not_from("has(bad)");
    EXPECT_EQ(from("10.0.0.2", rule), Verdict::kAllow);
    EXPECT_EQ(from("10.0.0.3", rule), Verdict::kDeny);
    EXPECT_EQ(from(kUnknown, rule), Verdict::kDeny);
}

TEST_F(Scope, AnAddressOfSeveralObjectsIsInASetWhenAnyOfThemMatches) {
    cluster.set("wide", {"192.0.2.0/24"}, {{"role", "x"}}).set("narrow", {"192.0.2.9/32"}, {{"role", "y"}});
    EXPECT_EQ(from("192.0.2.9", allow().from("role == 'x'").not_from("role == 'y'")), Verdict::kAllow);
}

TEST_F(Scope, C12SelectorOfAHostEndpointThatIsAPortFindsNoAddress) {
    cluster.port("uplink", "left", {{"role", "x"}});
    EXPECT_EQ(from(kUnknown, allow().from("role == 'x'")), Verdict::kDeny);
}

TEST_F(Scope, NetsAndSelectorMustBothHold) {
    cluster.set("partners", {"192.0.2.0/24"}, {{"role", "x"}});
    const auto rule = allow().from("role == 'x'").from_net("192.0.2.0/25");
    EXPECT_EQ(from("192.0.2.127", rule), Verdict::kAllow);
    EXPECT_EQ(from("192.0.2.128", rule), Verdict::kDeny);
    EXPECT_EQ(from("192.0.2.127", allow().from_net("192.0.2.0/25").not_from_net("192.0.2.64/26")), Verdict::kDeny);
}

TEST_F(Scope, NamespaceAndOrchestratorOfAWorkloadCanBeSelected) {
    cluster.workload("x", "10.0.0.2");
    EXPECT_EQ(from("10.0.0.2", allow().from("projectcalico.org/namespace == 'prod'")), Verdict::kAllow);
}

}  // namespace
}  // namespace drywall::test
