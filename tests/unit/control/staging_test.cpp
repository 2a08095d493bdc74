// Policies on their way between what is rehearsed and what is enforced: stage, promote, demote.
#include <gtest/gtest.h>

#include "drywall/loader/resources.h"
#include "edit_log.h"
#include "story.h"

namespace drywall::control::test {
namespace {

constexpr const char* kKubernetes = R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db-in, namespace: prod}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - ports: [{protocol: TCP, port: 8080}]
)";

constexpr const char* kAdmin = R"(apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: admin}
spec:
  priority: 10
  subject: {namespaces: {}}
  ingress:
    - action: Deny
      from: [{namespaces: {}}]
)";

policy::ResourceId gnp_id(const std::string& name) { return {policy::Kind::kGlobalNetworkPolicy, "", name}; }
policy::ResourceId sgnp_id(const std::string& name) { return {policy::Kind::kStagedGlobalNetworkPolicy, "", name}; }

std::string document(Site& site, const policy::ResourceId& id) {
    const auto inventory = site->state().inventory;
    const auto found = inventory->find(id);
    return found == inventory->end() ? std::string("absent") : loader::to_yaml(*found->second);
}

Result<Applied> staged(Site& site, std::vector<std::string> texts) {
    return site->stage(files(std::move(texts)), Site::kAna);
}

TEST(Stage, TurnsEnforcedPoliciesIntoTheirStagedKinds) {
    Site site;
    const auto applied = staged(site, {kWebToDb, kKubernetes});
    ASSERT_TRUE(applied) << applied.error().text();
    EXPECT_EQ(words(*applied), (std::vector<std::string>{"stagedglobalnetworkpolicy/web-to-db created",
                                                         "stagedkubernetesnetworkpolicy/prod/db-in created"}));
    EXPECT_FALSE(applied->enforced_changed);
    EXPECT_EQ(document(site, gnp_id("web-to-db")), "absent");
}

TEST(Stage, WhatIsStagedAlreadyStaysAsItIs) {
    Site site;
    ASSERT_TRUE(staged(site, {kStagedClosed}));
    const auto again = staged(site, {kStagedClosed});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->before, again->after);
}

TEST(Stage, RefusesAPolicyThatCanNotBeStaged) {
    Site site;
    const auto applied = staged(site, {kAdmin});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().kind, ErrorKind::kRefused);
    EXPECT_EQ(site->generation(), Generation{1});
}

TEST(Stage, APolicyAndItsStagedTwinInOneRequestAreAMistake) {
    Site site;
    const auto applied = staged(site, {kStagedClosed, with(kWebToDb, "name: web-to-db", "name: closed")});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().kind, ErrorKind::kInvalid);
}

TEST(Demote, IsTheInverseOfPromote) {
    Site site({kEndpoints, kStagedClosed});
    const std::string before = document(site, sgnp_id("closed"));
    ASSERT_TRUE(site->promote(sgnp_id("closed"), Site::kAna));
    EXPECT_EQ(document(site, sgnp_id("closed")), "absent");
    const auto demoted = site->demote(gnp_id("closed"), Site::kAna);
    ASSERT_TRUE(demoted) << demoted.error().text();
    EXPECT_EQ(words(*demoted), (std::vector<std::string>{"stagedglobalnetworkpolicy/closed created",
                                                         "globalnetworkpolicy/closed deleted"}));
    EXPECT_TRUE(demoted->enforced_changed);
    EXPECT_EQ(document(site, sgnp_id("closed")), before);
    EXPECT_EQ(document(site, gnp_id("closed")), "absent");
}

TEST(Demote, SaysThatNothingIsEnforcedAnyMore) {
    Site site({kEndpoints, kWebToDb});
    const auto demoted = site->demote(gnp_id("web-to-db"), Site::kAna);
    ASSERT_TRUE(demoted);
    ASSERT_FALSE(demoted->warnings.empty());
    EXPECT_NE(demoted->warnings.front().message.find("is not enforced any more"), std::string::npos);
}

TEST(Demote, OverwritesNoStagedPolicy) {
    Site site({kEndpoints, kWebToDb, with(kStagedClosed, "name: closed", "name: web-to-db")});
    const auto demoted = site->demote(gnp_id("web-to-db"), Site::kAna);
    ASSERT_FALSE(demoted);
    EXPECT_EQ(demoted.error().kind, ErrorKind::kConflict);
}

TEST(Promote, TheCalicoWayEndsInTheSameState) {
    Site one({kEndpoints, kStagedClosed});
    ASSERT_TRUE(one->promote(sgnp_id("closed"), Site::kAna));
    Site other({kEndpoints, kStagedClosed});
    ASSERT_TRUE(other.apply({with(kStagedClosed, "StagedGlobalNetworkPolicy", "GlobalNetworkPolicy")}));
    ASSERT_TRUE(other->remove(std::vector{sgnp_id("closed")}, Site::kAna));
    EXPECT_EQ(one->state().ruleset->enforced_image(), other->state().ruleset->enforced_image());
    EXPECT_EQ(document(one, gnp_id("closed")), document(other, gnp_id("closed")));
}

TEST(Existing, IsAsTheChangeSaysElseAsTheApplianceIsConfigured) {
    Site site({kEndpoints, kStagedClosed});
    site->set_existing(runtime::Existing::kReset);
    ASSERT_TRUE(site->promote(sgnp_id("closed"), Site::kAna, {.existing = runtime::Existing::kRecheck}));
    EXPECT_EQ(site.dataplane.existing(), runtime::Existing::kRecheck);
    ASSERT_TRUE(site->demote(gnp_id("closed"), Site::kAna));
    EXPECT_EQ(site.dataplane.existing(), runtime::Existing::kReset);
}

TEST(Existing, AChangeThatLeavesWhatIsEnforcedDoesNothingToConnections) {
    Site site;
    ASSERT_TRUE(site->apply(files({kStagedClosed}), Site::kAna, {.existing = runtime::Existing::kReset}));
    EXPECT_EQ(site.dataplane.existing(), runtime::Existing::kKeep);
}

TEST(Rehearsal, APromotionIsCompiledAndNothingChanges) {
    Site site({kEndpoints, kWebToDb, kStagedClosed});
    const auto then = site->rehearse_promotion(sgnp_id("closed"));
    ASSERT_TRUE(then);
    EXPECT_NE((*then)->enforced_image(), site->state().ruleset->enforced_image());
    EXPECT_EQ(site->generation(), Generation{1});
    ASSERT_TRUE(site->promote(sgnp_id("closed"), Site::kAna));
    EXPECT_EQ((*then)->enforced_image(), site->state().ruleset->enforced_image());
}

class Edits : public testing::Test {
protected:
    // The last edit that concerns "closed", whose order is 10.
    std::string last() {
        return site_->state().edits->last_that_concerns(*site_->state().inventory, sgnp_id("closed")).id.text();
    }
    Site site_{{kEndpoints, kStagedClosed}};
};

TEST_F(Edits, APolicyThatIsAskedLaterDoesNotConcern) {
    ASSERT_TRUE(site_.apply({kWebToDb}));  // order 100
    EXPECT_EQ(last(), "stagedglobalnetworkpolicy/closed");
}

TEST_F(Edits, APolicyThatIsAskedBeforeConcerns) {
    ASSERT_TRUE(site_.apply({with(kWebToDb, "order: 100", "order: 9")}));
    EXPECT_EQ(last(), "globalnetworkpolicy/web-to-db");
}

TEST_F(Edits, APolicyThatWasMovedBehindConcernsToo) {
    ASSERT_TRUE(site_.apply({with(kWebToDb, "order: 100", "order: 9")}));
    ASSERT_TRUE(site_.apply({kWebToDb}));
    const Generation moved = site_->generation();
    ASSERT_TRUE(site_->remove(std::vector{gnp_id("web-to-db")}, Site::kAna));  // it stood behind by then
    const auto edit = site_->state().edits->last_that_concerns(*site_->state().inventory, sgnp_id("closed"));
    EXPECT_EQ(edit.id.text(), "globalnetworkpolicy/web-to-db");
    EXPECT_EQ(edit.generation, moved);
}

TEST_F(Edits, EndpointsDoNotConcern) {
    ASSERT_TRUE(site_.apply({with(kEndpoints, "10.1.0.1/32", "10.1.0.2/32")}));
    EXPECT_EQ(last(), "stagedglobalnetworkpolicy/closed");
}

}  // namespace
}  // namespace drywall::control::test
