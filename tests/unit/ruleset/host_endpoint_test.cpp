// Protected hosts and the appliance's own ports. Numbers are those of the conformance cases on host endpoints: "local"
// traffic there is traffic to a protected host here, "transit" is what crosses a port.
#include <gtest/gtest.h>

#include "cluster.h"

namespace drywall::test {
namespace {

constexpr auto kUnknown = "198.51.100.7";
constexpr auto kHost = "10.0.0.5";
constexpr auto kForwardHit = "__FORWARD__|hep:__NO_MATCH__|allow|-1";

Packet local(std::uint16_t port) { return tcp().from(kUnknown).to(kHost, port); }
Packet transit(std::uint16_t port) { return tcp().from(kUnknown).to("203.0.113.1", port).entering(0); }

class ProtectedHost : public ::testing::Test {
protected:
    ProtectedHost() { cluster.host("db", kHost, {{"role", "db"}}); }
    Cluster cluster;
};

TEST_F(ProtectedHost, H1WithoutPolicyItIsClosed) {
    EXPECT_EQ(cluster.judge(local(443)).enforced_hits, Texts{"__PROFILE__|pro:__NO_MATCH__|deny|0"});
}

TEST_F(ProtectedHost, H2WithoutPolicyTheFailsafePortsAreOpen) {
    EXPECT_EQ(cluster.judge(local(22)).enforced_hits, Texts{"__FAILSAFE__|hep:tcp/22|allow|0"});
    EXPECT_EQ(cluster.judge(udp().from(kHost).to(kUnknown, 53)).enforced_hits,
              Texts{"__FAILSAFE__|hep:udp/53|allow|0"});
    EXPECT_EQ(cluster.judge(tcp().from(kHost).to(kUnknown, 22)).enforced, Verdict::kDeny) << "22 is open inwards only";
}

TEST_F(ProtectedHost, ItsProfileAllowsAndFailsafesAreHitsOnlyWhereTheyMatch) {
    cluster.host("db", kHost, {}, kAllowed);
    EXPECT_EQ(cluster.judge(local(443)).enforced_hits, Texts{"__PROFILE__|pro:projectcalico-default-allow|allow|0"});
    EXPECT_EQ(cluster.judge(local(22)).enforced_hits, Texts{"__FAILSAFE__|hep:tcp/22|allow|0"});
}

TEST_F(ProtectedHost, H6FailsafePortsAreInFrontOfADenyingPolicy) {
    cluster.add(gnp("deny-all").on_forward().ingress(deny()));
    EXPECT_EQ(cluster.judge(local(22)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(local(443)).enforced_hits, Texts{"default|gnp:deny-all|deny|0"});
}

TEST_F(ProtectedHost, E28AllSelectsWorkloadsAndHostsAndFailsafesSaveTheHostAlone) {
    cluster.workload("pod", "10.0.0.6").add(gnp("deny-all").selects("all()").ingress(deny()));
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to("10.0.0.6", 22)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(local(443)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(local(22)).enforced, Verdict::kAllow);
}

TEST_F(ProtectedHost, InterfaceOfAnotherMachineDoesNotMakeItAPort) {
    policy::HostEndpoint endpoint;
    endpoint.metadata.name = "db";
    endpoint.interface_name = "eth0";
    endpoint.expected_ips = {address(kHost)};
    cluster.add(policy::Resource(endpoint));
    EXPECT_EQ(cluster.judge(local(443)).enforced, Verdict::kDeny);
}

class OwnPort : public ::testing::Test {
protected:
    OwnPort() { cluster.port("uplink", "left", {{"role", "uplink"}}); }
    Cluster cluster;
};

TEST_F(OwnPort, H3WithoutPolicyTransitPasses) {
    EXPECT_EQ(cluster.judge(transit(443)).enforced_hits, Texts{kForwardHit});
}

TEST_F(OwnPort, H4APolicyThatDoesNotApplyOnForwardDoesNotTouchTransit) {
    cluster.add(gnp("deny-all").ingress(deny()).egress(deny()));
    EXPECT_EQ(cluster.judge(transit(443)).enforced_hits, Texts{kForwardHit});
}

TEST_F(OwnPort, H5ForwardPoliciesHaveNoFailsafes) {
    cluster.add(gnp("deny-all").on_forward().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(22)).enforced_hits, Texts{"default|gnp:deny-all|deny|0"});
}

TEST_F(OwnPort, H7WithoutAForwardPolicyInThisDirectionTransitPasses) {
    cluster.add(gnp("in").on_forward().ingress(deny()));
    const Packet outwards = tcp().from("203.0.113.1").to(kUnknown, 443).entering(1);
    EXPECT_EQ(cluster.judge(outwards).enforced_hits, Texts{kForwardHit});
    EXPECT_EQ(cluster.judge(transit(443)).enforced, Verdict::kDeny);
}

TEST_F(OwnPort, H8StagedForwardPolicyTouchesPendingAlone) {
    cluster.add(sgnp("deny-all").on_forward().ingress(deny()));
    const Judged judged = cluster.judge(transit(443));
    EXPECT_EQ(judged.enforced_hits, Texts{kForwardHit});
    EXPECT_EQ(judged.pending_hits, Texts{"default|sgnp:deny-all|deny|0"});
    EXPECT_EQ(judged.responsible, Texts{"sgnp:deny-all"});
}

TEST_F(OwnPort, H18OnlyForwardPoliciesOfATierAreConsidered) {
    cluster.add(gnp("first").order(1).ingress(deny())).add(gnp("second").order(1).on_forward().ingress(allow()));
    EXPECT_EQ(cluster.judge(transit(443)).enforced_hits, Texts{"default|gnp:second|allow|0"});
}

TEST_F(OwnPort, ATierWithAForwardPolicyEndsWithItsDefault) {
    cluster.add(gnp("web").on_forward().ingress(allow().tcp(80)));
    EXPECT_EQ(cluster.judge(transit(22)).enforced_hits, Texts{"default|gnp:web|deny|-1"});
}

TEST_F(OwnPort, AfterAllTiersPassedTransitPasses) {
    cluster.add(gnp("web").on_forward().ingress(pass()));
    EXPECT_EQ(cluster.judge(transit(22)).enforced_hits, (Texts{"default|gnp:web|pass|0", kForwardHit}));
}

TEST_F(OwnPort, StepsAreIngressPortThenSourceThenDestinationThenEgressPort) {
    cluster.port("downlink", "right").workload("a", "10.0.0.1").workload("b", "10.0.0.2");
    cluster.add(gnp("p").on_forward().ingress(allow()).egress(allow()));
    const auto built = cluster.build();
    const auto& trace = built->trace(built->classify(tcp().from("10.0.0.1").to("10.0.0.2", 80).entering(0).tuple()));
    ASSERT_EQ(trace.enforced_hits.size(), 4u);
    const auto step = [&](std::size_t i) {
        const auto& hit = built->hit(trace.enforced_hits[i]);
        return std::pair(hit.forward, hit.direction);
    };
    EXPECT_EQ(step(0), std::pair(true, Direction::kIngress));
    EXPECT_EQ(step(1), std::pair(false, Direction::kEgress));
    EXPECT_EQ(step(2), std::pair(false, Direction::kIngress));
    EXPECT_EQ(step(3), std::pair(true, Direction::kEgress));
}

TEST_F(OwnPort, H13OfTwoHostEndpointsForOnePortTheLowestNameGoverns) {
    cluster.port("a-first", "left", {{"role", "first"}});
    cluster.add(gnp("deny-all").selects("role == 'uplink'").on_forward().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(80)).enforced, Verdict::kAllow);
    cluster.add(gnp("deny-all").selects("role == 'first'").on_forward().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(80)).enforced, Verdict::kDeny);
}

TEST_F(OwnPort, AnInterfaceThatIsNoPortIsRefusedWithItsPlaceAndThePorts) {
    policy::HostEndpoint endpoint;
    endpoint.metadata.name = "lost";
    endpoint.metadata.place = {.file = "hosts.yaml", .line = 4, .column = 9};
    endpoint.interface_name = "eth7";
    const auto built = cluster.add(policy::Resource(endpoint)).try_build();
    ASSERT_FALSE(built);
    EXPECT_EQ(built.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(built.error().text().substr(0, 15), "hosts.yaml:4:9:");
    EXPECT_NE(built.error().text().find("'eth7'"), std::string::npos);
    EXPECT_NE(built.error().text().find("left, right"), std::string::npos);
}

TEST_F(OwnPort, AHostEndpointOfAllInterfacesStandsForThePortsThatHaveNone) {
    cluster.port("all", "*", {{"role", "all"}});
    cluster.add(gnp("closed").selects("role == 'all'").on_forward().egress().ingress(deny()).egress(deny()));
    EXPECT_EQ(cluster.judge(transit(80)).enforced_hits, (Texts{kForwardHit, "default|gnp:closed|deny|0"}))
        << "left has its own, right has not";
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to("203.0.113.1", 80).entering(1)).enforced_hits,
              Texts{"default|gnp:closed|deny|0"});
}

TEST_F(OwnPort, H9PreDnatPoliciesHaveNoEndOfTier) {
    cluster.add(gnp("web").pre_dnat().ingress(allow().tcp(80)));
    EXPECT_EQ(cluster.judge(transit(81)).enforced_hits, Texts{kForwardHit});
}

TEST_F(OwnPort, AnAllowBeforeDnatSkipsTheForwardPoliciesOfThisPort) {
    cluster.port("downlink", "right", {{"role", "downlink"}});
    cluster.add(gnp("web").pre_dnat().ingress(allow().tcp(80)));
    cluster.add(gnp("closed").on_forward().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(80)).enforced_hits, (Texts{"default|gnp:web|allow|0", kForwardHit}));
    EXPECT_EQ(cluster.judge(transit(81)).enforced_hits, Texts{"default|gnp:closed|deny|0"});
}

TEST_F(OwnPort, H10AnExplicitDenyBeforeDnatDenies) {
    cluster.add(gnp("no").pre_dnat().ingress(deny().tcp(81)));
    EXPECT_EQ(cluster.judge(transit(81)).enforced_hits, Texts{"default|gnp:no|deny|0"});
}

TEST_F(OwnPort, FailsafePortsSkipWhatStandsBeforeRoutingButNotForwardPolicies) {
    cluster.add(gnp("no").untracked().ingress(deny())).add(gnp("nat").pre_dnat().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(22)).enforced_hits, Texts{kForwardHit});
    EXPECT_EQ(cluster.judge(transit(443)).enforced_hits, Texts{"default|gnp:no|deny|0"});
    cluster.add(gnp("closed").on_forward().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(22)).enforced_hits, Texts{"default|gnp:closed|deny|0"});
}

TEST_F(OwnPort, AnswersFromFailsafePortsSkipUntrackedPolicies) {
    cluster.add(gnp("no").untracked().ingress(deny()));
    EXPECT_EQ(cluster.judge(udp().from(kUnknown, 53).to("203.0.113.1", 40000).entering(0)).enforced_hits,
              Texts{kForwardHit});
}

TEST_F(OwnPort, WhatLeavesByAPortIsNotJudgedByItsUntrackedPolicies) {
    cluster.add(gnp("no").untracked().only_egress().egress(deny()));
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to("203.0.113.1", 80).entering(1)).enforced_hits, Texts{kForwardHit});
}

TEST_F(OwnPort, H12UntrackedPoliciesDoNotApplyToAHostEndpointOfAllInterfaces) {
    cluster.remove(policy::Kind::kHostEndpoint, "uplink").port("all", "*");
    cluster.add(gnp("no").untracked().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(80)).enforced, Verdict::kAllow);
    cluster.add(gnp("nat").pre_dnat().ingress(deny()));
    EXPECT_EQ(cluster.judge(transit(80)).enforced_hits, Texts{"default|gnp:nat|deny|0"});
}

TEST_F(ProtectedHost, H11AnUntrackedAllowIsMarkedAndDecidesAlone) {
    cluster.add(gnp("dns").untracked().ingress(allow().udp(53))).add(gnp("closed").ingress(deny()));
    const Judged dns = cluster.judge(udp().from(kUnknown).to(kHost, 53));
    EXPECT_EQ(dns.enforced_hits, Texts{"default|gnp:dns|allow|0"});
    EXPECT_TRUE(dns.untracked);
    const Judged other = cluster.judge(local(443));
    EXPECT_EQ(other.enforced_hits, Texts{"default|gnp:closed|deny|0"});
    EXPECT_FALSE(other.untracked);
    EXPECT_EQ(cluster.judge(udp().from(kHost, 53).to(kUnknown, 40000)).enforced, Verdict::kDeny)
        << "the answer needs a rule of its own";
}

TEST_F(ProtectedHost, UntrackedPoliciesOfAHostGovernBothDirections) {
    cluster.add(gnp("dns").untracked().egress(allow().protocol(17).from_ports({{53, 53}})));
    EXPECT_TRUE(cluster.judge(udp().from(kHost, 53).to(kUnknown, 40000)).untracked);
}

TEST_F(ProtectedHost, UntrackedThenPreDnatThenTiersThenProfiles) {
    cluster.host("db", kHost, {}, kAllowed);
    cluster.tier("sec", 10, Action::kPass);
    cluster.add(gnp("raw").untracked().ingress(pass().tcp(443)).ingress(allow().tcp(80)));
    cluster.add(gnp("nat").tier("sec").pre_dnat().ingress(pass()));
    cluster.add(gnp("plain").tier("sec").ingress(deny().tcp(444)));
    EXPECT_EQ(cluster.judge(local(443)).enforced_hits,
              (Texts{"default|gnp:raw|pass|0", "sec|gnp:nat|pass|0", "sec|gnp:plain|pass|-1",
                     "__PROFILE__|pro:projectcalico-default-allow|allow|0"}));
    EXPECT_EQ(cluster.judge(local(80)).enforced_hits, Texts{"default|gnp:raw|allow|1"});
}

TEST_F(ProtectedHost, H12AHostEndpointOfAllInterfacesKnowsNoUntrackedPolicies) {
    policy::HostEndpoint every;
    every.metadata.name = "db";
    every.node = "db";
    every.interface_name = "*";
    every.expected_ips = {address(kHost)};
    cluster.add(policy::Resource(every)).add(gnp("raw").untracked().ingress(allow()));
    EXPECT_EQ(cluster.judge(local(443)).enforced, Verdict::kDeny);
}

TEST_F(ProtectedHost, H14AnEmptyFailsafeListIsNone) {
    cluster.felix("default", std::vector<policy::FailsafePort>{}).add(gnp("deny-all").ingress(deny()));
    EXPECT_EQ(cluster.judge(local(22)).enforced_hits, Texts{"default|gnp:deny-all|deny|0"});
}

TEST_F(ProtectedHost, H15AFailsafePortMayBeOpenToANetAlone) {
    cluster.felix("default", std::vector<policy::FailsafePort>{
                                 {.protocol = 6, .port = 22, .net = *net::Prefix::parse_strict("10.0.0.0/8")}});
    EXPECT_EQ(cluster.judge(local(22)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(tcp().from("10.9.9.9").to(kHost, 22)).enforced_hits,
              Texts{"__FAILSAFE__|hep:tcp/22|allow|0"});
}

TEST_F(ProtectedHost, FailsafePortsOfItsNodeReplaceThoseOfAll) {
    cluster.felix("default", std::vector<policy::FailsafePort>{{.protocol = 6, .port = 2222, .net = {}}});
    cluster.felix("node.db", std::vector<policy::FailsafePort>{{.protocol = 6, .port = 80, .net = {}},
                                                               {.protocol = 6, .port = 2222, .net = {}}});
    cluster.host("other", "10.0.0.6");
    EXPECT_EQ(cluster.judge(local(80)).enforced_hits, Texts{"__FAILSAFE__|hep:tcp/80|allow|0"});
    EXPECT_EQ(cluster.judge(local(2222)).enforced_hits, Texts{"__FAILSAFE__|hep:tcp/2222|allow|1"});
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to("10.0.0.6", 2222)).enforced_hits,
              Texts{"__FAILSAFE__|hep:tcp/2222|allow|0"});
    EXPECT_EQ(cluster.judge(udp().from(kHost).to(kUnknown, 53)).enforced, Verdict::kAllow)
        << "outwards nothing was said";
}

TEST_F(ProtectedHost, H13TheLowestNameGovernsAnAddress) {
    cluster.host("a", kHost, {{"role", "a"}});
    cluster.add(gnp("deny-a").selects("role == 'a'").ingress(deny()));
    EXPECT_EQ(cluster.judge(local(443)).enforced_hits, Texts{"default|gnp:deny-a|deny|0"});
}

TEST(Workloads, H17UntrackedAndPreDnatPoliciesDoNotApplyToThem) {
    Cluster cluster;
    cluster.workload("w", "10.0.0.6");
    cluster.add(gnp("raw").untracked().ingress(deny())).add(gnp("nat").pre_dnat().ingress(deny()));
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to("10.0.0.6", 80)).enforced_hits,
              Texts{"__PROFILE__|pro:projectcalico-default-allow|allow|0"});
}

TEST(Workloads, G19AStagedUntrackedPolicyTouchesPendingAlone) {
    Cluster cluster;
    cluster.host("db", kHost);
    cluster.add(sgnp("raw").untracked().ingress(allow()));
    const Judged judged = cluster.judge(local(443));
    EXPECT_EQ(judged.enforced, Verdict::kDeny);
    EXPECT_EQ(judged.pending_hits, Texts{"default|sgnp:raw|allow|0"});
    EXPECT_FALSE(judged.untracked);
    EXPECT_EQ(judged.responsible, Texts{"sgnp:raw"});
}

}  // namespace
}  // namespace drywall::test
