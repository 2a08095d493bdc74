// The controller with a memory: what was answered is kept, what was kept comes back, and nobody's update is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

#include "drywall/store/generation_store.h"
#include "story.h"
#include "temporary_folder.h"

namespace drywall::control {
namespace {

using drywall::test::TemporaryFolder;
using test::files;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::with;
using test::words;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Generation generation(std::uint64_t number) { return static_cast<Generation>(number); }

// An appliance that can be restarted.
struct Remembering : testing::Test {
    void SetUp() override { start(); }
    void TearDown() override { stop(); }

    void start(const std::string& policy_directory = {}) {
        stop();
        auto opened = store::GenerationStore::open(settings);
        ASSERT_TRUE(opened) << opened.error().text();
        store = *std::move(opened);
        auto made = Controller::create(test::two_ports(), {}, *store, policy_directory);
        ASSERT_TRUE(made) << made.error().text();
        controller = *std::move(made);
        controller->attach(dataplane);
    }
    void stop() {
        controller.reset();
        store.reset();
    }
    Result<Applied> apply(std::vector<std::string> texts, const ChangeOptions& options = {}) {
        return controller->apply(files(std::move(texts)), kAna, options);
    }
    [[nodiscard]] std::set<std::string> names() const {
        std::set<std::string> out;
        const State state = controller->state();
        for (const auto& [id, resource] : *state.inventory)
            if (id.kind != policy::Kind::kTier) out.insert(id.text());
        return out;
    }

    static constexpr Peer kAna{4711, 0, 0};
    TemporaryFolder folder;
    store::StoreSettings settings{.directory = folder.path() / "state"};
    test::FakePublisher dataplane;
    std::unique_ptr<store::GenerationStore> store;
    std::unique_ptr<Controller> controller;
};

TEST_F(Remembering, AStartBringsBackTheLastGenerationAndNumbersGoOn) {
    ASSERT_TRUE(apply({kEndpoints, kWebToDb}, {.comment = "CHG-1"}));
    const std::string image = controller->state().ruleset->enforced_image();
    start();
    EXPECT_EQ(controller->generation(), generation(2));
    EXPECT_EQ(controller->state().ruleset->enforced_image(), image);
    EXPECT_THAT(controller->origin().text, HasSubstr("generation 2 of "));
    ASSERT_TRUE(apply({kStagedClosed}));
    EXPECT_EQ(controller->generation(), generation(3));
    const auto history = store->history(10);
    ASSERT_EQ(history->size(), 3U);
    EXPECT_EQ(history->back().verb, "start");
    EXPECT_EQ((*history)[1].comment, "CHG-1");
    EXPECT_EQ((*history)[1].author.login, "root");
}

TEST_F(Remembering, TheFilesOfThePolicyDirectoryAreOnlyTheBeginning) {
    const std::filesystem::path policies = folder.path() / "policies";
    std::filesystem::create_directories(policies);
    std::ofstream(policies / "a.yaml") << kEndpoints;
    settings.directory = folder.path() / "other";
    start(policies);
    EXPECT_EQ(controller->origin().text, policies.string());
    EXPECT_EQ(names().size(), 2U);
    std::ofstream(policies / "b.yaml") << kWebToDb;
    start(policies);
    EXPECT_EQ(names().size(), 2U) << "what is in force comes back";
    EXPECT_THAT(controller->origin().difference, HasSubstr("1 of 3 resources differ"));
    std::ofstream(policies / "b.yaml") << "kind: Nonsense\n";
    start(policies);
    EXPECT_THAT(controller->origin().difference, HasSubstr("b.yaml"));
}

TEST_F(Remembering, AStartThatNeverForwardedDecidesNothing) {
    settings.directory = folder.path() / "other";
    auto opened = store::GenerationStore::open(settings);
    ASSERT_TRUE(Controller::create(test::two_ports(), {}, **opened, {}));
    EXPECT_FALSE(*(*opened)->in_force());
}

TEST_F(Remembering, AnUnconfirmedGenerationIsTakenBackByARestart) {
    ASSERT_TRUE(apply({kEndpoints, kWebToDb}));
    const auto content = store->content(generation(1));
    store::GenerationRecord record;
    record.number = generation(3);
    record.before = generation(2);
    ASSERT_TRUE(store->record(record, *content, store::PendingConfirmation{generation(3), generation(2), "noon"}));
    start();
    EXPECT_EQ(controller->generation(), generation(4));
    EXPECT_TRUE(names().contains("globalnetworkpolicy/web-to-db"));
    ASSERT_TRUE(controller->origin().taken_back);
    EXPECT_EQ(controller->origin().taken_back->terms, "noon");
    EXPECT_EQ(store->generation(generation(3))->fate, store::Fate::kReverted);
    start();
    EXPECT_EQ(controller->generation(), generation(4)) << "once is enough";
    EXPECT_FALSE(controller->origin().taken_back);
}

TEST_F(Remembering, AGenerationThatCouldNotBePublishedDoesNotComeBack) {
    ASSERT_TRUE(apply({kEndpoints}));
    dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 does not answer"));
    ASSERT_FALSE(apply({kWebToDb}));
    dataplane.fail_with({});
    EXPECT_EQ(controller->generation(), generation(2));
    EXPECT_EQ(store->history(1)->front().fate, store::Fate::kWithdrawn);
    start();
    EXPECT_EQ(controller->generation(), generation(2));
    ASSERT_TRUE(apply({kWebToDb}));
    EXPECT_EQ(controller->generation(), generation(4)) << "a number is never used twice";
}

TEST_F(Remembering, WhatChangesNothingMakesNoGenerationAndIsOnRecord) {
    ASSERT_TRUE(apply({kEndpoints}));
    const auto again = apply({kEndpoints});
    EXPECT_EQ(again->before, again->after);
    EXPECT_EQ(store->history(1)->front().number, generation(2));
    EXPECT_EQ(store->audit(1)->front().outcome, "unchanged");
    ASSERT_FALSE(apply({"kind: Nonsense\n"}));
    EXPECT_EQ(store->audit(1)->front().outcome, "failed");
    EXPECT_THAT(store->audit(1)->front().words, HasSubstr("Nonsense"));
}

TEST_F(Remembering, RollbackIsANewGenerationWithTheOldContent) {
    ASSERT_TRUE(apply({kEndpoints}));
    ASSERT_TRUE(apply({kWebToDb, kStagedClosed}));
    const auto back = controller->rollback(generation(2), kAna, {});
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(back->after, generation(4));
    EXPECT_THAT(words(*back),
                ElementsAre("globalnetworkpolicy/web-to-db deleted", "stagedglobalnetworkpolicy/closed deleted"));
    EXPECT_EQ(store->history(1)->front().comment, "as generation 2");
    EXPECT_EQ(store->history(1)->front().content_hash, store->generation(generation(2))->content_hash);
    EXPECT_EQ(controller->rollback(generation(2), kAna, {})->after, generation(4)) << "nothing left to change";
    EXPECT_EQ(controller->rollback(generation(99), kAna, {}).error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(controller->rollback(generation(3), kAna, {.expected = generation(2)}).error().kind,
              ErrorKind::kConflict);
}

TEST_F(Remembering, RestoreMakesTheSourcesAllThatThereIs) {
    ASSERT_TRUE(apply({kEndpoints, kStagedClosed}));
    const auto wrong = controller->restore(files({with(kWebToDb, "order: 100", "tier: nowhere")}), kAna);
    EXPECT_EQ(wrong.error().kind, ErrorKind::kInvalid) << "it is checked first";
    const auto restored = controller->restore(files({kEndpoints, kWebToDb}), kAna);
    ASSERT_TRUE(restored) << restored.error().text();
    EXPECT_THAT(words(*restored),
                ElementsAre("globalnetworkpolicy/web-to-db created", "stagedglobalnetworkpolicy/closed deleted"));
}

// A history as the clients saw it: every change went from the one before it to the next number, and holds what all
// before it had applied.
TEST_F(Remembering, EightClientsAtOnceAreOneAfterTheOtherAndLoseNothing) {
    constexpr int kClients = 8;
    constexpr int kEach = 6;
    std::array<std::vector<Applied>, kClients> seen;
    {
        std::vector<std::jthread> clients;
        for (int client = 0; client < kClients; ++client)
            clients.emplace_back([&, client] {
                for (int i = 0; i < kEach;) {
                    const std::string name = "p" + std::to_string(client) + "-" + std::to_string(i);
                    ChangeOptions options;
                    // Half of them insist on what they have read.
                    if (client % 2 == 0) options.expected = controller->generation();
                    const auto applied = apply({with(kStagedClosed, "closed", name)}, options);
                    if (applied) {
                        seen[static_cast<std::size_t>(client)].push_back(*applied);
                        ++i;
                    } else {
                        ASSERT_EQ(applied.error().kind, ErrorKind::kConflict) << applied.error().text();
                    }
                }
            });
    }
    std::map<Generation, std::string> by_number;
    for (const auto& mine : seen) {
        for (std::size_t i = 0; i < mine.size(); ++i) {
            EXPECT_EQ(index(mine[i].after), index(mine[i].before) + 1);
            EXPECT_TRUE(i == 0 || mine[i].before > mine[i - 1].before) << "a client never goes back";
            EXPECT_TRUE(by_number.emplace(mine[i].after, mine[i].changes.front().id.text()).second);
        }
    }
    ASSERT_EQ(by_number.size(), std::size_t{kClients} * kEach);
    start();  // and all of it is on the disk
    std::set<std::string> expected;
    for (const auto& [number, name] : by_number) {
        expected.insert(name);
        const auto content = store->content(number);
        ASSERT_TRUE(content) << content.error().text();
        EXPECT_EQ(content->size(), expected.size() + policy::initial_inventory().size()) << index(number);
        for (const std::string& one : expected)
            EXPECT_TRUE(std::any_of(content->begin(), content->end(),
                                    [&](const auto& entry) { return entry.first.text() == one; }))
                << one << " is lost in generation " << index(number);
    }
    EXPECT_EQ(names(), expected);
}

}  // namespace
}  // namespace drywall::control
