// Database: one SQLite file, its prepared statements and its transactions. The only way to SQLite in this house.
//
// Threads: one at a time; whoever shares a Database holds a mutex. Statements die before the Database they came from.
// Failure: Result, with SQLite's own words, the file, and the next step: kConflict when somebody else has the file
// open,
//          kUnavailable for the rest. A failed write leaves the file as it was.
// Source:  https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace drywall::store {

// What a power loss may take. kFull: nothing that was committed. kNormal: the last transactions, and never the file's
// consistency.
enum class Durability : std::uint8_t { kFull, kNormal };

struct OpenOptions {
    Durability durability = Durability::kFull;
    bool read_only = false;  // not together with `exclusive`, whose lock is a writer's
    // Nobody else may have the file open, not even to read it: two appliances can't work on one state.
    bool exclusive = false;
    std::string vfs = {};  // SQLite's name of the layer under the file; empty: the operating system's
};

// One prepared statement. Parameters and columns count as SQLite counts them: parameters from 1, columns from 0.
class Statement {
public:
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view text);             // copied
    Statement& bind(int parameter, std::span<const std::byte> bytes);  // copied
    Statement& bind_null(int parameter);
    template <typename T>
    Statement& bind(int parameter, const std::optional<T>& value) {
        return value ? bind(parameter, *value) : bind_null(parameter);
    }

    // true: there is a row to read. false: there is none (any more), and the statement is ready for the next use.
    [[nodiscard]] Result<bool> step();
    // For statements that answer nothing: to their end, then ready for the next use.
    [[nodiscard]] Status run();
    // Forgets the rows that were not read. Parameters stay bound.
    void reset() noexcept;

    // Of the row that step() found; what is NULL reads as 0 or "". Views live until the next step() or reset().
    [[nodiscard]] std::int64_t integer(int column) const noexcept;
    [[nodiscard]] std::string_view text(int column) const noexcept;
    [[nodiscard]] std::span<const std::byte> bytes(int column) const noexcept;
    [[nodiscard]] bool is_null(int column) const noexcept;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    Statement(sqlite3_stmt* statement, std::string file) : statement_(statement), file_(std::move(file)) {}
    void note(int code) noexcept { bound_ = bound_ == 0 ? code : bound_; }

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    std::string file_;
    int bound_ = 0;  // the first thing that went wrong while binding
};

class Database;

// BEGIN IMMEDIATE to COMMIT; ROLLBACK if it dies before commit(). The Database stays where it is meanwhile.
class Transaction {
public:
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();

    // What was written is durable when it returns Done (as far as Durability says); otherwise nothing was written.
    [[nodiscard]] Status commit();

private:
    friend class Database;
    explicit Transaction(Database& database) noexcept : database_(&database) {}
    Database* database_;
};

class Database {
public:
    // Creates the file if it must, but not its folder. WAL mode, foreign keys on.
    [[nodiscard]] static Result<Database> open(const std::filesystem::path& file, const OpenOptions& options = {});

    // One or more statements without parameters and rows.
    [[nodiscard]] Status execute(const char* sql);
    [[nodiscard]] Result<Statement> prepare(std::string_view sql);
    // kUnavailable when the file was removed or replaced since it was opened: what is written would be nowhere.
    [[nodiscard]] Result<Transaction> begin();

    // PRAGMA user_version: which schema the file has. 0: a new file.
    [[nodiscard]] Result<std::int64_t> schema_version();
    [[nodiscard]] Status set_schema_version(std::int64_t version);

    // Reads the whole file; Done if SQLite finds nothing wrong with its structure.
    [[nodiscard]] Status check_integrity();

    // The whole database as it is at this moment, as one file without a journal (SQLite's online backup).
    [[nodiscard]] Result<std::vector<std::byte>> image();

    [[nodiscard]] std::int64_t last_insert_id() const noexcept;
    [[nodiscard]] std::int64_t changed_rows() const noexcept;  // by the last INSERT, UPDATE or DELETE
    [[nodiscard]] const std::string& file() const noexcept { return file_; }

private:
    friend class Transaction;
    struct Close {
        void operator()(sqlite3* handle) const noexcept;
    };
    [[nodiscard]] bool has_moved() const noexcept;
    Database(std::unique_ptr<sqlite3, Close> handle, std::string file)
        : handle_(std::move(handle)), file_(std::move(file)) {}

    std::unique_ptr<sqlite3, Close> handle_;
    std::string file_;
};

}  // namespace drywall::store
