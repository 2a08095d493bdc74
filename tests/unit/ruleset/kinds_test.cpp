// Policies of every kind: whom they select, what their rules name, how they are sorted and staged.
#include <gtest/gtest.h>

#include "cluster.h"

namespace drywall::test {
namespace {

constexpr auto kUnknown = "198.51.100.7";
constexpr auto kWeb = "10.0.0.1";
constexpr auto kDev = "10.0.1.1";

Packet to_web(std::uint16_t port = 80) { return tcp().from(kUnknown).to(kWeb, port); }

// A pod in each of two namespaces.
class TwoNamespaces : public ::testing::Test {
protected:
    TwoNamespaces() {
        cluster.ns("prod", {{"env", "p"}}).ns("dev", {{"env", "d"}});
        cluster.pod("prod", "web", kWeb, {{"role", "x"}}, {{.name = "http", .protocol = 6, .port = 8080}}, "runner");
        cluster.pod("dev", "web", kDev, {{"role", "x"}}, {{.name = "http", .protocol = 6, .port = 80}});
    }
    Cluster cluster;
};

TEST_F(TwoNamespaces, APodWithoutPolicyIsAllowedByTheProfileOfItsNamespace) {
    EXPECT_EQ(cluster.judge(to_web()).enforced_hits, Texts{"__PROFILE__|pro:kns.prod|allow|0"});
}

TEST_F(TwoNamespaces, ANetworkPolicySelectsInItsNamespaceAlone) {
    cluster.add(np("prod", "closed").ingress(deny()));
    EXPECT_EQ(cluster.judge(to_web()).enforced_hits, Texts{"default|np:prod/closed|deny|0"});
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 80)).enforced, Verdict::kAllow);
}

TEST_F(TwoNamespaces, C1C2PeersAreOfTheOwnNamespaceUnlessItSaysOtherwise) {
    cluster.add(np("prod", "peers").ingress(allow().from("role == 'x'")));
    EXPECT_EQ(cluster.judge(tcp().from(kDev).to(kWeb, 80)).enforced, Verdict::kDeny);
    cluster.add(np("prod", "peers").ingress(allow().from("role == 'x'").from_namespaces("all()")));
    EXPECT_EQ(cluster.judge(tcp().from(kDev).to(kWeb, 80)).enforced, Verdict::kAllow);
}

TEST_F(TwoNamespaces, C3C4NotSelectorKnowsUnknownAddressesInAGlobalPolicyAlone) {
    cluster.add(np("prod", "p").ingress(allow().not_from("role == 'y'")));
    EXPECT_EQ(cluster.judge(to_web()).enforced, Verdict::kDeny);
    cluster.remove(policy::Kind::kNetworkPolicy, "p", "prod");
    cluster.add(gnp("p").ingress(allow().not_from("role == 'y'")));
    EXPECT_EQ(cluster.judge(to_web()).enforced, Verdict::kAllow);
}

TEST_F(TwoNamespaces, AGlobalPolicySelectsByNamespaceAndServiceAccount) {
    cluster.add(gnp("env").selects_namespaces("env == 'p'").selects_accounts("projectcalico.org/name == 'runner'"));
    EXPECT_EQ(cluster.judge(to_web()).enforced_hits, Texts{"default|gnp:env|deny|-1"});
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 80)).enforced, Verdict::kAllow);
}

TEST_F(TwoNamespaces, PeersByServiceAccount) {
    cluster.add(np("dev", "p").ingress(allow().from_accounts({"runner"}).from_namespaces("env == 'p'")));
    EXPECT_EQ(cluster.judge(tcp().from(kWeb).to(kDev, 80)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(to_web().to(kDev, 80)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, E25ANamedPortIsAnotherNumberOnEveryEndpoint) {
    cluster.add(gnp("http").ingress(allow().protocol(6).to_named({"http"})));
    EXPECT_EQ(cluster.judge(to_web(8080)).enforced_hits, Texts{"default|gnp:http|allow|0"});
    EXPECT_EQ(cluster.judge(to_web(80)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 80)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 8080)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, NumbersAndNamesOfPortsAreAlternatives) {
    cluster.add(gnp("p").ingress(allow().protocol(6).to_named({"http"}).to_ports({{443, 443}})));
    for (const std::uint16_t port : {8080, 443}) EXPECT_EQ(cluster.judge(to_web(port)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(to_web(80)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, V6ANamedPortWithoutProtocolIsOfTheProtocolThatItsEndpointDeclares) {
    cluster.pod("prod", "dns", "10.0.0.3", {}, {{.name = "http", .protocol = 17, .port = 53}});
    cluster.add(gnp("p").ingress(allow().to_named({"http"})));
    EXPECT_EQ(cluster.judge(udp().from(kUnknown).to("10.0.0.3", 53)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to("10.0.0.3", 53)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(to_web(8080)).enforced, Verdict::kAllow);
}

TEST_F(TwoNamespaces, ANamedPortThatNobodyDeclaresMatchesNothing) {
    cluster.add(gnp("p").ingress(allow().protocol(6).to_named({"none"})).ingress(deny().protocol(6)));
    EXPECT_EQ(cluster.judge(to_web()).enforced_hits, Texts{"default|gnp:p|deny|1"});
}

TEST_F(TwoNamespaces, ANegatedNameOfAPortIsEverythingButWhatItsEndpointsDeclare) {
    cluster.add(gnp("p").ingress(deny().not_to_named({"http"})).ingress(allow()));
    EXPECT_EQ(cluster.judge(to_web(8080)).enforced_hits, Texts{"default|gnp:p|allow|1"});
    EXPECT_EQ(cluster.judge(to_web(80)).enforced_hits, Texts{"default|gnp:p|deny|0"});
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 8080)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 80)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(udp().from(kUnknown).to(kWeb, 8080)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(icmp_echo().from(kUnknown).to(kWeb)).enforced, Verdict::kDeny) << "it has no port at all";
}

TEST_F(TwoNamespaces, ANamedSourcePortIsThatOfTheSender) {
    cluster.add(gnp("p").selects("projectcalico.org/namespace == 'dev'").ingress(allow().from_named({"http"})));
    EXPECT_EQ(cluster.judge(tcp().from(kWeb, 8080).to(kDev, 1)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(tcp().from(kWeb, 80).to(kDev, 1)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, ANamedPortIsOfTheEndpointsThatTheSelectorSelects) {
    cluster.pod("prod", "other", "10.0.0.2", {{"role", "y"}}, {{.name = "http", .protocol = 6, .port = 8080}});
    cluster.add(gnp("p").selects("all()").only_egress().egress(allow().to("role == 'x'").to_named({"http"})));
    EXPECT_EQ(cluster.judge(tcp().from(kDev).to(kWeb, 8080)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(tcp().from(kDev).to("10.0.0.2", 8080)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, AServiceIsItsBackendsAddressesAndPorts) {
    cluster.slice("prod", "api", {"192.0.2.1", "192.0.2.2"}, {{.name = "", .protocol = 6, .port = 9000}});
    cluster.add(np("prod", "p").only_egress().egress(allow().to_service("", "api")));
    EXPECT_EQ(cluster.judge(tcp().from(kWeb).to("192.0.2.2", 9000)).enforced_hits, Texts{"default|np:prod/p|allow|0"});
    EXPECT_EQ(cluster.judge(tcp().from(kWeb).to("192.0.2.2", 9001)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(udp().from(kWeb).to("192.0.2.2", 9000)).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(tcp().from(kWeb).to("192.0.2.3", 9000)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, AServiceAsASourceIsItsBackendsAddresses) {
    cluster.slice("dev", "api", {"192.0.2.1"}, {{.name = "", .protocol = 6, .port = 9000}});
    cluster.add(gnp("p").ingress(allow().from_service("dev", "api")));
    EXPECT_EQ(cluster.judge(udp().from("192.0.2.1").to(kWeb, 1)).enforced, Verdict::kAllow);
    EXPECT_EQ(cluster.judge(udp().from("192.0.2.2").to(kWeb, 1)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, E29AServiceWithoutEndpointSlicesNeverMatches) {
    cluster.add(gnp("p").egress(allow().to_service("prod", "none")).ingress(allow().from_service("prod", "none")));
    EXPECT_EQ(cluster.judge(to_web()).enforced, Verdict::kDeny);
    EXPECT_EQ(cluster.judge(tcp().from(kWeb).to(kUnknown, 80)).enforced, Verdict::kDeny);
}

TEST_F(TwoNamespaces, ARuleOnHttpOfAPolicyThatFollowsNoConnectionsIsRefusedAlsoWhenItIsStaged) {
    const auto built =
        cluster.add(sgnp("web").from_file("web.yaml").untracked().ingress(allow().tcp(80).http().at(7, 5))).try_build();
    ASSERT_FALSE(built);
    EXPECT_EQ(built.error().kind, ErrorKind::kRefused);
    EXPECT_EQ(built.error().text().substr(0, 13), "web.yaml:7:5:");
    EXPECT_NE(built.error().text().find("can't stand in a policy with doNotTrack"), std::string::npos);
}

TEST_F(TwoNamespaces, E12TiesAreBrokenByNameThenNamespaceThenKind) {
    cluster.add(np("prod", "a").ingress(deny())).add(gnp("a").ingress(allow()));
    EXPECT_EQ(cluster.judge(to_web()).enforced_hits, Texts{"default|gnp:a|allow|0"});
}

TEST_F(TwoNamespaces, E14AKubernetesPolicyComesBeforeAPolicyWithoutOrder) {
    cluster.add(gnp("a").ingress(deny())).add(policy::Resource(knp("prod", "k", 80)));
    EXPECT_EQ(cluster.judge(to_web(80)).enforced_hits, Texts{"default|knp:prod/k|allow|0"});
}

TEST_F(TwoNamespaces, K1AKubernetesPolicyWithoutRulesClosesItsPods) {
    cluster.add(policy::Resource(knp("prod", "k")));
    EXPECT_EQ(cluster.judge(to_web()).enforced_hits, Texts{"default|knp:prod/k|deny|-1"});
}

TEST_F(TwoNamespaces, G22AStagedNamespacedPolicyArmsPendingAlone) {
    cluster.add(snp("prod", "x"));
    const Judged judged = cluster.judge(to_web());
    EXPECT_EQ(judged.enforced_hits, Texts{"__PROFILE__|pro:kns.prod|allow|0"});
    EXPECT_EQ(judged.pending_hits, Texts{"default|snp:prod/x|deny|-1"});
    EXPECT_EQ(judged.responsible, Texts{"snp:prod/x"});
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 80)).pending, Verdict::kAllow) << "G24";
}

TEST_F(TwoNamespaces, AStagedPolicyReplacesTheOneOfItsNameNamespaceAndKindAlone) {
    cluster.add(np("prod", "x").ingress(deny())).add(np("dev", "x").ingress(deny())).add(gnp("x").ingress(deny()));
    cluster.add(snp("prod", "x").ingress(allow().tcp(80)));
    const Judged prod = cluster.judge(to_web());
    EXPECT_EQ(prod.pending_hits, Texts{"default|gnp:x|deny|0"});
    cluster.remove(policy::Kind::kGlobalNetworkPolicy, "x");
    EXPECT_EQ(cluster.judge(to_web()).pending_hits, Texts{"default|snp:prod/x|allow|0"});
    EXPECT_EQ(cluster.judge(to_web()).enforced_hits, Texts{"default|np:prod/x|deny|0"});
    EXPECT_EQ(cluster.judge(tcp().from(kUnknown).to(kDev, 80)).pending, Verdict::kDeny);
}

TEST_F(TwoNamespaces, AStagedKubernetesPolicyReplacesAndRemovesKubernetesPolicies) {
    cluster.add(policy::Resource(knp("prod", "k"))).add(policy::Resource(sknp("prod", "k", 80)));
    const Judged judged = cluster.judge(to_web(80));
    EXPECT_EQ(judged.enforced_hits, Texts{"default|knp:prod/k|deny|-1"});
    EXPECT_EQ(judged.pending_hits, Texts{"default|sknp:prod/k|allow|0"});
    cluster.add(policy::Resource(sknp("prod", "k", {}, policy::StagedAction::kDelete)));
    EXPECT_EQ(cluster.judge(to_web(80)).pending_hits, Texts{"__PROFILE__|pro:kns.prod|allow|0"});
}

TEST_F(TwoNamespaces, PendingAsCalicoKnowsNoOverlayForAnyKind) {
    cluster.surroundings().pending_as_calico = true;
    cluster.add(np("prod", "x").ingress(deny())).add(snp("prod", "x", policy::StagedAction::kIgnore).ingress(allow()));
    EXPECT_EQ(cluster.judge(to_web()).pending_hits, Texts{"default|np:prod/x|deny|0"});
    cluster.add(snp("prod", "a", policy::StagedAction::kIgnore).ingress(allow()));
    EXPECT_EQ(cluster.judge(to_web()).pending_hits, Texts{"default|snp:prod/a|allow|0"});
}

TEST_F(TwoNamespaces, TheTwinOfAStagedHitIsTheIdentityAfterPromotion) {
    cluster.add(snp("prod", "x").ingress(deny()));
    const auto staged = cluster.build();
    const auto& hit = staged->hit(staged->trace(staged->classify(to_web().tuple())).pending_hits.front());
    cluster.remove(policy::Kind::kStagedNetworkPolicy, "x", "prod").add(np("prod", "x").ingress(deny()));
    const auto enforced = cluster.build();
    const auto& twin = enforced->hit(enforced->trace(enforced->classify(to_web().tuple())).enforced_hits.front());
    EXPECT_EQ(hit.enforced_twin, twin.identity);
    EXPECT_NE(hit.identity, twin.identity);
}

TEST_F(TwoNamespaces, E31APolicyInAnUnknownTierIsJudgedLastAndClosed) {
    cluster.add(gnp("lost").tier("gone").ingress(allow().tcp(80)));
    EXPECT_EQ(cluster.judge(to_web(80)).enforced_hits, Texts{"gone|gnp:lost|allow|0"});
    EXPECT_EQ(cluster.judge(to_web(81)).enforced_hits, Texts{"gone|gnp:lost|deny|-1"});
}

class Profiles : public ::testing::Test {
protected:
    Judged judged(std::vector<std::string> names, std::uint16_t port = 80) {
        cluster.workload("w", kWeb, {}, std::move(names));
        return cluster.judge(to_web(port));
    }
    Cluster cluster;
};

TEST_F(Profiles, TheirRulesAreReadInTheOrderOfTheEndpoint) {
    cluster.profile("a", {deny().tcp(22), allow().tcp(80)}, {}).profile("b", {allow().tcp(22), deny()}, {});
    EXPECT_EQ(judged({"a", "b"}).enforced_hits, Texts{"__PROFILE__|pro:a|allow|1"});
    EXPECT_EQ(judged({"b", "a"}).enforced_hits, Texts{"__PROFILE__|pro:b|deny|1"});
    EXPECT_EQ(judged({"a", "b"}, 443).enforced_hits, Texts{"__PROFILE__|pro:b|deny|1"});
}

TEST_F(Profiles, WithoutAnAnswerTheyDeny) {
    cluster.profile("a", {allow().tcp(80)}, {});
    EXPECT_EQ(judged({"a"}, 443).enforced_hits, Texts{"__PROFILE__|pro:__NO_MATCH__|deny|0"});
}

TEST_F(Profiles, E27OneThatDoesNotExistDenies) {
    EXPECT_EQ(judged({"none", "projectcalico-default-allow"}).enforced_hits,
              Texts{"__PROFILE__|pro:__NO_MATCH__|deny|0"});
}

TEST_F(Profiles, PassAndLogLeadNowhere) {
    cluster.profile("a", {log(), pass(), allow()}, {});
    EXPECT_EQ(judged({"a"}).enforced_hits, Texts{"__PROFILE__|pro:a|allow|2"});
}

TEST_F(Profiles, C14LabelsOfTheFirstProfileApplyAndOwnOnesWin) {
    cluster.profile("a", {}, {}, {{"k", "1"}}).profile("b", {}, {}, {{"k", "3"}});
    cluster.add(gnp("one").selects("k == '1'").ingress(allow()));
    EXPECT_EQ(judged({"a", "b"}).enforced_hits, Texts{"default|gnp:one|allow|0"});
    cluster.workload("w", kWeb, {{"k", "2"}}, {"a", "b"});
    EXPECT_EQ(cluster.judge(to_web()).enforced, Verdict::kDeny);
}

}  // namespace
}  // namespace drywall::test
