#include <gtest/gtest.h>

#include "convert_words.h"

namespace drywall::policy {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kSctp = 132;

KubernetesNetworkPolicy policy_with(KubernetesRule rule) {
    KubernetesNetworkPolicy policy;
    policy.metadata = named("prod", "web");
    policy.ingress.push_back(std::move(rule));
    return policy;
}

KubernetesPeer pods(LabelSelector selector) {
    KubernetesPeer peer;
    peer.pod_selector = std::move(selector);
    return peer;
}

TEST(ConvertKubernetes, APolicyStandsInTheDefaultTierAtOrder1000AndKeepsItsName) {
    KubernetesNetworkPolicy policy;
    policy.metadata = named("prod", "web");
    policy.egress_type = true;
    const Policy out = converted(policy);
    EXPECT_EQ(out.metadata.name, "web");
    EXPECT_EQ(out.metadata.ns, "prod");
    EXPECT_EQ(out.kind(), Kind::kKubernetesNetworkPolicy);
    EXPECT_EQ(out.tier, "default");
    EXPECT_EQ(out.order, 1000);
    EXPECT_TRUE(out.ingress_type);
    EXPECT_TRUE(out.egress_type);
    EXPECT_TRUE(out.ingress.empty());
}

TEST(ConvertKubernetes, AStagedPolicyStaysStaged) {
    KubernetesNetworkPolicy policy;
    policy.staged_action = StagedAction::kDelete;
    EXPECT_EQ(converted(policy).kind(), Kind::kStagedKubernetesNetworkPolicy);
    EXPECT_EQ(converted(policy).staged_action, StagedAction::kDelete);
}

TEST(ConvertKubernetes, ThePodSelectorAlwaysNamesTheOrchestrator) {
    KubernetesNetworkPolicy policy;
    EXPECT_EQ(converted(policy).selector, "projectcalico.org/orchestrator == 'k8s'");
    policy.pod_selector = match({{"app", "web"}, {"empty", ""}});
    using Operator = LabelRequirement::Operator;
    policy.pod_selector.match_expressions = {{"env", Operator::kIn, {"a", "b"}},
                                             {"zone", Operator::kNotIn, {"c"}},
                                             {"x", Operator::kExists, {}},
                                             {"y", Operator::kDoesNotExist, {}}};
    EXPECT_EQ(converted(policy).selector,
              "projectcalico.org/orchestrator == 'k8s' && app == 'web' && empty == '' && env in {'a', 'b'} && "
              "zone not in {'c'} && has(x) && !has(y)");
}

TEST(ConvertKubernetes, PortsOfOneProtocolAreOneRuleSortedAndMerged) {
    KubernetesRule rule;
    rule.ports = {{kUdp, 53, {}, {}},     {kTcp, 81, {}, {}},     {kTcp, 80, {}, {}},
                  {kTcp, 8000, 8100, {}}, {kTcp, 8050, 8200, {}}, {kTcp, {}, {}, "http"}};
    const Policy out = converted(policy_with(rule));
    ASSERT_EQ(out.ingress.size(), 2U);
    EXPECT_EQ(out.ingress[0].protocol, kTcp);
    EXPECT_EQ(out.ingress[0].destination.ports, (std::vector<PortRange>{{80, 81}, {8000, 8200}}));
    EXPECT_EQ(out.ingress[0].destination.named_ports, (std::vector<std::string>{"http"}));
    EXPECT_EQ(out.ingress[1].protocol, kUdp);
    EXPECT_EQ(out.ingress[1].destination.ports, (std::vector<PortRange>{{53, 53}}));
    EXPECT_TRUE(out.ingress[1].source.ports.empty());
}

TEST(ConvertKubernetes, APortRangeMayEndAtTheLastPort) {
    KubernetesRule rule;
    rule.ports = {{kTcp, 65535, {}, {}}, {kTcp, 1, 65535, {}}};
    const Policy out = converted(policy_with(rule));
    EXPECT_EQ(out.ingress.at(0).destination.ports, (std::vector<PortRange>{{1, 65535}}));
}

TEST(ConvertKubernetes, AnEntryWithoutAPortOpensItsProtocolWhateverElseNamesIt) {
    KubernetesRule rule;
    rule.ports = {{kTcp, 80, {}, {}}, {kTcp, {}, {}, {}}, {kTcp, 443, {}, {}}};
    const Policy out = converted(policy_with(rule));
    ASSERT_EQ(out.ingress.size(), 1U);
    EXPECT_EQ(out.ingress[0].protocol, kTcp);
    EXPECT_TRUE(out.ingress[0].destination.ports.empty());
}

TEST(ConvertKubernetes, NoPortsIsAnyProtocolAndNoPeersIsAnyone) {
    const Policy out = converted(policy_with({}));
    ASSERT_EQ(out.ingress.size(), 1U);
    EXPECT_EQ(out.ingress[0], [] {
        Rule rule;
        rule.action = Action::kAllow;
        return rule;
    }());
}

TEST(ConvertKubernetes, PeersArePodsEvenWhereNoPodSelectorIsWritten) {
    KubernetesRule rule;
    KubernetesPeer namespaces;
    namespaces.namespace_selector = LabelSelector{};
    KubernetesPeer both = pods(match({{"app", "web"}}));
    both.namespace_selector = match({{"env", "prod"}});
    rule.peers = {pods({}), namespaces, both, KubernetesPeer{}};
    const Policy out = converted(policy_with(rule));
    ASSERT_EQ(out.ingress.size(), 4U);
    const std::string orchestrator = "projectcalico.org/orchestrator == 'k8s'";
    EXPECT_EQ(out.ingress[0].source.selector, orchestrator);
    EXPECT_FALSE(out.ingress[0].source.namespace_selector);
    EXPECT_EQ(out.ingress[1].source.selector, orchestrator);
    EXPECT_EQ(out.ingress[1].source.namespace_selector, "all()");
    EXPECT_EQ(out.ingress[2].source.selector, orchestrator + " && app == 'web'");
    EXPECT_EQ(out.ingress[2].source.namespace_selector, "env == 'prod'");
    EXPECT_EQ(out.ingress[3].source.selector, orchestrator);
    EXPECT_FALSE(out.ingress[3].source.namespace_selector);
}

TEST(ConvertKubernetes, AnIpBlockIsNetsWithoutASelector) {
    KubernetesRule rule;
    KubernetesPeer peer;
    peer.ip_block = IpBlock{prefix("10.0.0.0/8"), {prefix("10.1.0.0/16")}};
    rule.peers = {peer};
    KubernetesNetworkPolicy policy = policy_with(rule);
    policy.egress = policy.ingress;
    const Policy out = converted(policy);
    EXPECT_EQ(out.ingress.at(0).source.nets, (std::vector<net::Prefix>{prefix("10.0.0.0/8")}));
    EXPECT_EQ(out.ingress.at(0).source.not_nets, (std::vector<net::Prefix>{prefix("10.1.0.0/16")}));
    EXPECT_FALSE(out.ingress.at(0).source.selector);
    EXPECT_EQ(out.egress.at(0).destination.nets, (std::vector<net::Prefix>{prefix("10.0.0.0/8")}));
    EXPECT_TRUE(out.egress.at(0).source.nets.empty());
}

TEST(ConvertKubernetes, AConvertedRuleLeadsBackToTheWrittenOne) {
    KubernetesRule first;
    first.ports = {{kTcp, 80, {}, {}}, {kUdp, 53, {}, {}}, {kSctp, 9, {}, {}}};
    first.peers = {pods({}), pods(match({{"a", "b"}}))};
    first.spot = {7, 5};
    KubernetesNetworkPolicy policy = policy_with(first);
    policy.ingress.emplace_back().spot = {20, 5};
    const Policy out = converted(policy);
    ASSERT_EQ(out.ingress.size(), 7U);
    EXPECT_EQ(out.ingress[0].protocol, kSctp);  // by the protocol's name, then by peer
    EXPECT_EQ(out.ingress[2].protocol, kTcp);
    EXPECT_EQ(out.ingress[5].protocol, kUdp);
    EXPECT_EQ(out.ingress[5].spot.line, 7);
    EXPECT_EQ(out.ingress[6].spot.line, 20);
    EXPECT_EQ(written_rule(policy, Direction::kIngress, 5), 0U);
    EXPECT_EQ(written_rule(policy, Direction::kIngress, 6), 1U);
    EXPECT_FALSE(written_rule(policy, Direction::kIngress, 7));
    EXPECT_FALSE(written_rule(policy, Direction::kEgress, 0));
}

}  // namespace
}  // namespace drywall::policy
