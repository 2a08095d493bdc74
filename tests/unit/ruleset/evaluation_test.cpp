// How the tiers of one endpoint are walked. Numbers are those of the conformance cases on evaluation.
#include <gtest/gtest.h>

#include "cluster.h"

namespace drywall::test {
namespace {

constexpr auto kUnknown = "198.51.100.7";
constexpr auto kW = "10.0.0.1";
constexpr auto kProfileHit = "__PROFILE__|pro:projectcalico-default-allow|allow|0";

class Evaluation : public ::testing::Test {
protected:
    Evaluation() { cluster.workload("w", kW, {{"app", "w"}}); }

    Judged judge(std::uint16_t port = 80) { return cluster.judge(tcp().from(kUnknown).to(kW, port)); }
    Texts hits(std::uint16_t port = 80) { return judge(port).enforced_hits; }

    Cluster cluster;
};

TEST_F(Evaluation, E1WithoutPolicyTheProfileAllows) {
    EXPECT_EQ(hits(), Texts{kProfileHit});
    EXPECT_EQ(judge().enforced, Verdict::kAllow);
    EXPECT_EQ(judge().reason, DropReason::kNone);
}

TEST_F(Evaluation, E2WithoutPolicyAndProfileItIsDenied) {
    cluster.workload("w", kW, {}, kNoProfiles);
    EXPECT_EQ(hits(), Texts{"__PROFILE__|pro:__NO_MATCH__|deny|0"});
    EXPECT_EQ(judge().reason, DropReason::kPolicyDeny);
}

TEST_F(Evaluation, E3NoRuleMatchesAndTheTierDenies) {
    cluster.add(gnp("web").ingress(allow().tcp(80)));
    EXPECT_EQ(hits(22), Texts{"default|gnp:web|deny|-1"});
    EXPECT_EQ(judge(22).reason, DropReason::kPolicyDeny);
    EXPECT_EQ(hits(80), Texts{"default|gnp:web|allow|0"});
}

TEST_F(Evaluation, E4NoRuleMatchesAndTheTierPasses) {
    cluster.tier("soft", 10, Action::kPass).add(gnp("web").tier("soft").ingress(allow().tcp(80)));
    EXPECT_EQ(hits(22), (Texts{"soft|gnp:web|pass|-1", kProfileHit}));
}

TEST_F(Evaluation, E5TierWithEgressPoliciesOnlyIsSkippedForIngress) {
    cluster.add(gnp("out").only_egress());
    EXPECT_EQ(hits(), Texts{kProfileHit});
}

TEST_F(Evaluation, RulesOfADirectionThatIsNotInTypesAreInert) {
    cluster.add(gnp("out").only_egress().ingress(deny()));
    EXPECT_EQ(hits(), Texts{kProfileHit});
}

TEST_F(Evaluation, PoliciesThatDoNotSelectTheEndpointDoNotArmTheTier) {
    cluster.add(gnp("other").selects("app == 'other'"));
    EXPECT_EQ(hits(), Texts{kProfileHit});
}

TEST_F(Evaluation, E6PassInTheLastTierLeavesItToTheProfile) {
    cluster.add(gnp("p").ingress(pass()));
    EXPECT_EQ(hits(), (Texts{"default|gnp:p|pass|0", kProfileHit}));
}

TEST_F(Evaluation, E7PassInOneTierLeavesItToTheNext) {
    cluster.tier("sec", 10).add(gnp("p").tier("sec").ingress(pass()).ingress(deny())).add(gnp("q").ingress(deny()));
    EXPECT_EQ(hits(), (Texts{"sec|gnp:p|pass|0", "default|gnp:q|deny|0"}));
}

TEST_F(Evaluation, E8LogIsNotedAndTheTierDeniesAtItsEnd) {
    cluster.add(gnp("p").ingress(log()));
    EXPECT_EQ(hits(), (Texts{"default|gnp:p|log|0", "default|gnp:p|deny|-1"}));
}

TEST_F(Evaluation, E9E10PoliciesAreSortedByOrderAndThoseWithoutComeLast) {
    // Each allows one port more than the one before it: the first that knows the port is named.
    const auto policy = [](const char* name, std::uint16_t last) {
        return gnp(name).ingress(allow().protocol(6).to_ports({{1, last}}));
    };
    cluster.add(policy("hundred", 4).order(100)).add(policy("fifty", 3).order(50)).add(policy("unset", 5));
    cluster.add(policy("minus", 1).order(-1)).add(policy("zero", 2).order(0));
    EXPECT_EQ(hits(1), Texts{"default|gnp:minus|allow|0"});
    EXPECT_EQ(hits(2), Texts{"default|gnp:zero|allow|0"});
    EXPECT_EQ(hits(3), Texts{"default|gnp:fifty|allow|0"});
    EXPECT_EQ(hits(4), Texts{"default|gnp:hundred|allow|0"});
    EXPECT_EQ(hits(5), Texts{"default|gnp:unset|allow|0"});
}

TEST_F(Evaluation, E11EqualOrdersAreSortedByNameSlashKind) {
    cluster.add(gnp("web2").ingress(allow()));
    EXPECT_EQ(hits(), Texts{"default|gnp:web2|allow|0"});
    cluster.add(gnp("web").ingress(allow()));
    EXPECT_EQ(hits(), Texts{"default|gnp:web|allow|0"});
    cluster.add(gnp("web-2").ingress(allow()));
    EXPECT_EQ(hits(), Texts{"default|gnp:web-2|allow|0"});
}

TEST_F(Evaluation, E13TiersOfEqualOrderAreSortedByName) {
    cluster.tier("zeta", policy::kDefaultTierOrder).tier("acme", policy::kDefaultTierOrder);
    for (const char* tier : {"zeta", "acme", "default"}) cluster.add(gnp(tier).tier(tier).ingress(pass()));
    EXPECT_EQ(hits(),
              (Texts{"acme|gnp:acme|pass|0", "default|gnp:default|pass|0", "zeta|gnp:zeta|pass|0", kProfileHit}));
}

TEST_F(Evaluation, E19EgressOfTheSourceDeniesBeforeIngressOfTheDestinationAllows) {
    cluster.workload("v", "10.0.0.2", {{"app", "v"}}).add(gnp("in").selects("app == 'w'").ingress(allow()));
    cluster.add(gnp("out").selects("app == 'v'").only_egress().egress(deny()));
    const Judged judged = cluster.judge(tcp().from("10.0.0.2").to(kW, 80));
    EXPECT_EQ(judged.enforced, Verdict::kDeny);
    EXPECT_EQ(judged.enforced_hits, Texts{"default|gnp:out|deny|0"});
}

TEST_F(Evaluation, E20EgressOfTheSourceIsFollowedByIngressOfTheDestination) {
    cluster.workload("v", "10.0.0.2", {{"app", "v"}}).add(gnp("in").selects("app == 'w'").ingress(allow()));
    cluster.add(gnp("out").selects("app == 'v'").only_egress().egress(allow().to("app == 'w'")));
    EXPECT_EQ(cluster.judge(tcp().from("10.0.0.2").to(kW, 80)).enforced_hits,
              (Texts{"default|gnp:out|allow|0", "default|gnp:in|allow|0"}));
}

TEST_F(Evaluation, E21RuleWithNetsOfOneFamilyIsAbsentForTheOther) {
    cluster.workload("w6", "2001:db8::1", {{"app", "w"}});
    cluster.add(gnp("p").ingress(deny().from_net("0.0.0.0/0")).ingress(deny().not_from_net("10.0.0.0/8")));
    cluster.add(gnp("q").order(1).ingress(allow().tcp(80).version(net::Family::kIPv6)));
    EXPECT_EQ(cluster.judge(tcp().from("2001:db8::9").to("2001:db8::1", 80)).enforced_hits,
              Texts{"default|gnp:q|allow|0"});
    EXPECT_EQ(cluster.judge(tcp().from("2001:db8::9").to("2001:db8::1", 81)).enforced_hits,
              Texts{"default|gnp:p|deny|-1"})
        << "negated IPv4 nets say nothing about IPv6";
    EXPECT_EQ(hits(80), Texts{"default|gnp:p|deny|0"});
}

TEST_F(Evaluation, E22ProtocolIcmpDoesNotMatchIcmpv6) {
    cluster.workload("w6", "2001:db8::1", {{"app", "w"}}).add(gnp("p").ingress(allow().protocol(1)));
    EXPECT_EQ(cluster.judge(icmp_echo().from("2001:db8::9").to("2001:db8::1")).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(icmp_echo().from(kUnknown).to(kW)).enforced, Verdict::kAllow);
}

TEST_F(Evaluation, E23NotIcmpNegatesTypeAndCodeTogether) {
    cluster.add(gnp("p").ingress(allow().protocol(1).not_icmp(3, 1)));
    EXPECT_EQ(cluster.judge(icmp(3, 0).from(kUnknown).to(kW)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(icmp(3, 1).from(kUnknown).to(kW)).enforced, Verdict::kDeny);
}

TEST_F(Evaluation, E24NotProtocolTcpMatchesUdp) {
    cluster.add(gnp("p").ingress(allow().not_protocol(6)));
    EXPECT_EQ(cluster.judge(udp().from(kUnknown).to(kW, 53)).enforced, Verdict::kAllow);
    EXPECT_EQ(judge().enforced, Verdict::kDeny);
}

TEST_F(Evaluation, PortListsNameTheSideTheyStandAt) {
    cluster.add(gnp("p").ingress(allow().protocol(6).from_ports({{1000, 2000}}).not_to_ports({{22, 22}})));
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown, 1000).to(kW, 80)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown, 2001).to(kW, 80)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown, 1000).to(kW, 22)).enforced, Verdict::kDeny);
}

TEST_F(Evaluation, E26EmptySetMatchesNothingAndNegatedEverything) {
    cluster.set("none", {}, {{"role", "none"}});
    cluster.add(gnp("p").order(1).ingress(deny().from("role == 'none'")).ingress(allow().tcp(80)));
    EXPECT_EQ(judge(80).enforced, Verdict::kAllow);
    cluster.add(gnp("first").order(0).ingress(deny().not_from("role == 'none'")));
    EXPECT_EQ(judge(80).enforced_hits, Texts{"default|gnp:first|deny|0"});
}

TEST_F(Evaluation, UnmatchedTrafficIsDecidedByTheConfigurationAndHasItsOwnReason) {
    const auto stranger = tcp().from(kUnknown).to("203.0.113.1", 80);
    EXPECT_EQ(cluster.judge(stranger).enforced_hits, Texts{"__UNMATCHED__|cfg:unmatched|allow|-1"});
    cluster.surroundings().unmatched = Verdict::kDeny;
    EXPECT_EQ(cluster.judge(stranger).reason, DropReason::kUnmatched);
    EXPECT_EQ(cluster.judge(stranger).pending, Verdict::kDeny);
}

TEST_F(Evaluation, TheAppliancesFailsafeListIsInFrontOfEverything) {
    cluster.add(gnp("deny-all").ingress(deny()));
    ruleset::Surroundings::Failsafe ssh{.protocol = 6, .port = 22, .to = {}, .from = {}};
    ssh.to = {net::Prefix::host(address(kW))};
    cluster.surroundings().failsafe = {ssh};
    EXPECT_EQ(hits(22), Texts{"__FAILSAFE__|cfg:tcp/22|allow|0"});
    EXPECT_EQ(judge(23).enforced, Verdict::kDeny);
}

TEST_F(Evaluation, AFailsafeEntryWithoutDestinationsIsRefused) {
    cluster.surroundings().failsafe = {{.protocol = 6, .port = 22, .to = {}, .from = {}}};
    const auto built = cluster.try_build();
    ASSERT_FALSE(built);
    EXPECT_EQ(built.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(built.error().text().find("failsafe entry 0 (tcp/22)"), std::string::npos) << built.error().text();
}

}  // namespace
}  // namespace drywall::test
