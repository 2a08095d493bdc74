// Changes are transactions: all of a request or nothing, one generation, and no trace of what failed.
#include "drywall/control/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "story.h"

namespace drywall::control {
namespace {

using test::files;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::Site;
using test::with;
using test::words;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Generation generation(std::uint64_t number) { return static_cast<Generation>(number); }

policy::ResourceId staged(const std::string& name) { return {policy::Kind::kStagedGlobalNetworkPolicy, {}, name}; }
policy::ResourceId enforced(const std::string& name) { return {policy::Kind::kGlobalNetworkPolicy, {}, name}; }

bool has(Site& site, const policy::ResourceId& id) { return site->state().inventory->contains(id); }

std::string staged_with_action(const std::string& name, const std::string& action) {
    return with(with(kStagedClosed, "name: closed", "name: " + name), "spec:", "spec:\n  stagedAction: " + action);
}

TEST(Controller, StartsWithGenerationOneFromThePolicyDirectory) {
    Site site({kEndpoints, kWebToDb});
    EXPECT_EQ(site->generation(), generation(1));
    EXPECT_TRUE(has(site, enforced("web-to-db")));
}

TEST(Controller, DoesNotStartFromFilesThatAreWrong) {
    const auto made = Controller::create(test::two_ports(), {}, files({"kind: Nonsense\n"}));
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().text(), HasSubstr("file1.yaml"));
}

TEST(Controller, ApplySaysCreatedConfiguredUnchanged) {
    Site site;
    const auto first = site.apply({kWebToDb});
    ASSERT_TRUE(first) << first.error().text();
    EXPECT_THAT(words(*first), ElementsAre("globalnetworkpolicy/web-to-db created"));
    EXPECT_EQ(first->before, generation(1));
    EXPECT_EQ(first->after, generation(2));

    const auto second = site.apply({with(kWebToDb, "8080", "9090"), kStagedClosed});
    ASSERT_TRUE(second) << second.error().text();
    EXPECT_THAT(words(*second),
                ElementsAre("globalnetworkpolicy/web-to-db configured", "stagedglobalnetworkpolicy/closed created"));

    const auto third = site.apply({with(kWebToDb, "8080", "9090")});
    ASSERT_TRUE(third);
    EXPECT_THAT(words(*third), ElementsAre("globalnetworkpolicy/web-to-db unchanged"));
    EXPECT_THAT(site.dataplane.published(), ElementsAre(generation(2), generation(3)));
}

TEST(Controller, AnApplyThatChangesNothingMakesNoGeneration) {
    Site site({kEndpoints, kWebToDb});
    const auto applied = site.apply({kWebToDb});
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->before, applied->after);
    EXPECT_EQ(site->generation(), generation(1));
    EXPECT_TRUE(site.dataplane.attempted().empty());
}

TEST(Controller, SaysWhetherWhatIsEnforcedChanged) {
    Site site;
    EXPECT_FALSE(site.apply({kStagedClosed})->enforced_changed);
    EXPECT_TRUE(site.apply({kWebToDb})->enforced_changed);
}

TEST(Controller, OneBadDocumentLeavesEverythingAsItWas) {
    Site site;
    const auto applied = site.apply({kWebToDb, with(kStagedClosed, "selector:", "sellector:")});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(applied.error().complaints.front().place.file, "file2.yaml");
    EXPECT_EQ(applied.error().complaints.front().place.line, 6);
    EXPECT_FALSE(has(site, enforced("web-to-db")));
    EXPECT_EQ(site->generation(), generation(1));
    EXPECT_TRUE(site.dataplane.attempted().empty());
}

TEST(Controller, ComplaintsOfAllFilesComeTogether) {
    Site site;
    const auto applied = site.apply({with(kWebToDb, "Allow", "Alow"), with(kStagedClosed, "order: 10", "order: ten")});
    ASSERT_FALSE(applied);
    std::set<std::string> named;
    for (const Complaint& complaint : applied.error().complaints) named.insert(complaint.place.file);
    EXPECT_EQ(named, (std::set<std::string>{"file1.yaml", "file2.yaml"}));
}

TEST(Controller, WhatContradictsOtherResourcesIsRefusedWithItsPlace) {
    Site site;
    const auto applied = site.apply({with(kWebToDb, "order: 100", "tier: nowhere")});
    ASSERT_FALSE(applied);
    EXPECT_THAT(applied.error().text(), HasSubstr("file1.yaml:5:9"));
    EXPECT_THAT(applied.error().text(), HasSubstr("nowhere"));
}

TEST(Controller, TheSameResourceTwiceInOneRequestIsAMistake) {
    Site site;
    const auto applied = site.apply({kWebToDb, with(kWebToDb, "8080", "9090")});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().complaints.front().place.file, "file2.yaml");
    EXPECT_THAT(applied.error().text(), HasSubstr("file1.yaml"));
}

TEST(Controller, AGenerationThatDoesNotFitIsRefusedAndNothingMoves) {
    Site site({kEndpoints}, {.table_bytes = std::size_t{1} << 30, .traces = 4});
    const auto applied = site.apply({kWebToDb, kStagedClosed});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().kind, ErrorKind::kRefused);
    EXPECT_EQ(site->generation(), generation(1));
    EXPECT_TRUE(site.dataplane.attempted().empty());
}

TEST(Controller, AFailedPublicationLeavesTheGenerationAndItsNumberIsNotUsedAgain) {
    Site site;
    site.dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 1 did not answer"));
    const auto failed = site.apply({kWebToDb});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(site->generation(), generation(1));
    EXPECT_FALSE(has(site, enforced("web-to-db")));

    site.dataplane.fail_with({});
    const auto applied = site.apply({kWebToDb});
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->before, generation(1));
    EXPECT_EQ(applied->after, generation(3));
}

TEST(Controller, AnOutdatedExpectationIsAConflict) {
    Site site;
    ASSERT_TRUE(site.apply({kWebToDb}, generation(1)));
    const auto late = site.apply({kStagedClosed}, generation(1));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
    EXPECT_FALSE(has(site, staged("closed")));
}

TEST(Controller, DeletesAllOrNothingAndNamesWhatIsMissing) {
    Site site({kEndpoints, kWebToDb});
    const auto failed = site->remove(std::vector{enforced("web-to-db"), enforced("typo")}, Site::kAna);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::kNotFound);
    EXPECT_THAT(failed.error().text(), HasSubstr("typo"));
    EXPECT_THAT(failed.error().text(), HasSubstr("web-to-db"));
    EXPECT_TRUE(has(site, enforced("web-to-db")));

    const auto removed = site->remove(std::vector{enforced("web-to-db")}, Site::kAna);
    ASSERT_TRUE(removed) << removed.error().text();
    EXPECT_THAT(words(*removed), ElementsAre("globalnetworkpolicy/web-to-db deleted"));
    EXPECT_FALSE(has(site, enforced("web-to-db")));
}

TEST(Controller, TheDefaultTierStays) {
    Site site;
    const auto removed = site->remove(std::vector{policy::ResourceId{policy::Kind::kTier, {}, "default"}}, Site::kAna);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().kind, ErrorKind::kRefused);
}

TEST(Controller, PromotionEnforcesTheStagedPolicyInOneGeneration) {
    Site site({kEndpoints, kWebToDb, kStagedClosed});
    const auto promoted = site->promote(staged("closed"), Site::kAna);
    ASSERT_TRUE(promoted) << promoted.error().text();
    EXPECT_THAT(words(*promoted),
                ElementsAre("globalnetworkpolicy/closed created", "stagedglobalnetworkpolicy/closed deleted"));
    EXPECT_THAT(site.dataplane.published(), ElementsAre(generation(2)));
    EXPECT_TRUE(promoted->enforced_changed);
    EXPECT_TRUE(has(site, enforced("closed")));
    EXPECT_FALSE(has(site, staged("closed")));
}

TEST(Controller, PromotionReplacesTheEnforcedPolicyOfTheSameName) {
    Site site({kEndpoints, kWebToDb, with(kStagedClosed, "closed", "web-to-db")});
    const auto promoted = site->promote(staged("web-to-db"), Site::kAna);
    ASSERT_TRUE(promoted) << promoted.error().text();
    EXPECT_EQ(words(*promoted).front(), "globalnetworkpolicy/web-to-db configured");
    const auto resource = site->state().inventory->at(enforced("web-to-db"));
    EXPECT_EQ(std::get<policy::Policy>(*resource).ingress.at(0).action, Action::kDeny);
}

TEST(Controller, PromotingADeletionRemovesTheEnforcedPolicy) {
    const std::string deletion =
        "apiVersion: projectcalico.org/v3\nkind: StagedGlobalNetworkPolicy\n"
        "metadata: {name: web-to-db}\nspec: {stagedAction: Delete}\n";
    Site site({kEndpoints, kWebToDb, deletion});
    const auto promoted = site->promote(staged("web-to-db"), Site::kAna);
    ASSERT_TRUE(promoted) << promoted.error().text();
    EXPECT_THAT(words(*promoted),
                ElementsAre("globalnetworkpolicy/web-to-db deleted", "stagedglobalnetworkpolicy/web-to-db deleted"));
    EXPECT_FALSE(has(site, enforced("web-to-db")));
}

TEST(Controller, AnIgnoredPolicyIsNotPromoted) {
    Site site({kEndpoints, staged_with_action("dismissed", "Ignore")});
    const auto promoted = site->promote(staged("dismissed"), Site::kAna);
    ASSERT_FALSE(promoted);
    EXPECT_EQ(promoted.error().kind, ErrorKind::kRefused);
    EXPECT_THAT(promoted.error().text(), HasSubstr("Ignore"));
}

TEST(Controller, PromotingWhatIsNotStagedSaysWhy) {
    Site site({kEndpoints, kWebToDb});
    EXPECT_EQ(site->promote(staged("nothing"), Site::kAna).error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(site->promote(enforced("web-to-db"), Site::kAna).error().kind, ErrorKind::kInvalid);
}

TEST(Controller, ConcurrentChangesAllTakeEffectOneAfterAnother) {
    constexpr int kThreads = 4;
    constexpr int kEach = 8;
    Site site;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&site, t] {
            for (int i = 0; i < kEach; ++i)
                EXPECT_TRUE(site.apply({with(kStagedClosed, "closed", "p" + std::to_string(t * kEach + i))}));
        });
    }
    for (std::thread& thread : threads) thread.join();
    const std::vector<Generation> published = site.dataplane.published();
    ASSERT_EQ(published.size(), static_cast<std::size_t>(kThreads * kEach));
    for (std::size_t i = 0; i < published.size(); ++i) EXPECT_EQ(published[i], generation(i + 2));
    for (int i = 0; i < kThreads * kEach; ++i) EXPECT_TRUE(has(site, staged("p" + std::to_string(i))));
}

TEST(Controller, OnlyOneOfTwoWhoExpectTheSameGenerationWins) {
    Site site;
    std::vector<std::thread> threads;
    std::atomic<int> won{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            if (site.apply({with(kStagedClosed, "closed", "p" + std::to_string(t))}, generation(1))) ++won;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(site->generation(), generation(2));
}

TEST(Peer, IsNamedAsTheKernelKnowsIt) {
    EXPECT_EQ((Peer{4711, 1000, 100}).text(), "uid 1000 gid 100 pid 4711");
    EXPECT_EQ((Peer{0, 1000, 100}).text(), "uid 1000 gid 100 pid unknown");
    EXPECT_EQ(Peer{}.text(), "the appliance itself");
}

TEST(Controller, WithoutADataplaneThereAreNoCounters) {
    Site site;
    EXPECT_TRUE(site->snapshot());
    site->detach();
    EXPECT_EQ(site->snapshot().error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace drywall::control
