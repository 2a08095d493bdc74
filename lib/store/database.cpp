#include "drywall/store/database.h"

#include <sqlite3.h>

namespace drywall::store {

namespace {

constexpr int kBusyMilliseconds = 2000;

std::string folder_of(const std::string& file) {
    const std::string folder = std::filesystem::path(file).parent_path().string();
    return folder.empty() ? "." : folder;
}

// What SQLite's code means for the one who has to mend it.
std::string next_step(int code, const std::string& file) {
    switch (code & 0xff) {
        case SQLITE_FULL: return "free space in " + folder_of(file) + ", then try again";
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return "make " + folder_of(file) + " and the files in it writable for the user that drywalld runs as";
        case SQLITE_CANTOPEN:
            return "look whether " + folder_of(file) + " exists and may be used by the user that drywalld runs as";
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return "another process has it open: end it, or give this one a state directory of its own";
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return "put a file that `drywall backup` wrote in its place";
        case SQLITE_IOERR: return "look at the disk under " + folder_of(file) + " (the kernel's log says more)";
        default: return {};
    }
}

Error failed(int code, const std::string& words, const std::string& file) {
    const bool taken = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
    return Error::of(taken ? ErrorKind::kConflict : ErrorKind::kUnavailable, file + ": " + words,
                     next_step(code, file));
}

Error failed(sqlite3* handle, const std::string& file) {
    return failed(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle), file);
}

std::string uri_of(const std::string& file, const OpenOptions& options) {
    std::string uri = "file:";
    constexpr std::string_view kHex = "0123456789abcdef";
    for (const char c : file) {
        const auto byte = static_cast<unsigned char>(c);
        if (c != '?' && c != '#' && c != '%' && byte > ' ') {
            uri += c;
        } else {
            uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    // Without a journal beside it the file is complete in itself, and may lie where nothing can be written.
    std::error_code ignored;
    if (options.read_only && !std::filesystem::exists(file + "-wal", ignored)) uri += "?immutable=1";
    return uri;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Statement& Statement::bind(int parameter, std::int64_t value) {
    note(sqlite3_bind_int64(statement_.get(), parameter, value));
    return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
    note(sqlite3_bind_text64(statement_.get(), parameter, text.empty() ? "" : text.data(), text.size(),
                             SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind(int parameter, std::span<const std::byte> bytes) {
    note(bytes.empty()
             ? sqlite3_bind_zeroblob(statement_.get(), parameter, 0)
             : sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::bind_null(int parameter) {
    note(sqlite3_bind_null(statement_.get(), parameter));
    return *this;
}

Result<bool> Statement::step() {
    if (bound_ != SQLITE_OK) return failed(std::exchange(bound_, SQLITE_OK), "a value can't be bound", file_);
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    Result<bool> result = false;
    if (code != SQLITE_DONE) result = failed(sqlite3_db_handle(statement_.get()), file_);
    reset();
    return result;
}

Status Statement::run() {
    while (true) {
        const Result<bool> row = step();
        if (!row) return row.error();
        if (!*row) return Done{};
    }
}

void Statement::reset() noexcept { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const noexcept { return sqlite3_column_int64(statement_.get(), column); }
bool Statement::is_null(int column) const noexcept {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string_view Statement::text(int column) const noexcept {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    if (text == nullptr) return {};
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::byte> Statement::bytes(int column) const noexcept {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Transaction::~Transaction() {
    // A rollback that fails was already one: SQLite ends the transaction itself on errors of the disk. Nobody is told,
    // and no words are made of it: there may be no memory for them.
    if (database_ != nullptr) (void)sqlite3_exec(database_->handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Status Transaction::commit() {
    Status committed = database_->execute("COMMIT");
    if (committed) database_ = nullptr;
    return committed;
}

void Database::Close::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }

Result<Database> Database::open(const std::filesystem::path& file, const OpenOptions& options) {
    const std::string name = file.string();
    const int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(uri_of(name, options).c_str(), &raw, flags,
                                       options.vfs.empty() ? nullptr : options.vfs.c_str());
    std::unique_ptr<sqlite3, Close> handle(raw);
    if (handle == nullptr) return failed(SQLITE_NOMEM, "out of memory", name);
    if (opened != SQLITE_OK) return failed(handle.get(), name);
    // SQLite opens what can't be written for reading, unasked.
    if (!options.read_only && sqlite3_db_readonly(handle.get(), "main") == 1)
        return failed(SQLITE_READONLY, "the file can't be written", name);
    sqlite3_busy_timeout(handle.get(), options.exclusive ? 0 : kBusyMilliseconds);

    Database database(std::move(handle), name);
    // Before anything reads the file: an exclusive lock taken then also spares the shared memory file.
    if (options.exclusive)
        if (Status done = database.execute("PRAGMA locking_mode = EXCLUSIVE"); !done) return done.error();
    if (!options.read_only)
        if (Status done = database.execute("PRAGMA journal_mode = WAL"); !done) return done.error();
    const bool full = options.durability == Durability::kFull;
    if (Status done = database.execute(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"); !done)
        return done.error();
    // Changes are rare and small: a short journal is brought home by the next start in no time.
    if (full)
        if (Status done = database.execute("PRAGMA wal_autocheckpoint = 200"); !done) return done.error();
    if (Status done = database.execute("PRAGMA foreign_keys = ON"); !done) return done.error();
    // Corrupt files, and those that are none, say so here and not at the first question.
    if (Status done = database.execute("SELECT count(*) FROM sqlite_schema"); !done) return done.error();
    return database;
}

Status Database::execute(const char* sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return Done{};
    return failed(handle_.get(), file_);
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw,
                           nullptr) != SQLITE_OK)
        return failed(handle_.get(), file_);
    std::unique_ptr<sqlite3_stmt, Statement::Finalize> owned(raw);  // the copy of a name may find no memory
    std::string name = file_;
    return Statement(owned.release(), std::move(name));
}

// A layer under SQLite that can't tell says no.
bool Database::has_moved() const noexcept {
    int moved = 0;
    return ::sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

Result<Transaction> Database::begin() {
    if (has_moved())
        return Error::of(ErrorKind::kUnavailable,
                         file_ + " was removed or replaced since it was opened: what is written now would be lost",
                         "put it back in its place, or save what is open with `drywall backup` and restart drywalld");
    if (Status begun = execute("BEGIN IMMEDIATE"); !begun) return begun.error();
    return Transaction(*this);
}

Result<std::int64_t> Database::schema_version() {
    Result<Statement> asked = prepare("PRAGMA user_version");
    if (!asked) return asked.error();
    const Result<bool> row = asked->step();
    if (!row) return row.error();
    return asked->integer(0);
}

Status Database::set_schema_version(std::int64_t version) {
    return execute(("PRAGMA user_version = " + std::to_string(version)).c_str());
}

Status Database::check_integrity() {
    Result<Statement> check = prepare("PRAGMA integrity_check(1)");
    if (!check) return check.error();
    const Result<bool> row = check->step();
    if (!row) return row.error();
    if (const std::string_view said = check->text(0); said != "ok")
        return failed(SQLITE_CORRUPT, "the file is damaged: " + std::string(said), file_);
    return Done{};
}

Result<std::vector<std::byte>> Database::image() {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(":memory:", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    const std::unique_ptr<sqlite3, Close> copy(raw);
    if (opened != SQLITE_OK) return failed(SQLITE_NOMEM, "out of memory", file_);
    sqlite3_backup* backup = sqlite3_backup_init(copy.get(), "main", handle_.get(), "main");
    if (backup == nullptr) return failed(copy.get(), file_);
    const int stepped = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    if (stepped != SQLITE_DONE) return failed(stepped, sqlite3_errstr(stepped), file_);
    sqlite3_int64 size = 0;
    unsigned char* bytes = sqlite3_serialize(copy.get(), "main", &size, 0);
    if (bytes == nullptr) return failed(SQLITE_NOMEM, "out of memory", file_);
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    std::vector<std::byte> image(first, first + size);
    sqlite3_free(bytes);
    // Not in WAL mode, which wants a journal beside the file (bytes 18 and 19: write and read version).
    if (image.size() > 19) image[18] = image[19] = std::byte{1};
    return image;
}

std::int64_t Database::last_insert_id() const noexcept { return sqlite3_last_insert_rowid(handle_.get()); }
std::int64_t Database::changed_rows() const noexcept { return sqlite3_changes64(handle_.get()); }

}  // namespace drywall::store
