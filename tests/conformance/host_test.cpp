// HostEndpoints: cases H1 to H10, H12 to H15, H17 and H18. H11 and H16, about connections, are in connections_test.cpp.
//
// On a wire, "local" traffic of a host is what goes to or comes from a protected host behind the appliance
// (expectedIPs), and "transit" is what crosses a port that has a HostEndpoint (interfaceName).
#include <gtest/gtest.h>

#include "site.h"

namespace drywall::test {
namespace {

constexpr Verdict kAllow = Verdict::kAllow;
constexpr Verdict kDeny = Verdict::kDeny;
const Texts kNoProfile{"0|__PROFILE__|pro:__NO_MATCH__|deny|0"};
const Texts kForwarded{"0|__FORWARD__|hep:__NO_MATCH__|allow|-1"};
const Texts kFailsafe{"0|__FAILSAFE__|hep:tcp/22|allow|0"};

std::string protected_host() { return host("h", "expectedIPs: [10.0.0.20]", "{role: host}"); }
std::string left_port() { return host("left-port", "interfaceName: left", "{role: port}"); }
Packet local(std::uint16_t port) { return to_w(port).to("10.0.0.20"); }

const std::string kClosed =
    "selector: all(), types: [Ingress, Egress], ingress: [{action: Deny}], "
    "egress: [{action: Deny}]";
std::string deny_all(const std::string& more = "") { return gnp("closed", "{" + kClosed + more + "}"); }
const std::string kOnForward = ", applyOnForward: true";

TEST(Hosts, AHostWithoutPolicyTakesNothing_H1) {
    const Judged judged = Site(protected_host()).judge(local(443));
    EXPECT_EQ(judged.enforced.verdict, kDeny);
    EXPECT_EQ(judged.enforced.ingress, kNoProfile);
}

TEST(Hosts, AHostWithoutPolicyTakesItsFailsafePorts_H2) {
    const Judged judged = Site(protected_host()).judge(local(22));
    EXPECT_EQ(judged.enforced.verdict, kAllow);
    EXPECT_EQ(judged.enforced.ingress, kFailsafe);
}

TEST(Hosts, WhatCrossesAPortWithoutPolicyPasses_H3) {
    const Judged judged = Site(left_port()).unmatched(kDeny).judge(transit(443));
    EXPECT_EQ(judged.enforced.verdict, kAllow);
    EXPECT_EQ(judged.enforced.port_in, kForwarded);
}

TEST(Hosts, APolicyThatIsNotForForwardedTrafficLeavesTransitAlone_H4) {
    const Site site(left_port() + protected_host() + deny_all());
    EXPECT_EQ(site.judge(transit(443)).enforced.port_in, kForwarded);
    EXPECT_EQ(site.judge(transit(443)).enforced.verdict, kAllow);
    EXPECT_EQ(site.judge(local(443)).enforced.verdict, kDeny);
}

TEST(Hosts, NoFailsafePortSavesForwardedTraffic_H5) {
    const Judged judged = Site(left_port() + deny_all(kOnForward)).judge(transit(22));
    EXPECT_EQ(judged.enforced.verdict, kDeny);
    EXPECT_EQ(judged.enforced.port_in, Texts{"0|default|gnp:closed|deny|0"});
}

TEST(Hosts, AFailsafePortSavesTheHostFromAForwardPolicyToo_H6) {
    const Judged judged = Site(protected_host() + deny_all(kOnForward)).judge(local(22));
    EXPECT_EQ(judged.enforced.verdict, kAllow);
    EXPECT_EQ(judged.enforced.ingress, kFailsafe);
}

// As Calico's BPF dataplane has it; with iptables the host's own FORWARD policy would decide.
TEST(Hosts, ADirectionWithoutForwardPolicyIsOpen_H7) {
    const Site site(left_port() + gnp("in",
                                      "{selector: role == 'port', applyOnForward: true, "
                                      "ingress: [{action: Deny}]}"));
    EXPECT_EQ(site.judge(transit(443)).enforced.port_in, Texts{"0|default|gnp:in|deny|0"});
    const Judged outwards = site.judge(transit(443).entering(1));
    EXPECT_EQ(outwards.enforced.verdict, kAllow);
    EXPECT_EQ(outwards.enforced.port_out, kForwarded);
}

TEST(Hosts, AForwardPolicyThatIsOnlyStagedEnforcesNothing_H8) {
    const Judged judged = Site(left_port() + sgnp("closed", "{" + kClosed + kOnForward + "}")).judge(transit(443));
    EXPECT_EQ(judged.enforced.verdict, kAllow);
    EXPECT_EQ(judged.enforced.port_in, kForwarded);
    EXPECT_EQ(judged.pending.verdict, kDeny);
    EXPECT_EQ(judged.pending.port_in, Texts{"0|default|sgnp:closed|deny|0"});
}

std::string pre_dnat(const std::string& rules) {
    return gnp("early", "{selector: all(), preDNAT: true, applyOnForward: true, ingress: [" + rules + "]}");
}

TEST(Hosts, PreDnatPoliciesHaveNoEndOfTier_H9) {
    const Site site(left_port() + pre_dnat("{action: Allow, protocol: TCP, destination: {ports: [80]}}"));
    const Judged passed = site.judge(transit(81));
    EXPECT_EQ(passed.enforced.verdict, kAllow);
    EXPECT_EQ(passed.enforced.port_in, kForwarded);
    EXPECT_EQ(site.judge(transit(80)).enforced.port_in, Texts{"0|default|gnp:early|allow|0"});
}

TEST(Hosts, APreDnatDenyDeniesBeforeAnythingElseIsAsked_H10) {
    const Site site(left_port() + gnp("open", "{selector: all(), applyOnForward: true, ingress: [{action: Allow}]}") +
                    pre_dnat("{action: Deny, protocol: TCP, destination: {ports: [81]}}"));
    EXPECT_EQ(site.judge(transit(81)).enforced.port_in, Texts{"0|default|gnp:early|deny|0"});
    EXPECT_EQ(site.judge(transit(80)).enforced.port_in, Texts{"0|default|gnp:open|allow|0"});
}

TEST(Hosts, UntrackedPoliciesDoNotApplyToAHostEndpointOfAllPorts_H12) {
    const std::string untracked = gnp("raw",
                                      "{selector: all(), doNotTrack: true, applyOnForward: true, "
                                      "ingress: [{action: Deny}]}");
    EXPECT_EQ(Site(host("any", "interfaceName: '*'") + untracked).judge(transit(443)).enforced.port_in, kForwarded);
    EXPECT_EQ(Site(left_port() + untracked).judge(transit(443)).enforced.port_in, Texts{"0|default|gnp:raw|deny|0"});
}

TEST(Hosts, OfSeveralHostEndpointsOfOnePlaceTheLowestNameGoverns_H13) {
    const std::string policies =
        gnp("of-a", "{selector: who == 'a', applyOnForward: true, ingress: [{action: Allow}]}") +
        gnp("of-b", "{selector: who == 'b', applyOnForward: true, ingress: [{action: Deny}]}");
    const Texts of_a{"0|default|gnp:of-a|allow|0"};
    const Site address(host("b", "interfaceName: eth0, expectedIPs: [10.0.0.20]", "{who: b}") +
                       host("a", "expectedIPs: [10.0.0.20]", "{who: a}") + policies);
    EXPECT_EQ(address.judge(local(443)).enforced.ingress, of_a);
    for (const char* interface : {"left", "'*'"}) {
        const std::string spec = "interfaceName: " + std::string(interface);
        const Site port(host("b", spec, "{who: b}") + host("a", spec, "{who: a}") + policies);
        EXPECT_EQ(port.judge(transit(443)).enforced.port_in, of_a) << interface;
    }
}

TEST(Hosts, AnEmptyFailsafeListSavesNothing_H14) {
    const Site site(protected_host() + felix("default", "{failsafeInboundHostPorts: []}") + deny_all());
    EXPECT_EQ(site.judge(local(22)).enforced.ingress, Texts{"0|default|gnp:closed|deny|0"});
}

TEST(Hosts, AFailsafePortWithANetIsOpenForThatNetOnly_H15) {
    const Site site(protected_host() +
                    felix("default", "{failsafeInboundHostPorts: [{protocol: TCP, port: 22, net: 10.0.0.0/8}]}"));
    EXPECT_EQ(site.judge(local(22).from("192.0.2.1")).enforced.ingress, kNoProfile);
    EXPECT_EQ(site.judge(local(22).from("10.9.9.9")).enforced.ingress, kFailsafe);
}

TEST(Hosts, AnUntrackedPolicyHasNoEffectOnAWorkload_H17) {
    const Site site(W() + gnp("raw",
                              "{selector: app == 'w', doNotTrack: true, applyOnForward: true, "
                              "ingress: [{action: Deny}]}"));
    EXPECT_EQ(site.judge(to_w()).enforced.ingress, Texts{"0|__PROFILE__|pro:kns.prod|allow|0"});
}

TEST(Hosts, OnlyForwardPoliciesOfATierAreConsideredForTransit_H18) {
    const std::string local_only =
        gnp("a", "{order: 1, selector: all(), ingress: [{action: Deny}]}") + gnp("c", "{order: 1, selector: all()}");
    const Site site(left_port() + local_only +
                    gnp("b",
                        "{order: 1, selector: all(), applyOnForward: true, "
                        "ingress: [{action: Allow, protocol: TCP, destination: {ports: [443]}}]}"));
    EXPECT_EQ(site.judge(transit(443)).enforced.port_in, Texts{"0|default|gnp:b|allow|0"});
    EXPECT_EQ(site.judge(transit(80)).enforced.port_in, Texts{"0|default|gnp:b|deny|-1"});
}

}  // namespace
}  // namespace drywall::test
