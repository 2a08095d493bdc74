// The file under everything that is kept: transactions, values, and what is said when the disk does not play along.
#include "drywall/store/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.h"

namespace drywall::store {
namespace {

using drywall::test::TemporaryFolder;
using testing::HasSubstr;

Database opened(const std::filesystem::path& file, const OpenOptions& options = {}) {
    Result<Database> database = Database::open(file, options);
    if (!database) {
        ADD_FAILURE() << database.error().text();
        std::abort();
    }
    return *std::move(database);
}

std::int64_t count(Database& database) {
    Result<Statement> statement = database.prepare("SELECT count(*) FROM t");
    return statement && *statement->step() ? statement->integer(0) : -1;
}

TEST(Database, ReadsBackWhatWasBound) {
    const TemporaryFolder folder;
    Database database = opened(folder.path() / "a.db");
    ASSERT_TRUE(database.execute("CREATE TABLE t (i, s, b, n)"));
    Result<Statement> insert = database.prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
    ASSERT_TRUE(insert) << insert.error().text();
    const std::string bytes("a\0b", 3);
    insert->bind(1, std::int64_t{-7}).bind(2, "caf\xc3\xa9").bind(3, std::as_bytes(std::span(bytes)));
    insert->bind(4, std::optional<std::int64_t>());
    ASSERT_TRUE(insert->run());
    Result<Statement> row = database.prepare("SELECT * FROM t");
    ASSERT_TRUE(*row->step());
    EXPECT_EQ(row->integer(0), -7);
    EXPECT_EQ(row->text(1), "caf\xc3\xa9");
    EXPECT_EQ(row->bytes(2).size(), 3U);
    EXPECT_TRUE(row->is_null(3));
    EXPECT_EQ(row->text(3), "");
    EXPECT_FALSE(*row->step());
}

TEST(Database, ATransactionThatIsNotCommittedNeverWas) {
    const TemporaryFolder folder;
    Database database = opened(folder.path() / "a.db");
    ASSERT_TRUE(database.execute("CREATE TABLE t (i)"));
    {
        const Result<Transaction> transaction = database.begin();
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(database.execute("INSERT INTO t VALUES (1)"));
    }
    EXPECT_EQ(count(database), 0);
    Result<Transaction> transaction = database.begin();
    ASSERT_TRUE(database.execute("INSERT INTO t VALUES (1)"));
    ASSERT_TRUE(transaction->commit());
    EXPECT_EQ(count(database), 1);
}

TEST(Database, AnExclusiveFileIsNotSharedAndTheErrorSaysSo) {
    const TemporaryFolder folder;
    Database first = opened(folder.path() / "a.db", {.exclusive = true});
    ASSERT_TRUE(first.execute("CREATE TABLE t (i)"));
    const auto second = Database::open(folder.path() / "a.db", {.exclusive = true});
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().text(), HasSubstr("a.db: database is locked"));
    EXPECT_THAT(second.error().text(), HasSubstr("another process has it open"));
}

TEST(Database, WhatIsNoDatabaseIsSaidWhenItIsOpened) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "a.db") << std::string(8192, 'x');
    const auto broken = Database::open(folder.path() / "a.db");
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(broken.error().text(), HasSubstr("a.db: file is not a database"));
}

TEST(Database, AMissingFolderIsNamedWithTheNextStep) {
    const auto missing = Database::open("/nowhere/at all/a.db");
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().text(), HasSubstr("look whether /nowhere/at all exists"));
}

TEST(Database, AnImageIsOneFileThatOpensByItself) {
    const TemporaryFolder folder;
    Database database = opened(folder.path() / "a.db");
    ASSERT_TRUE(database.execute("CREATE TABLE t (i); INSERT INTO t VALUES (1), (2)"));
    ASSERT_TRUE(database.set_schema_version(3));
    const auto image = database.image();
    ASSERT_TRUE(image) << image.error().text();
    const auto file = folder.path() / "copy #1.db";
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(image->data()), static_cast<std::streamsize>(image->size()));
    Database copy = opened(file, {.read_only = true});
    EXPECT_EQ(count(copy), 2);
    EXPECT_EQ(*copy.schema_version(), 3);
    EXPECT_TRUE(copy.check_integrity());
    EXPECT_FALSE(std::filesystem::exists(file.string() + "-wal"));
    EXPECT_THAT(copy.execute("DELETE FROM t").error().text(), HasSubstr("attempt to write a readonly database"));
}

}  // namespace
}  // namespace drywall::store
