// Promotion of every staged kind, and how the staged policy that is meant is found.
#include "plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drywall::control {
namespace {

using policy::Kind;
using policy::ResourceId;
using policy::StagedAction;
using ::testing::HasSubstr;

void put(policy::Inventory& inventory, policy::Resource resource) {
    const ResourceId id = policy::id_of(resource);
    inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
}

policy::Policy network_policy(const std::string& ns, const std::string& name, std::optional<StagedAction> staged) {
    policy::Policy policy;
    policy.metadata.name = name;
    policy.metadata.ns = ns;
    policy.enforced_kind = ns.empty() ? Kind::kGlobalNetworkPolicy : Kind::kNetworkPolicy;
    policy.staged_action = staged;
    return policy;
}

policy::KubernetesNetworkPolicy kubernetes_policy(const std::string& name, std::optional<StagedAction> staged) {
    policy::KubernetesNetworkPolicy policy;
    policy.metadata.name = name;
    policy.metadata.ns = "prod";
    policy.staged_action = staged;
    return policy;
}

class Promotion : public ::testing::Test {
protected:
    policy::Inventory inventory = policy::initial_inventory();

    [[nodiscard]] Result<ResourceId> find(const std::string& name, std::optional<Kind> kind = {},
                                          std::optional<std::string> ns = {}) const {
        return find_staged(inventory, {.kind = kind, .ns = std::move(ns), .name = name});
    }
};

TEST_F(Promotion, ANamespacedPolicyBecomesTheOneOfItsNamespace) {
    put(inventory, network_policy("prod", "web", StagedAction::kSet));
    const auto plan = plan_promote(inventory, {Kind::kStagedNetworkPolicy, "prod", "web"});
    ASSERT_TRUE(plan) << plan.error().text();
    EXPECT_TRUE(plan->after.contains({Kind::kNetworkPolicy, "prod", "web"}));
    EXPECT_FALSE(plan->after.contains({Kind::kStagedNetworkPolicy, "prod", "web"}));
}

TEST_F(Promotion, AStagedKubernetesPolicyBecomesAKubernetesPolicy) {
    put(inventory, kubernetes_policy("web", StagedAction::kLearn));
    const auto plan = plan_promote(inventory, {Kind::kStagedKubernetesNetworkPolicy, "prod", "web"});
    ASSERT_TRUE(plan) << plan.error().text();
    const auto& made =
        std::get<policy::KubernetesNetworkPolicy>(*plan->after.at({Kind::kKubernetesNetworkPolicy, "prod", "web"}));
    EXPECT_FALSE(made.staged_action);
    EXPECT_FALSE(plan->after.contains({Kind::kStagedKubernetesNetworkPolicy, "prod", "web"}));
}

TEST_F(Promotion, ADeleteTakesTheKubernetesPolicyOfItsNameAway) {
    put(inventory, kubernetes_policy("web", std::nullopt));
    put(inventory, kubernetes_policy("web", StagedAction::kDelete));
    const auto plan = plan_promote(inventory, {Kind::kStagedKubernetesNetworkPolicy, "prod", "web"});
    ASSERT_TRUE(plan) << plan.error().text();
    EXPECT_FALSE(plan->after.contains({Kind::kKubernetesNetworkPolicy, "prod", "web"}));
}

TEST_F(Promotion, WhatIsToBeIgnoredIsNotPromoted) {
    put(inventory, kubernetes_policy("web", StagedAction::kIgnore));
    const auto plan = plan_promote(inventory, {Kind::kStagedKubernetesNetworkPolicy, "prod", "web"});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::kRefused);
}

TEST_F(Promotion, ANameThatOnlyOneStagedPolicyHasIsEnough) {
    put(inventory, network_policy("prod", "web", StagedAction::kSet));
    put(inventory, network_policy("", "web", std::nullopt));
    const auto found = find("web");
    ASSERT_TRUE(found) << found.error().text();
    EXPECT_EQ(*found, (ResourceId{Kind::kStagedNetworkPolicy, "prod", "web"}));
}

TEST_F(Promotion, AnAmbiguousNameIsRefusedWithTheCandidates) {
    put(inventory, network_policy("prod", "web", StagedAction::kSet));
    put(inventory, network_policy("dev", "web", StagedAction::kSet));
    put(inventory, network_policy("", "web", StagedAction::kSet));
    const auto found = find("web");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::kInvalid);
    for (const char* candidate :
         {"stagedglobalnetworkpolicy/web", "stagednetworkpolicy/prod/web", "stagednetworkpolicy/dev/web"})
        EXPECT_THAT(found.error().text(), HasSubstr(candidate));
    EXPECT_TRUE(find("web", Kind::kStagedGlobalNetworkPolicy));
    EXPECT_TRUE(find("web", {}, "dev"));
    EXPECT_FALSE(find("web", Kind::kStagedNetworkPolicy));
}

TEST_F(Promotion, AnUnknownNameAndAnEnforcedKindAreSaidToBeSo) {
    put(inventory, network_policy("prod", "web", StagedAction::kSet));
    const auto unknown = find("wbe");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().kind, ErrorKind::kNotFound);
    EXPECT_THAT(unknown.error().text(), HasSubstr("stagednetworkpolicy/prod/web"));
    const auto enforced = find("web", Kind::kNetworkPolicy);
    ASSERT_FALSE(enforced);
    EXPECT_EQ(enforced.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace drywall::control
