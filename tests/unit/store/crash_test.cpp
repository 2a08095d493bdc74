// The promise of the store, put to the test at every operation on the disk: what was answered is there, what is there
// is whole, and it is the generation before or the one after.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "drywall/control/controller.h"
#include "drywall/store/generation_store.h"
#include "failing_disk.h"
#include "site_texts.h"
#include "temporary_folder.h"

namespace drywall::store {
namespace {

using control::Controller;
using control::Peer;
using drywall::test::TemporaryFolder;
using test::FailingDisk;

#if defined(__SANITIZE_ADDRESS__)
constexpr int kKills = 30;
constexpr int kPowerLosses = 160;
#else
constexpr int kKills = 1000;
constexpr int kPowerLosses = 320;
#endif

// The policy that generation `number` brings: its order says which.
std::string policy_of(std::uint64_t number) {
    return "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: marked}\nspec:\n  order: " +
           std::to_string(number) + "\n  selector: all()\n  ingress:\n  - action: Allow\n";
}

std::uint64_t mark_of(const policy::Inventory& inventory) {
    const auto found = inventory.find({policy::Kind::kGlobalNetworkPolicy, {}, "marked"});
    if (found == inventory.end()) return 0;
    return static_cast<std::uint64_t>(std::get<policy::Policy>(*found->second).order.value_or(0));
}

policy::Inventory inventory_of(std::uint64_t number) {
    policy::Inventory inventory = policy::initial_inventory();
    auto loaded = loader::load_resources({"test.yaml", policy_of(number)});
    const policy::ResourceId id = policy::id_of(loaded->front());
    inventory[id] = std::make_shared<const policy::Resource>(std::move(loaded->front()));
    return inventory;
}

GenerationRecord record_of(std::uint64_t number) {
    GenerationRecord record;
    record.number = static_cast<Generation>(number);
    record.before = static_cast<Generation>(number - 1);
    record.verb = "apply";
    record.changes = {{{policy::Kind::kGlobalNetworkPolicy, {}, "marked"}, number == 1 ? "created" : "configured"}};
    return record;
}

// The number in force, after a check that everything about it is whole; 0: nothing yet.
std::uint64_t whole_generation(GenerationStore& store) {
    EXPECT_EQ(store.health().state, StoreHealth::State::kOk) << store.health().words;
    const auto record = store.in_force();
    EXPECT_TRUE(record) << record.error().text();
    if (!record || !*record) return 0;
    const std::uint64_t number = index((*record)->number);
    const auto content = store.content((*record)->number);
    EXPECT_TRUE(content) << content.error().text();
    EXPECT_EQ(content ? mark_of(*content) : 0, number);
    EXPECT_EQ((*record)->changes.size(), 1U);
    EXPECT_EQ(index(store.last_number()), number);
    const auto audit = store.audit(1);
    EXPECT_TRUE(audit && audit->size() == 1U && index(audit->front().after) == number);
    return number;
}

StoreSettings in_memory() {
    // Few generations are kept, so that forgetting is a part of every change.
    return {.directory = "/dev/null/state", .generations = 3, .audit_entries = 10, .vfs = FailingDisk::kName};
}

// Writes generation after generation until the disk dies; how many were answered.
std::uint64_t record_until_death(FailingDisk& disk, std::uint64_t from, std::uint64_t operation) {
    disk.die_at(operation);
    const auto store = GenerationStore::open(in_memory());
    if (!store || (*store)->health().state != StoreHealth::State::kOk) return from;
    std::uint64_t answered = from;
    while (!disk.dead()) {
        const std::uint64_t next = answered + 1;
        if (!(*store)->record(record_of(next), inventory_of(next))) break;
        answered = next;
    }
    return answered;
}

// A disk with a few generations on it, and a journal that nobody brought home.
void prepare(FailingDisk& disk, std::uint64_t generations) {
    auto store = GenerationStore::open(in_memory());
    ASSERT_TRUE(store) << store.error().text();
    for (std::uint64_t number = 1; number <= generations; ++number)
        ASSERT_TRUE((*store)->record(record_of(number), inventory_of(number)));
    const FailingDisk::Files left = disk.copy();
    store->reset();
    disk.load(left);
}

template <typename Revive>
void die_everywhere(Revive revive, int least) {
    constexpr std::uint64_t kBefore = 4;
    FailingDisk disk;
    prepare(disk, kBefore);
    const FailingDisk::Files start = disk.copy();
    std::uint64_t operation = 0;
    for (int deaths = 0; deaths < least; ++deaths) {
        operation = operation % 160 + 1;
        disk.load(start);
        const std::uint64_t answered = record_until_death(disk, kBefore, operation);
        revive(disk);
        const auto store = GenerationStore::open(in_memory());
        ASSERT_TRUE(store) << "operation " << operation << ": " << store.error().text();
        const std::uint64_t found = whole_generation(**store);
        ASSERT_TRUE(found == answered || found == answered + 1)
            << "operation " << operation << ": " << answered << " was answered, " << found << " is there";
    }
}

TEST(StoreCrash, AProcessThatDiesAtAnyOperationLeavesTheGenerationBeforeOrTheOneAfter) {
    die_everywhere([](FailingDisk& disk) { disk.revive_after_kill(); }, 160);
}

TEST(StoreCrash, ALostPowerSupplyTakesNothingThatWasAnswered) {
    std::mt19937_64 dice(20261129);
    die_everywhere([&](FailingDisk& disk) { disk.revive_after_power_loss(dice); }, kPowerLosses);
}

TEST(StoreCrash, AStoreThatDiesWhileItIsMadeIsMadeByTheNextStart) {
    std::mt19937_64 dice(7);
    FailingDisk disk;
    for (std::uint64_t operation = 1; operation < 60; ++operation) {
        disk.load({});
        const std::uint64_t answered = record_until_death(disk, 0, operation);
        disk.revive_after_power_loss(dice);
        const auto store = GenerationStore::open(in_memory());
        ASSERT_TRUE(store) << "operation " << operation << ": " << store.error().text();
        const std::uint64_t found = whole_generation(**store);
        ASSERT_TRUE(found == answered || found == answered + 1) << "operation " << operation;
    }
}

TEST(StoreCrash, AFullDiskRefusesChangesUntilThereIsRoomAgain) {
    FailingDisk disk;
    auto store = GenerationStore::open(in_memory());
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->record(record_of(1), inventory_of(1)));
    disk.full_from_now_on(true);
    const Status refused = (*store)->record(record_of(2), inventory_of(2));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("database or disk is full; free space in /dev/null/state"), std::string::npos)
        << refused.error().text();
    EXPECT_EQ((*store)->health().state, StoreHealth::State::kFailing);
    EXPECT_EQ(mark_of(*(*store)->content(static_cast<Generation>(1))), 1U);
    disk.full_from_now_on(false);
    ASSERT_TRUE((*store)->record(record_of(2), inventory_of(2)));
    EXPECT_EQ(whole_generation(**store), 2U);
}

// --- real files, and processes that are really killed ---

ruleset::Surroundings two_ports() {
    ruleset::Surroundings out;
    out.port_names = {"left", "right"};
    out.peer_of = {PortId{1}, PortId{0}};
    return out;
}

// In the child: changes through the controller, each answer into the pipe, until the kill.
[[noreturn]] void change_until_killed(const StoreSettings& settings, std::uint64_t operation, int answers) {
    test::kill_at(operation);
    auto store = GenerationStore::open(settings);
    if (!store) _exit(1);
    auto controller = Controller::create(two_ports(), {}, **store, {});
    if (!controller) _exit(2);
    for (int change = 0; change < 8; ++change) {
        const std::uint64_t next = index((*controller)->generation()) + 1;
        const std::vector<loader::Source> sources{{"test.yaml", policy_of(next)}};
        const auto applied = (*controller)->apply(sources, Peer{});
        if (!applied || index(applied->after) != next) _exit(3);
        if (::write(answers, &next, sizeof next) != sizeof next) _exit(4);
    }
    raise(SIGKILL);
    _exit(5);
}

struct Killed {
    std::uint64_t answered;
    int status;
};

Killed run_and_kill(const StoreSettings& settings, std::uint64_t operation, std::uint64_t before) {
    int answers[2];
    EXPECT_EQ(::pipe(answers), 0);
    const pid_t child = ::fork();
    if (child == 0) change_until_killed(settings, operation, answers[1]);
    ::close(answers[1]);
    Killed killed{before, 0};
    std::uint64_t answered = 0;
    while (::read(answers[0], &answered, sizeof answered) == sizeof answered) killed.answered = answered;
    ::close(answers[0]);
    EXPECT_EQ(::waitpid(child, &killed.status, 0), child);
    return killed;
}

// Read from a copy: the next child has to bring the journal home itself.
std::uint64_t number_on_disk(const StoreSettings& settings, const std::filesystem::path& scratch) {
    std::filesystem::remove_all(scratch);
    std::filesystem::copy(settings.directory, scratch);
    StoreSettings copy = settings;
    copy.directory = scratch;
    copy.vfs.clear();
    const auto store = GenerationStore::open(copy);
    EXPECT_TRUE(store) << store.error().text();
    return store ? whole_generation(**store) : 0;
}

TEST(StoreCrash, AThousandKillsDuringApplyLeaveTheGenerationBeforeOrTheOneAfter) {
    const bool has_memory = std::filesystem::is_directory("/dev/shm");  // a kill takes nothing from there
    const TemporaryFolder folder(has_memory ? "/dev/shm" : std::filesystem::temp_directory_path());
    StoreSettings settings{.directory = folder.path() / "state", .generations = 20, .audit_entries = 50};
    {
        const auto store = GenerationStore::open(settings);
        ASSERT_TRUE(store) << store.error().text();
        ASSERT_TRUE((*store)->record(record_of(1), inventory_of(1)));
    }
    settings.vfs = test::kKillingLayer;
    std::uint64_t number = 1;
    for (int kills = 0; kills < kKills; ++kills) {
        const auto operation = static_cast<std::uint64_t>(kills % 61 + 1);
        const Killed killed = run_and_kill(settings, operation, number);
        ASSERT_TRUE(WIFSIGNALED(killed.status) && WTERMSIG(killed.status) == SIGKILL)
            << "operation " << operation << ": exit " << WEXITSTATUS(killed.status);
        const std::uint64_t found = number_on_disk(settings, folder.path() / "copy");
        ASSERT_TRUE(found == killed.answered || found == killed.answered + 1)
            << "operation " << operation << ": " << killed.answered << " was answered, " << found << " is there";
        number = found;
    }
    EXPECT_GT(number, static_cast<std::uint64_t>(kKills) / 4) << "the kills came before any change";
}

}  // namespace
}  // namespace drywall::store
