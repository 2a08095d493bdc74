// What is in force before it is stored, while the disk is full: it is stored before anything else is changed, and what
// a restart brings is what was in force. The disk is made here, and so is time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../store/failing_disk.h"
#include "drywall/store/generation_store.h"
#include "story.h"

namespace drywall::control {
namespace {

using namespace std::chrono_literals;
using store::test::FailingDisk;
using test::files;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;

class Owed : public ::testing::Test {
protected:
    Owed() {
        now.boot = 1000s;
        now.wall += 400'000h;
        now.boot_id = "boot-1";
        start();
        EXPECT_TRUE(change({kEndpoints}));  // generation 2
    }
    ~Owed() override { stop(); }

    void stop() {
        controller.reset();
        store.reset();
    }
    void start() {
        stop();
        auto opened = store::GenerationStore::open({.directory = "/dev/null/state", .vfs = FailingDisk::kName});
        ASSERT_TRUE(opened) << opened.error().text();
        store = *std::move(opened);
        auto made = Controller::create(test::two_ports(), {}, *store, {});
        ASSERT_TRUE(made) << made.error().text();
        controller = *std::move(made);
        GuardSettings guard;
        guard.clocks = [this] { return now; };
        controller->guard_with(std::move(guard));
        controller->attach(dataplane);
    }
    Result<Applied> change(std::vector<std::string> texts, Nanos confirm_within = Nanos{0}) {
        ChangeOptions options;
        options.confirm_within = confirm_within;
        return controller->apply(files(std::move(texts)), kAna, options);
    }
    void pass(Nanos time) {
        now.boot += time;
        now.wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(time);
        controller->keep_promises();
    }
    [[nodiscard]] bool is_there(const char* name) const {
        return controller->state().inventory->contains({policy::Kind::kGlobalNetworkPolicy, {}, name});
    }

    static constexpr Peer kAna{4711, 0, 0};
    Moment now;
    FailingDisk disk;
    test::FakePublisher dataplane;
    std::unique_ptr<store::GenerationStore> store;
    std::unique_ptr<Controller> controller;
};

TEST_F(Owed, AWayBackThatFindsTheDiskFullIsStoredBeforeTheNextChange) {
    ASSERT_TRUE(change({kWebToDb}, 60s));  // 3
    disk.full_from_now_on(true);
    pass(60s);
    ASSERT_EQ(controller->generation(), Generation{4}) << "nobody waits for a disk";
    const auto refused = change({kStagedClosed});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(), HasSubstr("disk is full"));

    disk.full_from_now_on(false);
    ASSERT_TRUE(change({kWebToDb}, 60s));  // 5, and 4 is what it would go back to
    const auto history = store->history(10);
    ASSERT_TRUE(history);
    EXPECT_THAT(*history, Contains(Field(&store::GenerationRecord::number, Generation{4})));
    start();
    EXPECT_FALSE(is_there("web-to-db")) << "nobody had confirmed it";
}

TEST_F(Owed, AChangeThatCanNotBePublishedGoesBackToOneThatIsStored) {
    disk.full_from_now_on(true);
    ASSERT_TRUE(controller->open_safety(15min, "CHG-7", kAna));  // 3, owed
    disk.full_from_now_on(false);
    dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 did not answer"));
    EXPECT_FALSE(change({kWebToDb}));
    dataplane.fail_with({});
    start();
    EXPECT_FALSE(is_there("web-to-db"));
}

TEST_F(Owed, WhatAFullDiskCouldNotTakeBackIsWithdrawnOnceItCan) {
    dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "worker 0 did not answer"));
    dataplane.meanwhile = [&] { disk.full_from_now_on(true); };
    ASSERT_FALSE(change({kWebToDb}));  // 3, stored and never in force
    dataplane.meanwhile = {};
    dataplane.fail_with({});
    pass(1s);
    EXPECT_EQ((*store->in_force())->number, Generation{3}) << "the disk is still full";
    disk.full_from_now_on(false);
    pass(31s);
    EXPECT_EQ((*store->in_force())->number, Generation{2});
    EXPECT_EQ(store->generation(Generation{3})->fate, store::Fate::kWithdrawn);
    EXPECT_EQ(store->audit(1)->front().outcome, "withdrawn");
    start();
    EXPECT_FALSE(is_there("web-to-db"));
}

TEST_F(Owed, WhatIsOwedIsStoredOnceTheDiskTakesItAlsoIfNobodyChangesAnything) {
    disk.full_from_now_on(true);
    ASSERT_TRUE(controller->open_safety(1h, "CHG-7", kAna));  // 3, owed
    pass(1s);
    disk.full_from_now_on(false);
    pass(31s);
    EXPECT_EQ((*store->in_force())->number, Generation{3});
}

TEST_F(Owed, AConfirmationCountsOnlyOnceWhatItConfirmsIsStored) {
    ASSERT_TRUE(change({kWebToDb}, 1h));  // 3
    disk.full_from_now_on(true);
    ASSERT_TRUE(controller->open_safety(1min, "CHG-7", kAna));  // 4, owed
    ASSERT_TRUE(controller->close_safety(kAna));                // 5, owed in its place
    now.boot += 1s;
    EXPECT_FALSE(controller->confirm(kAna, now.boot));
    disk.full_from_now_on(false);
    ASSERT_TRUE(controller->confirm(kAna, now.boot));
    start();
    EXPECT_TRUE(is_there("web-to-db"));
    EXPECT_EQ(controller->generation(), Generation{5});
}

TEST_F(Owed, AStartThatTakesBackOnAFullDiskOwesItToo) {
    ASSERT_TRUE(change({kWebToDb}, 60s));  // 3
    stop();
    disk.full_from_now_on(true);
    start();
    EXPECT_FALSE(is_there("web-to-db"));
    EXPECT_FALSE(change({kStagedClosed}));
    disk.full_from_now_on(false);
    EXPECT_TRUE(change({kStagedClosed}));
    EXPECT_FALSE(is_there("web-to-db"));
    start();
    EXPECT_FALSE(is_there("web-to-db"));
}

TEST_F(Owed, ASafetyWhoseTimeEndsWhileTheApplianceIsDownLeavesATrail) {
    ASSERT_TRUE(controller->open_safety(15min, "CHG-7", kAna));
    stop();
    now.boot += 1h;
    now.wall += 1h;
    start();
    EXPECT_EQ(controller->in_force()->enforcement(), ruleset::Enforcement::kEnforce);
    const auto trail = store->audit(1);
    ASSERT_EQ(trail->size(), 1U);
    EXPECT_EQ(trail->front().verb, "safety-close");
    EXPECT_THAT(trail->front().words, HasSubstr("while the appliance was down"));
}

TEST_F(Owed, AWayBackByHandIsRecordedWholeAndUnderItsAuthor) {
    ASSERT_TRUE(change({kWebToDb}, 60s));  // 3
    const auto back = controller->rollback(Generation{2}, kAna, {.comment = "CHG-8"});
    ASSERT_TRUE(back) << back.error().text();
    const auto record = store->generation(Generation{4});
    ASSERT_TRUE(record);
    EXPECT_EQ(record->verb, "revert");
    EXPECT_EQ(record->author.pid, kAna.pid);
    EXPECT_THAT(record->comment, HasSubstr("CHG-8"));
    ASSERT_EQ(record->changes.size(), 1U);
    EXPECT_EQ(record->changes.front().outcome, "deleted");
    EXPECT_EQ(store->generation(Generation{3})->fate, store::Fate::kReverted);
}

}  // namespace
}  // namespace drywall::control
