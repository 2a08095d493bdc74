// What is kept of generations, how they come back, and what is forgotten.
#include "drywall/store/generation_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "drywall/loader/resources.h"
#include "site_texts.h"
#include "temporary_folder.h"

namespace drywall::store {
namespace {

using drywall::test::kEndpoints;
using drywall::test::kStagedClosed;
using drywall::test::kWebToDb;
using drywall::test::TemporaryFolder;
using drywall::test::with;
using testing::HasSubstr;

constexpr Generation generation(std::uint64_t number) { return static_cast<Generation>(number); }

policy::Inventory inventory_with(const std::vector<std::string>& texts) {
    policy::Inventory inventory = policy::initial_inventory();
    for (const std::string& text : texts) {
        auto loaded = loader::load_resources({"test.yaml", text});
        for (policy::Resource& resource : *loaded) {
            const policy::ResourceId id = policy::id_of(resource);
            inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
        }
    }
    return inventory;
}

std::string texts_of(const policy::Inventory& inventory) {
    std::string out;
    for (const auto& [id, resource] : inventory) out += "---\n" + loader::to_yaml(*resource);
    return out;
}

GenerationRecord made(std::uint64_t number, std::string comment = {}) {
    GenerationRecord record;
    record.number = generation(number);
    record.before = generation(number - 1);
    record.made = std::chrono::system_clock::time_point(std::chrono::seconds(1'000'000 + number));
    record.verb = "apply";
    record.author = {4711, 1000, 1000, "ana"};
    record.comment = std::move(comment);
    record.changes = {{{policy::Kind::kGlobalNetworkPolicy, {}, "web-to-db"}, "created"}};
    return record;
}

struct Kept : testing::Test {
    void SetUp() override { open(); }
    void open() {
        store.reset();
        Result<std::unique_ptr<GenerationStore>> opened = GenerationStore::open(settings);
        ASSERT_TRUE(opened) << opened.error().text();
        store = *std::move(opened);
        ASSERT_EQ(store->health().state, StoreHealth::State::kOk) << store->health().words;
    }
    std::string texts(std::uint64_t number) {
        const auto content = store->content(generation(number));
        return content ? texts_of(*content) : content.error().text();
    }

    TemporaryFolder folder;
    StoreSettings settings{.directory = folder.path() / "made" / "by it", .generations = 4, .audit_entries = 5};
    std::unique_ptr<GenerationStore> store;
};

TEST_F(Kept, ANewStoreHoldsNothing) {
    EXPECT_FALSE(*store->in_force());
    EXPECT_EQ(store->last_number(), Generation{});
    EXPECT_TRUE(store->history(10)->empty());
    EXPECT_EQ(store->content(generation(1)).error().kind, ErrorKind::kNotFound);
}

TEST_F(Kept, AGenerationComesBackAfterARestartWithItsResourcesAndItsAuthor) {
    const policy::Inventory inventory = inventory_with({kEndpoints, kWebToDb, kStagedClosed});
    ASSERT_TRUE(store->record(made(7, "CHG-1"), inventory));
    open();
    const auto record = store->in_force();
    ASSERT_TRUE(record && *record);
    EXPECT_EQ((*record)->number, generation(7));
    EXPECT_EQ((*record)->author, (Author{4711, 1000, 1000, "ana"}));
    EXPECT_EQ((*record)->comment, "CHG-1");
    EXPECT_EQ((*record)->made, made(7).made);
    EXPECT_EQ((*record)->changes, made(7).changes);
    EXPECT_EQ((*record)->resources, inventory.size());
    EXPECT_EQ(store->last_number(), generation(7));
    EXPECT_EQ(texts(7), texts_of(inventory));
}

TEST_F(Kept, EveryGenerationKeepsItsOwnContent) {
    const std::vector<policy::Inventory> steps{
        inventory_with({kEndpoints}), inventory_with({kEndpoints, kWebToDb}),
        inventory_with({kEndpoints, with(kWebToDb, "8080", "9090"), kStagedClosed}), inventory_with({kWebToDb})};
    for (std::size_t i = 0; i < steps.size(); ++i) ASSERT_TRUE(store->record(made(i + 1), steps[i]));
    open();
    for (std::size_t i = 0; i < steps.size(); ++i) EXPECT_EQ(texts(i + 1), texts_of(steps[i])) << i + 1;
    // The second and a fifth that is the same again have one hash.
    ASSERT_TRUE(store->record(made(5), steps[1]));
    EXPECT_EQ(texts(5), texts_of(steps[1]));
    EXPECT_EQ(store->generation(generation(5))->content_hash, store->generation(generation(2))->content_hash);
    EXPECT_NE(store->generation(generation(5))->content_hash, store->generation(generation(3))->content_hash);
}

TEST_F(Kept, OldGenerationsAreForgottenButNeverWhatIsInForceOrPending) {
    ASSERT_TRUE(store->record(made(1), inventory_with({kWebToDb})));
    ASSERT_TRUE(store->record(made(2), inventory_with({with(kWebToDb, "8080", "1")}),
                              PendingConfirmation{generation(2), generation(1), "until noon"}));
    ASSERT_TRUE(store->put_back(generation(1), Fate::kWithdrawn, {}));
    for (std::uint64_t number = 3; number <= 12; ++number)
        ASSERT_TRUE(store->record(made(number), inventory_with({with(kWebToDb, "8080", std::to_string(number))})));
    std::vector<std::uint64_t> kept;
    const auto history = store->history(100);
    for (const GenerationRecord& record : *history) kept.push_back(index(record.number));
    EXPECT_THAT(kept, testing::ElementsAre(12, 11, 10, 9));
    EXPECT_THAT(texts(9), HasSubstr("- 9\n"));
    EXPECT_EQ(store->size()->generations, 4U);
    EXPECT_EQ(store->size()->oldest, generation(9));
    EXPECT_EQ(store->audit(100)->size(), 5U);
}

TEST_F(Kept, NothingIsAnsweredAsStoredOnceTheFileIsGone) {
    ASSERT_TRUE(store->record(made(1), inventory_with({kEndpoints})));
    const std::filesystem::path away = store->file().string() + ".away";
    std::filesystem::rename(store->file(), away);
    const Status refused = store->record(made(2), inventory_with({kWebToDb}));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(), HasSubstr("was removed or replaced"));
    EXPECT_EQ(store->health().state, StoreHealth::State::kFailing);
    std::filesystem::rename(away, store->file());
    EXPECT_TRUE(store->record(made(2), inventory_with({kWebToDb})));
    EXPECT_EQ(store->health().state, StoreHealth::State::kOk);
}

TEST_F(Kept, OnlyAGenerationThatIsKeptIsPutBack) {
    ASSERT_TRUE(store->record(made(1), inventory_with({kEndpoints})));
    ASSERT_TRUE(store->record(made(3), inventory_with({kWebToDb})));
    const Status gone = store->put_back(generation(2), Fate::kWithdrawn, {.verb = "apply", .outcome = "withdrawn"});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().kind, ErrorKind::kNotFound);
    open();
    EXPECT_EQ((*store->in_force())->number, generation(3));
    EXPECT_EQ(store->history(1)->front().fate, Fate::kApplied);
}

TEST_F(Kept, WhatWasWithdrawnStaysInTheHistoryAndTheFormerOneIsInForce) {
    ASSERT_TRUE(store->record(made(1), inventory_with({kEndpoints})));
    ASSERT_TRUE(store->record(made(2), inventory_with({kWebToDb})));
    ASSERT_TRUE(store->put_back(generation(1), Fate::kWithdrawn, {.verb = "apply", .outcome = "withdrawn"}));
    open();
    EXPECT_EQ((*store->in_force())->number, generation(1));
    EXPECT_EQ(store->last_number(), generation(2)) << "its number is used up";
    EXPECT_EQ(store->history(1)->front().fate, Fate::kWithdrawn);
    ASSERT_TRUE(store->record(made(3), inventory_with({kEndpoints, kStagedClosed})));
    EXPECT_EQ(texts(3), texts_of(inventory_with({kEndpoints, kStagedClosed})));
    EXPECT_EQ(texts(2), texts_of(inventory_with({kWebToDb})));
}

TEST_F(Kept, APendingConfirmationIsStoredWithItsGenerationAndEndsWithTheNextOrWithAConfirmation) {
    const PendingConfirmation pending{generation(2), generation(1), "until noon"};
    ASSERT_TRUE(store->record(made(1), inventory_with({kEndpoints})));
    EXPECT_FALSE(*store->pending());
    ASSERT_TRUE(store->record(made(2), inventory_with({kWebToDb}), pending));
    open();
    EXPECT_EQ(*store->pending(), pending);
    ASSERT_TRUE(store->confirm({.verb = "confirm", .outcome = "confirmed"}));
    EXPECT_FALSE(*store->pending());
    EXPECT_EQ(store->audit(1)->front().verb, "confirm");

    GenerationRecord again = made(4);
    again.takes_back = generation(3);
    ASSERT_TRUE(
        store->record(made(3), inventory_with({kEndpoints}), PendingConfirmation{generation(3), generation(2), ""}));
    ASSERT_TRUE(store->record(again, inventory_with({kWebToDb})));
    EXPECT_FALSE(*store->pending());
    EXPECT_EQ(store->generation(generation(3))->fate, Fate::kReverted);
}

TEST_F(Kept, TheAuditTrailKeepsWhatWasRefusedToo) {
    ASSERT_TRUE(store->record(made(1), inventory_with({kEndpoints})));
    AuditEntry refused{.author = {1, 2, 3, "bo"}, .verb = "apply", .comment = "oops", .outcome = "failed"};
    refused.before = refused.after = generation(1);
    refused.words = "p.yaml:3: no";
    ASSERT_TRUE(store->note(refused));
    const auto trail = store->audit(10);
    ASSERT_EQ(trail->size(), 2U);
    EXPECT_EQ(trail->front().words, "p.yaml:3: no");
    EXPECT_EQ(trail->front().author, refused.author);
    EXPECT_EQ(trail->back().outcome, "applied");
    EXPECT_EQ(store->audit(10, trail->front().id)->size(), 1U) << "from there on backwards";
}

TEST_F(Kept, TextsAreRememberedUnderTheirNames) {
    ASSERT_TRUE(store->remember("safety", "open"));
    ASSERT_TRUE(store->remember("safety", "wide open"));
    open();
    EXPECT_EQ(*store->recall("safety"), "wide open");
    ASSERT_TRUE(store->forget("safety"));
    EXPECT_EQ(*store->recall("safety"), std::nullopt);
}

TEST_F(Kept, ABackupIsTheWholeStoreInOneFile) {
    ASSERT_TRUE(store->record(made(1), inventory_with({kEndpoints, kWebToDb})));
    const auto image = store->backup();
    ASSERT_TRUE(image) << image.error().text();
    const auto file = folder.path() / "backup";
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(image->data()), static_cast<std::streamsize>(image->size()));
    const auto read = GenerationStore::open_backup(file);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(texts_of(*(*read)->content(generation(1))), texts(1));

    std::ofstream(file, std::ios::trunc) << "";
    EXPECT_THAT(GenerationStore::open_backup(file).error().text(), HasSubstr("is not a backup of drywalld's state"));
}

TEST_F(Kept, ASecondApplianceIsRefused) {
    const auto second = GenerationStore::open(settings);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().text(), HasSubstr("state.db: database is locked"));
}

TEST_F(Kept, AStoreOfANewerVersionIsNotTouched) {
    store.reset();
    {
        Result<Database> database = Database::open(settings.directory / "state.db");
        ASSERT_TRUE(database->set_schema_version(GenerationStore::kSchema + 1));
    }
    EXPECT_THAT(GenerationStore::open(settings).error().text(), HasSubstr("was written by a newer drywalld (schema 2"));
}

TEST_F(Kept, DamageIsFoundAtTheStartAndNeverLoaded) {
    ASSERT_TRUE(store->record(made(1), inventory_with({kEndpoints, kWebToDb})));
    store.reset();
    const std::string file = settings.directory / "state.db";
    {
        Result<Database> database = Database::open(file);
        ASSERT_TRUE(database->execute("UPDATE document SET text = replace(text, '8080', '8081')"));
    }
    open();  // SQLite sees nothing wrong with that
    EXPECT_THAT(texts(1), HasSubstr("the file is damaged: the resource 'web-to-db' is not what was written"));
    {
        store.reset();
        Result<Database> database = Database::open(file);
        ASSERT_TRUE(
            database->execute("UPDATE document SET text = replace(text, '8081', '8080'); "
                              "DELETE FROM version WHERE name = 'web-to-db'"));
    }
    open();
    EXPECT_THAT(texts(1), HasSubstr("the file is damaged: generation 1 is not what was written"));
    store.reset();
    std::filesystem::resize_file(file, 6000);
    const auto cut = GenerationStore::open(settings);
    ASSERT_FALSE(cut);
    EXPECT_THAT(cut.error().text(), HasSubstr("put a file that `drywall backup` wrote in its place"));
}

TEST(Store, WhereNothingCanBeWrittenNothingIsKeptAndItSaysSo) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "no-folder") << "a file";
    const auto store = GenerationStore::open({.directory = folder.path() / "no-folder"});
    ASSERT_TRUE(store);
    EXPECT_EQ((*store)->health().state, StoreHealth::State::kAbsent);
    EXPECT_THAT((*store)->health().words, HasSubstr("unable to open database file"));
    EXPECT_FALSE(*(*store)->in_force());
    EXPECT_FALSE((*store)->record(made(1), inventory_with({kEndpoints})));
    // Somebody mends it.
    std::filesystem::remove(folder.path() / "no-folder");
    EXPECT_TRUE((*store)->record(made(2), inventory_with({kEndpoints})));
    EXPECT_EQ((*store)->health().state, StoreHealth::State::kOk);
    EXPECT_EQ((*(*store)->in_force())->number, generation(2));
}

TEST(Store, AGenerationCostsWhatItChangesAndNotWhatThereIs) {
    const TemporaryFolder folder;
    const auto store = GenerationStore::open({.directory = folder.path()});
    policy::Inventory inventory = policy::initial_inventory();
    const auto put = [&](const std::string& name, int port) {
        auto loaded =
            loader::load_resources({"t", with(with(kWebToDb, "web-to-db", name), "8080", std::to_string(port))});
        const policy::ResourceId id = policy::id_of(loaded->front());
        inventory[id] = std::make_shared<const policy::Resource>(std::move(loaded->front()));
    };
    for (int i = 0; i < 1000; ++i) put("p" + std::to_string(i), 80);
    ASSERT_TRUE((*store)->record(made(1), inventory));
    const std::size_t first = (*store)->size()->bytes;
    for (int i = 2; i <= 100; ++i) {
        put("p7", i);
        ASSERT_TRUE((*store)->record(made(static_cast<std::uint64_t>(i)), inventory));
    }
    EXPECT_LT((*store)->size()->bytes, first + std::size_t{100} * 1024);
}

}  // namespace
}  // namespace drywall::store
