// What a selector is evaluated against: cases C1 to C15.
#include <gtest/gtest.h>

#include "site.h"

namespace drywall::test {
namespace {

constexpr Verdict kAllow = Verdict::kAllow;
constexpr Verdict kDeny = Verdict::kDeny;

// W, and whoever else is around: x in prod and far in dev, both with role=x.
std::string neighbourhood() {
    return W() + name_space("dev", "{env: d}") + workload("x", "10.0.0.2", "{role: x}") +
           workload("far", "10.0.1.2", "{role: x}", "profiles: [kns.dev]", "dev");
}

// W takes what this one rule allows, in a NetworkPolicy of its namespace or in a GlobalNetworkPolicy.
std::string np_allows_from(const std::string& source) {
    return np("only", "{selector: app == 'w', ingress: [{action: Allow, source: " + source + "}]}");
}
std::string gnp_allows_from(const std::string& source) {
    return gnp("only", "{selector: app == 'w', ingress: [{action: Allow, source: " + source + "}]}");
}

Verdict verdict_from(const Site& site, std::string_view source) {
    return site.judge(to_w().from(source)).enforced.verdict;
}

TEST(Scope, ASelectorOfANetworkPolicyIsAboutItsOwnNamespace_C1) {
    const Site site(neighbourhood() + np_allows_from("{selector: role == 'x'}"));
    EXPECT_EQ(verdict_from(site, "10.0.1.2"), kDeny);
    EXPECT_EQ(verdict_from(site, "10.0.0.2"), kAllow);
}

TEST(Scope, ANamespaceSelectorOpensANetworkPolicyToOthers_C2) {
    const Site site(neighbourhood() + np_allows_from("{selector: role == 'x', namespaceSelector: all()}"));
    EXPECT_EQ(verdict_from(site, "10.0.1.2"), kAllow);
    EXPECT_EQ(verdict_from(site, "10.0.0.2"), kAllow);
    EXPECT_EQ(verdict_from(site, kStranger), kDeny);
}

TEST(Scope, ANotSelectorOfANetworkPolicyDoesNotMatchStrangers_C3) {
    const Site site(neighbourhood() + workload("z", "10.0.0.3") + np_allows_from("{notSelector: role == 'x'}"));
    EXPECT_EQ(verdict_from(site, kStranger), kDeny);
    EXPECT_EQ(verdict_from(site, "10.0.0.2"), kDeny);
    EXPECT_EQ(verdict_from(site, "10.0.0.3"), kAllow);
}

TEST(Scope, ANotSelectorOfAGlobalPolicyMatchesStrangers_C4) {
    const Site site(neighbourhood() + gnp_allows_from("{notSelector: role == 'x'}"));
    EXPECT_EQ(verdict_from(site, kStranger), kAllow);
    EXPECT_EQ(verdict_from(site, "10.0.0.2"), kDeny);
    EXPECT_EQ(verdict_from(site, "10.0.1.2"), kDeny);
}

TEST(Scope, AllInARuleIsEverybodyWhoIsKnown_C5) {
    const Site site(neighbourhood() + gnp_allows_from("{selector: all()}"));
    EXPECT_EQ(verdict_from(site, kStranger), kDeny);
    EXPECT_EQ(verdict_from(site, "10.0.1.2"), kAllow);
    EXPECT_EQ(verdict_from(Site(neighbourhood() + gnp_allows_from("{selector: ' '}")), kStranger), kDeny);
}

TEST(Scope, ARuleWithoutASourceIsForEveryone_C6) {
    const Site site(neighbourhood() + gnp("only", "{selector: app == 'w', ingress: [{action: Allow}]}"));
    EXPECT_EQ(verdict_from(site, kStranger), kAllow);
    EXPECT_EQ(verdict_from(Site(neighbourhood() + gnp_allows_from("{selector: ''}")), kStranger), kAllow);
}

TEST(Scope, AnAbsenceInANamespaceSelectorHoldsForHosts_C7) {
    const Site site(host("h", "expectedIPs: [10.0.0.20]") +
                    gnp("open", "{namespaceSelector: env != 'prod', ingress: [{action: Allow}]}"));
    EXPECT_EQ(site.judge(to_w().to("10.0.0.20", 80)).enforced.ingress, Texts{"0|default|gnp:open|allow|0"});
}

TEST(Scope, AllOfANamespaceSelectorLeavesHostsOut_C8) {
    const Site site(host("h", "expectedIPs: [10.0.0.20]") +
                    gnp("open", "{namespaceSelector: all(), ingress: [{action: Allow}]}"));
    EXPECT_EQ(site.judge(to_w().to("10.0.0.20", 80)).enforced.ingress, Texts{"0|__PROFILE__|pro:__NO_MATCH__|deny|0"});
}

TEST(Scope, AnAbsenceInARulesNamespaceSelectorHoldsForGlobalSets_C9) {
    const Site site(W() + global_set("partners", "{kind: partner}", "[203.0.113.0/24]") +
                    gnp_allows_from("{namespaceSelector: '!has(x)'}"));
    EXPECT_EQ(verdict_from(site, kStranger), kAllow);
    EXPECT_EQ(verdict_from(site, "198.51.100.1"), kDeny);
}

TEST(Scope, GlobalLetsANetworkPolicyNameAGlobalSet_C10) {
    const std::string partners = global_set("partners", "{kind: partner}", "[203.0.113.0/24]") +
                                 network_set("own", "prod", "{kind: partner}", "[198.51.100.0/24]");
    const Site site(W() + partners + np_allows_from("{namespaceSelector: global(), selector: kind == 'partner'}"));
    EXPECT_EQ(verdict_from(site, kStranger), kAllow);
    EXPECT_EQ(verdict_from(site, "198.51.100.1"), kDeny);
}

TEST(Scope, ANetworkSetHasTheLabelsOfItsNamespace_C11) {
    const Site site(W() + network_set("offices", "prod", "{}", "[203.0.113.0/24]") +
                    gnp_allows_from("{namespaceSelector: env == 'p'}"));
    EXPECT_EQ(verdict_from(site, kStranger), kAllow);
    EXPECT_EQ(verdict_from(site, "198.51.100.1"), kDeny);
}

TEST(Scope, AHostEndpointWithoutExpectedIpsHasNoAddressToMatch_C12) {
    const Site site(W() + host("left-port", "interfaceName: left", "{role: gateway}") +
                    gnp_allows_from("{selector: role == 'gateway'}"));
    EXPECT_EQ(verdict_from(site, kStranger), kDeny);
    const Site with_address(W() + host("gateway", "expectedIPs: [203.0.113.9]", "{role: gateway}") +
                            gnp("out", "{selector: role == 'gateway', egress: [{action: Allow}]}") +
                            gnp_allows_from("{selector: role == 'gateway'}"));
    EXPECT_EQ(verdict_from(with_address, kStranger), kAllow);
}

TEST(Scope, AWorkloadCanNotForgeALabelOfItsNamespace_C13) {
    const Site site(name_space("prod", "{env: p}") + workload("w", "10.0.0.1", "{app: w, pcns.env: prod}") +
                    gnp("closed", "{namespaceSelector: env == 'prod', ingress: [{action: Deny}]}"));
    EXPECT_EQ(site.judge(to_w()).enforced.ingress, Texts{"0|__PROFILE__|pro:kns.prod|allow|0"});
}

TEST(Scope, OwnLabelsWinThenTheFirstProfileThatHasTheKey_C14) {
    const std::string profiles = profile("one", "{ingress: [{action: Allow}], labelsToApply: {k: '1'}}") +
                                 profile("three", "{labelsToApply: {k: '3'}}");
    const auto selected = [&](const std::string& labels, const std::string& k) {
        const Site site(name_space("prod") + profiles + workload("w", "10.0.0.1", labels, "profiles: [one, three]") +
                        gnp("closed", "{selector: k == '" + k + "', ingress: [{action: Deny}]}"));
        return site.judge(to_w()).enforced.verdict == kDeny;
    };
    EXPECT_TRUE(selected("{k: '2'}", "2"));
    EXPECT_FALSE(selected("{k: '2'}", "1"));
    EXPECT_TRUE(selected("{}", "1"));
    EXPECT_FALSE(selected("{}", "3"));
}

TEST(Scope, ANetworkPolicyNeverAppliesToAHost_C15) {
    const Site site(host("h", "expectedIPs: [10.0.0.20], profiles: [projectcalico-default-allow]") +
                    np("closed", "{selector: all(), ingress: [{action: Deny}]}"));
    EXPECT_EQ(site.judge(to_w().to("10.0.0.20", 80)).enforced.ingress,
              Texts{"0|__PROFILE__|pro:projectcalico-default-allow|allow|0"});
}

}  // namespace
}  // namespace drywall::test
