#include <gtest/gtest.h>

#include "convert_words.h"

namespace drywall::policy {
namespace {

AdminPeer namespaces(LabelSelector selector = {}) {
    AdminPeer peer;
    peer.namespaces = std::move(selector);
    return peer;
}

AdminPeer networks(std::vector<std::string> texts) {
    AdminPeer peer;
    peer.networks = std::move(texts);
    return peer;
}

AdminPeer unsupported(std::string field) {
    AdminPeer peer;
    peer.unsupported_fields.push_back(std::move(field));
    return peer;
}

AdminRule rule(Action action, std::vector<AdminPeer> peers, std::vector<AdminPort> ports = {}) {
    AdminRule out;
    out.action = action;
    out.peers = std::move(peers);
    out.ports = std::move(ports);
    return out;
}

AdminPort named_port(std::string name) {
    AdminPort port;
    port.named_port = std::move(name);
    return port;
}

AdminPolicy admin(AdminPolicy::Form form = AdminPolicy::Form::kCluster) {
    AdminPolicy policy;
    policy.metadata = named("", "guard");
    policy.form = form;
    policy.priority = 7;
    return policy;
}

bool denies_everything(const Rule& rule) {
    Rule expected;
    expected.action = Action::kDeny;
    expected.annotations = rule.annotations;
    return rule == expected;
}

TEST(ConvertAdmin, EachKindHasItsTierAndOrder) {
    AdminPolicy policy = admin(AdminPolicy::Form::kAdmin);
    EXPECT_EQ(converted(policy).tier, "kube-admin");
    EXPECT_EQ(converted(policy).order, 7);
    EXPECT_EQ(converted(policy).kind(), Kind::kAdminNetworkPolicy);
    policy.form = AdminPolicy::Form::kBaselineAdmin;
    EXPECT_EQ(converted(policy).tier, "kube-baseline");
    EXPECT_EQ(converted(policy).order, 1000);
    EXPECT_EQ(converted(policy).kind(), Kind::kBaselineAdminNetworkPolicy);
    policy.form = AdminPolicy::Form::kCluster;
    EXPECT_EQ(converted(policy).tier, "kube-admin");
    policy.baseline_tier = true;
    EXPECT_EQ(converted(policy).tier, "kube-baseline");
    EXPECT_EQ(converted(policy).order, 7);
    EXPECT_EQ(converted(policy).kind(), Kind::kClusterNetworkPolicy);
}

TEST(ConvertAdmin, TheSubjectIsPodsOnly) {
    AdminPolicy policy = admin();
    EXPECT_EQ(converted(policy).selector, "projectcalico.org/orchestrator == 'k8s'");
    EXPECT_EQ(converted(policy).namespace_selector, "all()");
    policy.subject_namespaces = match({{"env", "prod"}});
    policy.subject_pods = match({{"app", "web"}});
    EXPECT_EQ(converted(policy).selector, "projectcalico.org/orchestrator == 'k8s' && app == 'web'");
    EXPECT_EQ(converted(policy).namespace_selector, "env == 'prod'");
}

TEST(ConvertAdmin, OnlyDirectionsWithRulesAreArmed) {
    AdminPolicy policy = admin();
    policy.egress = {rule(Action::kDeny, {namespaces()})};
    EXPECT_FALSE(converted(policy).ingress_type);
    EXPECT_TRUE(converted(policy).egress_type);
}

TEST(ConvertAdmin, ANamespacesPeerIsNoPodSelector) {
    AdminPolicy policy = admin();
    AdminPeer pods = namespaces(match({{"env", "prod"}}));
    pods.pods = LabelSelector{};
    policy.ingress = {rule(Action::kAllow, {namespaces(), pods})};
    policy.ingress[0].name = "from-all";
    const Policy out = converted(policy);
    ASSERT_EQ(out.ingress.size(), 2U);
    EXPECT_EQ(out.ingress[0].source.namespace_selector, "all()");
    EXPECT_FALSE(out.ingress[0].source.selector);
    EXPECT_EQ(out.ingress[0].annotations.at("name"), "from-all");
    EXPECT_EQ(out.ingress[1].source.namespace_selector, "env == 'prod'");
    EXPECT_EQ(out.ingress[1].source.selector, "projectcalico.org/orchestrator == 'k8s'");
}

TEST(ConvertAdmin, ANamedPortIsOfAnyProtocolAndAnEntryOfAnyPortOpensAll) {
    AdminPolicy policy = admin();
    AdminPort tcp;
    tcp.protocol = 6;
    tcp.range = PortRange{80, 90};
    policy.ingress = {rule(Action::kAllow, {namespaces()}, {tcp, named_port("http")})};
    Policy out = converted(policy);
    ASSERT_EQ(out.ingress.size(), 2U);
    EXPECT_FALSE(out.ingress[0].protocol);
    EXPECT_EQ(out.ingress[0].destination.named_ports, (std::vector<std::string>{"http"}));
    EXPECT_EQ(out.ingress[1].protocol, 6);
    EXPECT_EQ(out.ingress[1].destination.ports, (std::vector<PortRange>{{80, 90}}));

    AdminPort any;
    any.any = true;
    policy.ingress[0].ports.push_back(any);
    out = converted(policy);
    ASSERT_EQ(out.ingress.size(), 1U);
    EXPECT_FALSE(out.ingress[0].protocol);
    EXPECT_TRUE(out.ingress[0].destination.ports.empty());
    EXPECT_TRUE(out.ingress[0].destination.named_ports.empty());
}

TEST(ConvertAdmin, NetworksAreMaskedAndMayMixFamilies) {
    AdminPolicy policy = admin();
    policy.egress = {rule(Action::kAllow, {networks({"10.1.2.3/8", "2001:db8::/32"})})};
    const Policy out = converted(policy);
    EXPECT_EQ(out.egress.at(0).destination.nets,
              (std::vector<net::Prefix>{prefix("10.0.0.0/8"), prefix("2001:db8::/32")}));
    EXPECT_TRUE(failed_rules(policy).empty());
}

TEST(ConvertAdmin, AFailedDenyOrPassDeniesEverythingAndAFailedAllowIsLeftOut) {
    AdminPolicy policy = admin();
    policy.egress = {rule(Action::kAllow, {networks({"10.0.0.0/8", "10.0.0.0/33"})}),
                     rule(Action::kDeny, {unsupported("domainNames")}), rule(Action::kPass, {networks({"10.0.0.1"})})};
    policy.egress[1].name = "no-shops";
    const Policy out = converted(policy);
    ASSERT_EQ(out.egress.size(), 2U);
    EXPECT_TRUE(denies_everything(out.egress[0]));
    EXPECT_EQ(out.egress[0].annotations.at("name"), "no-shops");
    EXPECT_TRUE(denies_everything(out.egress[1]));
    EXPECT_EQ(written_rule(policy, Direction::kEgress, 0), 1U);
    EXPECT_EQ(written_rule(policy, Direction::kEgress, 1), 2U);

    const std::vector<FailedRule> failed = failed_rules(policy);
    ASSERT_EQ(failed.size(), 3U);
    EXPECT_EQ(failed[0].reason, "network '10.0.0.0/33' is not a CIDR");
    EXPECT_FALSE(failed[0].denies_all);
    EXPECT_EQ(failed[1].reason, "peer 'domainNames' is not supported");
    EXPECT_TRUE(failed[1].denies_all);
}

TEST(ConvertAdmin, ABaselineDenyFailsClosedAndItsAllowIsLeftOut) {
    AdminPolicy policy = admin(AdminPolicy::Form::kBaselineAdmin);
    policy.ingress = {rule(Action::kDeny, {AdminPeer{}}), rule(Action::kAllow, {networks({"10.0.0.0/8"})})};
    const Policy out = converted(policy);
    ASSERT_EQ(out.ingress.size(), 1U);
    EXPECT_TRUE(denies_everything(out.ingress[0]));
}

TEST(ConvertAdmin, ADirectionWhoseOnlyRuleWasLeftOutArmsNothing) {
    AdminPolicy policy = admin();
    policy.egress = {rule(Action::kAllow, {unsupported("nodes")})};
    EXPECT_FALSE(converted(policy).egress_type);
}

}  // namespace
}  // namespace drywall::policy
