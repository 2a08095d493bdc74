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

TEST_F(OwnPort, EveryInterfaceOfAHostIsRefused) {
    policy::HostEndpoint endpoint;
    endpoint.metadata.name = "all-interfaces";
    endpoint.interface_name = "*";
    const auto built = cluster.add(policy::Resource(endpoint)).try_build();
    ASSERT_FALSE(built);
    EXPECT_NE(built.error().text().find("'*'"), std::string::npos) << built.error().text();
}

}  // namespace
}  // namespace drywall::test
