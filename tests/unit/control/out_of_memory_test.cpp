// Every allocation of a change, failing in its turn: the change is refused with an error, and everything is as it was
// (inventory, generation, dataplane, store); or it is in force, whole, and only a line of a log is missing.
#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "allocations.h"
#include "drywall/store/generation_store.h"
#include "story.h"
#include "temporary_folder.h"

namespace drywall::control {
namespace {

using namespace std::chrono_literals;
using drywall::test::fail_allocations;
using drywall::test::Faults;
using drywall::test::Memory;
using drywall::test::one_of;
using drywall::test::TemporaryFolder;
using test::files;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;

constexpr Peer kAna{4711, 1000, 1000};

const std::vector<policy::ResourceId> kApplied{{policy::Kind::kGlobalNetworkPolicy, {}, "web-to-db"},
                                               {policy::Kind::kStagedGlobalNetworkPolicy, {}, "closed"}};

// What both worlds answer to some packets.
std::vector<std::pair<Verdict, Verdict>> answers(const ruleset::Ruleset& ruleset) {
    std::vector<std::pair<Verdict, Verdict>> out;
    for (const char* from : {"10.0.0.1", "10.1.0.1", "192.0.2.1"})
        for (const char* to : {"10.0.0.1", "10.1.0.1"})
            for (const std::uint16_t port : {std::uint16_t{8080}, std::uint16_t{9}}) {
                net::Tuple tuple;
                tuple.source = net::Address::parse(from)->bytes;
                tuple.destination = net::Address::parse(to)->bytes;
                tuple.protocol = net::protocol::kTcp;
                tuple.source_port = 40000;
                tuple.destination_port = port;
                const ruleset::TraceVerdict& verdict = ruleset.verdict(ruleset.classify(tuple));
                out.emplace_back(verdict.enforced, verdict.pending);
            }
    return out;
}

// An appliance with guards and time made here; with a store, when the test opens one.
class OutOfMemory : public ::testing::Test {
protected:
    OutOfMemory() {
        spdlog::set_level(spdlog::level::off);
        now.boot = 1000s;
        now.wall += 400'000h;
        now.boot_id = "an identity that is too long to be kept without memory";
        guarded_by_confirmation.confirm_within = 60s;
        guarded_by_confirmation.force = true;
    }
    ~OutOfMemory() override {
        controller.reset();
        spdlog::set_level(spdlog::level::info);
    }

    void start(bool remembering = false) {
        if (remembering) {
            auto opened = store::GenerationStore::open({.directory = folder.path() / "state"});
            ASSERT_TRUE(opened) << opened.error().text();
            store = *std::move(opened);
        }
        auto made = store ? Controller::create(test::two_ports(), {}, *store, {})
                          : Controller::create(test::two_ports(), {}, files({kEndpoints}));
        ASSERT_TRUE(made) << made.error().text();
        controller = *std::move(made);
        GuardSettings settings;
        settings.flows = &flows;
        settings.denials = &denials;
        settings.clocks = [this] { return now; };
        controller->guard_with(std::move(settings));
        controller->attach(dataplane);
        if (store) {
            ASSERT_TRUE(controller->apply(files({kEndpoints}), kAna));
        }
    }

    [[nodiscard]] Generation published() const {
        const std::vector<Generation> all = dataplane.published();
        return all.empty() ? Generation{1} : all.back();
    }

    // One answer for all who keep one. `owed`: the store may be given it with the next change only.
    void expect_everybody_agrees(bool owed = false) {
        const State state = controller->state();
        EXPECT_EQ(state.ruleset->generation(), published());
        const auto compiled = controller->compile(state.ruleset->generation(), *state.inventory);
        ASSERT_TRUE(compiled);
        EXPECT_EQ((*compiled)->enforced_image(), state.ruleset->enforced_image());
        EXPECT_EQ(answers(**compiled), answers(*state.ruleset));
        if (!store || owed) return;
        const auto kept = store->in_force();
        ASSERT_TRUE(kept && *kept);
        EXPECT_EQ((*kept)->number, state.ruleset->generation());
    }

    // Applies with each allocation failing; what got through nevertheless is undone again. Returns how many failed.
    std::uint64_t apply_with_faults(const ChangeOptions& options, Faults faults = {}) {
        const std::vector<loader::Source> sources = files({kWebToDb, kStagedClosed});
        std::uint64_t through = 0;
        State before = controller->state();
        const auto apply = [&]() -> std::optional<Result<Applied>> {
            try {
                return removing ? controller->remove(kApplied, kAna, options)
                                : controller->apply(sources, kAna, options);
            } catch (const std::bad_alloc&) {
                return std::nullopt;  // not even for an error
            }
        };
        const auto judge = [&](const std::optional<Result<Applied>>& applied, std::uint64_t nth) {
            SCOPED_TRACE("allocation " + std::to_string(nth));
            const State state = controller->state();
            if (applied && *applied) {
                ++through;
                EXPECT_EQ(state.ruleset->generation(), (*applied)->after);
                expect_everybody_agrees();
                before = undone(**applied);
                return;
            }
            if (applied) {
                EXPECT_EQ((*applied).error().kind, ErrorKind::kUnavailable) << (*applied).error().text();
            }
            EXPECT_EQ(state.ruleset, before.ruleset);
            EXPECT_EQ(state.inventory, before.inventory);
            EXPECT_EQ(published(), before.ruleset->generation());
            EXPECT_NE(controller->guard().confirmation, ConfirmationState::kArmed);
            // What could not even be taken out of the store again is the watchman's.
            if (faults.memory == Memory::kStaysAway) controller->keep_promises();
            if (store) {
                EXPECT_EQ((*store->in_force())->number, before.ruleset->generation());
            }
        };
        SCOPED_TRACE("from allocation " + std::to_string(faults.first) + ", one in " + std::to_string(faults.step));
        const std::uint64_t failed = fail_allocations(faults, apply, judge);
        RecordProperty("faults", static_cast<int>(failed));
        RecordProperty("through", static_cast<int>(through));
        EXPECT_LT(through, failed) << "some should have been told";
        EXPECT_NE(controller->state().inventory->contains(kApplied.front()), removing) << "the last one failed nowhere";
        expect_everybody_agrees();
        return failed;
    }

    State undone(const Applied& applied) {
        if (applied.waits) {
            EXPECT_EQ(controller->guard().confirmation, ConfirmationState::kArmed);
            EXPECT_TRUE(controller->rollback(applied.before, kAna));
        } else if (removing) {
            EXPECT_TRUE(controller->apply(files({kWebToDb, kStagedClosed}), kAna));
        } else {
            EXPECT_TRUE(controller->remove(kApplied, kAna));
        }
        return controller->state();
    }

    bool removing = false;  // not applying
    Moment now;
    TemporaryFolder folder;
    std::unique_ptr<store::GenerationStore> store;
    test::FakePublisher dataplane;
    observe::FlowLog flows{1024, 1024, [this] { return now.wall; }};
    DenialWatch denials{flows};
    ChangeOptions guarded_by_confirmation;
    std::unique_ptr<Controller> controller;
};

TEST_F(OutOfMemory, SomeAllocationsOfAStart) {
    const std::vector<loader::Source> sources = files({kEndpoints, kWebToDb, kStagedClosed});
    const ruleset::Surroundings surroundings = test::two_ports();
    ruleset::Surroundings spare = surroundings;  // the argument is the caller's memory
    std::uint64_t through = 0;
    const auto create = [&] { return Controller::create(std::move(spare), {}, sources); };
    const std::uint64_t failed =
        fail_allocations(one_of(11), create, [&](Result<std::unique_ptr<Controller>> made, std::uint64_t) {
            spare = surroundings;
            if (!made) {
                EXPECT_EQ(made.error().kind, ErrorKind::kUnavailable) << made.error().text();
                return;
            }
            ++through;
        });
    EXPECT_GT(failed, 50U);
    EXPECT_LT(through, failed / 10 + 2);
    RecordProperty("faults", static_cast<int>(failed));
}

TEST_F(OutOfMemory, SomeAllocationsOfAnApply) {
    start();
    EXPECT_GT(apply_with_faults({}, one_of(7)), 50U);
}

TEST_F(OutOfMemory, SomeAllocationsOfAnApplyThatWaitsToBeConfirmed) {
    start();
    EXPECT_GT(apply_with_faults(guarded_by_confirmation, one_of(7)), 50U);
}

// What is new is written to the store as YAML, made from JSON objects; those of nlohmann-json 3.11 ask for memory in
// their destructors, and end the process where there is none. A deletion writes no YAML.
TEST_F(OutOfMemory, SomeAllocationsOfADeletionThatIsStored) {
    start(true);
    ASSERT_TRUE(controller->apply(files({kWebToDb, kStagedClosed}), kAna));
    removing = true;
    EXPECT_GT(apply_with_faults({.comment = "a comment that is too long to be kept without memory"}, one_of(7)), 10U);
}

TEST_F(OutOfMemory, MemoryThatStaysAwayInTheMiddleOfADeletionThatIsStored) {
    start(true);
    ASSERT_TRUE(controller->apply(files({kWebToDb, kStagedClosed}), kAna));
    removing = true;
    EXPECT_GT(apply_with_faults({.comment = "a comment that is too long to be kept without memory"},
                                one_of(5, Memory::kStaysAway)),
              10U);
}

TEST_F(OutOfMemory, MemoryThatStaysAwayInTheMiddleOfAnApply) {
    start();
    EXPECT_GT(apply_with_faults(guarded_by_confirmation, one_of(11, Memory::kStaysAway)), 20U);
}

// The watchman tries again: whatever fails, what nobody confirmed comes back.
TEST_F(OutOfMemory, SomeAllocationsOfAChangeComingBack) {
    start(true);
    const std::vector<loader::Source> sources = files({kWebToDb});
    const std::string wanted = controller->state().ruleset->enforced_image();
    ASSERT_TRUE(controller->apply(sources, kAna, guarded_by_confirmation));
    now.boot += 61s;
    const auto watch = [&] {
        try {
            controller->keep_promises();
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    // Each round makes the log of edits longer, and its copy takes more allocations: a step of one would never end.
    const std::uint64_t failed = fail_allocations(
        {.first = std::random_device()() % 13, .step = 13}, watch, [&](bool /*done*/, std::uint64_t nth) {
            SCOPED_TRACE("allocation " + std::to_string(nth));
            now.boot += 61s;  // the longest pause before it is tried again
            controller->keep_promises();
            EXPECT_NE(controller->guard().confirmation, ConfirmationState::kArmed);
            EXPECT_EQ(controller->state().ruleset->enforced_image(), wanted);
            const auto again = controller->apply(sources, kAna, guarded_by_confirmation);
            ASSERT_TRUE(again) << again.error().text();
            expect_everybody_agrees();  // by now the store knows what it was owed
            now.boot += 61s;
        });
    EXPECT_GT(failed, 10U);
    RecordProperty("faults", static_cast<int>(failed));
    EXPECT_EQ(controller->state().ruleset->enforced_image(), wanted);
}

// Each allocation of its opening and closing: what is enforced is what was answered, and stays so.
class OutOfMemoryForTheSafety : public OutOfMemory, public ::testing::WithParamInterface<Memory> {};

TEST_P(OutOfMemoryForTheSafety, LeavesItOpenOrClosedAsItWasAnswered) {
    start(true);
    const Faults faults{.memory = GetParam()};
    ASSERT_TRUE(controller->apply(files({kWebToDb}), kAna));
    const auto enforcement = [&] { return controller->in_force()->enforcement(); };
    const std::string reason = "a reason that is too long to be kept without memory";
    const auto open = [&]() -> bool {
        try {
            return static_cast<bool>(controller->open_safety(15min, reason, kAna));
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    const auto close = [&]() -> bool {
        try {
            return static_cast<bool>(controller->close_safety(kAna));
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    const std::uint64_t opening = fail_allocations(faults, open, [&](bool opened, std::uint64_t nth) {
        SCOPED_TRACE("allocation " + std::to_string(nth));
        ASSERT_EQ(enforcement(), opened ? ruleset::Enforcement::kObserve : ruleset::Enforcement::kEnforce);
        expect_everybody_agrees(true);
        if (opened) {
            ASSERT_TRUE(close());
        }
    });
    EXPECT_GT(opening, 10U);
    const std::uint64_t closing = fail_allocations(faults, close, [&](bool closed, std::uint64_t nth) {
        SCOPED_TRACE("allocation " + std::to_string(nth));
        ASSERT_EQ(enforcement(), closed ? ruleset::Enforcement::kEnforce : ruleset::Enforcement::kObserve);
        expect_everybody_agrees(true);
        if (closed) {
            ASSERT_TRUE(open());
        }
    });
    EXPECT_GT(closing, 10U);
    EXPECT_EQ(enforcement(), ruleset::Enforcement::kEnforce);
    RecordProperty("faults", static_cast<int>(opening + closing));
}

INSTANTIATE_TEST_SUITE_P(Memory, OutOfMemoryForTheSafety, ::testing::Values(Memory::kFailsOnce, Memory::kStaysAway),
                         [](const auto& memory) { return memory.param == Memory::kFailsOnce ? "Once" : "ForGood"; });

}  // namespace
}  // namespace drywall::control
