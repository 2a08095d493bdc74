// How a GenerationStore comes by its file.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "digest.h"
#include "drywall/store/generation_store.h"
#include "query.h"
#include "schema.h"

namespace drywall::store {

namespace {

namespace fs = std::filesystem;

constexpr auto kFolderMode = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec;

// What can't be made here is said by SQLite, which names the file too.
void make_folder(const fs::path& folder) {
    std::error_code ignored;
    if (fs::create_directories(folder, ignored)) fs::permissions(folder, kFolderMode, ignored);
}

// A place for a copy, gone with its owner.
class Scratch {
public:
    Scratch() {
        std::error_code ignored;
        std::string pattern = (fs::temp_directory_path(ignored) / "drywalld-XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
    }
    ~Scratch() {
        std::error_code ignored;
        if (!folder_.empty()) fs::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    // FILE and the journal beside it.
    [[nodiscard]] Result<fs::path> copy_of(const fs::path& file) const {
        std::error_code error = folder_.empty() ? std::error_code(errno, std::generic_category()) : std::error_code();
        const fs::path copy = folder_ / file.filename();
        if (!error) fs::copy_file(file, copy, error);
        if (std::error_code ignored; !error && fs::exists(file.string() + "-wal", ignored))
            fs::copy_file(file.string() + "-wal", copy.string() + "-wal", error);
        if (!error) return copy;
        return Error::of(ErrorKind::kUnavailable, file.string() + " can't be read: " + error.message(),
                         "make it readable for the user that drywalld runs as");
    }

private:
    fs::path folder_;
};

Error newer(const Database& database, std::int64_t schema) {
    return Error::of(ErrorKind::kRefused,
                     database.file() + " was written by a newer drywalld (schema " + std::to_string(schema) +
                         "; this one knows " + std::to_string(GenerationStore::kSchema) + ")",
                     "run that one, or put a backup of this version in the file's place");
}

Status make_tables(Database& database) {
    Result<Transaction> transaction = database.begin();
    if (!transaction) return transaction.error();
    if (Status made = database.execute(kSchemaText); !made) return made;
    if (Status set = database.set_schema_version(GenerationStore::kSchema); !set) return set;
    return transaction->commit();
}

}  // namespace

GenerationStore::GenerationStore(StoreSettings settings)
    : settings_(std::move(settings)), file_(settings_.directory / kFile) {}

Result<std::unique_ptr<GenerationStore>> GenerationStore::open(const StoreSettings& settings) {
    std::unique_ptr<GenerationStore> store(new GenerationStore(settings));
    std::error_code ignored;
    const bool there = fs::exists(store->file_, ignored);
    make_folder(settings.directory);
    const Status opened = store->open_file();
    if (opened) return store;
    if (opened.error().kind == ErrorKind::kConflict || opened.error().kind == ErrorKind::kRefused)
        return opened.error();
    if (!there) {
        store->health_ = {StoreHealth::State::kAbsent, opened.error().text(), std::chrono::system_clock::now()};
        return store;
    }
    // A damaged file stays damaged when it is copied: then the first error is the one to tell.
    if (!store->open_copy()) return opened.error();
    store->health_ = {StoreHealth::State::kReadOnly, opened.error().text(), std::chrono::system_clock::now()};
    return store;
}

Result<std::unique_ptr<GenerationStore>> GenerationStore::open_backup(const fs::path& file) {
    std::unique_ptr<GenerationStore> store(new GenerationStore({}));
    store->file_ = file;
    Result<Database> database = Database::open(file, {.read_only = true});
    if (!database) return database.error();
    if (const auto schema = database->schema_version(); schema && *schema == 0)
        return Error::of(ErrorKind::kInvalid, file.string() + " is not a backup of drywalld's state",
                         "name a file that `drywall backup` wrote");
    if (Status adopted = store->adopt(*std::move(database)); !adopted) return adopted.error();
    store->health_.state = StoreHealth::State::kReadOnly;
    return store;
}

Status GenerationStore::open_file() {
    Result<Database> database = Database::open(file_, {.exclusive = true, .vfs = settings_.vfs});
    if (!database) return database.error();
    return adopt(*std::move(database));
}

Status GenerationStore::open_copy() {
    const Scratch scratch;
    Result<fs::path> copy = scratch.copy_of(file_);
    if (!copy) return copy.error();
    Result<Database> database = Database::open(*copy, {.exclusive = true});
    if (!database) return database.error();
    return adopt(*std::move(database));  // what is open lives on without a name
}

// Nothing of the object changes unless all is well.
Status GenerationStore::adopt(Database database) {
    if (Status sound = database.check_integrity(); !sound) return sound;
    const Result<std::int64_t> schema = database.schema_version();
    if (!schema) return schema.error();
    if (*schema > kSchema) return newer(database, *schema);
    if (*schema == 0)
        if (Status made = make_tables(database); !made) return made;
    std::optional<Database> former = std::exchange(database_, std::move(database));
    Status read = read_tip();
    if (!read) database_ = std::move(former);
    return read;
}

// After a start without a file that could be written: perhaps it can be now. It must be the one that was read then.
Status GenerationStore::reopen() {
    if (database_ && health_.state != StoreHealth::State::kReadOnly) return Done{};
    make_folder(settings_.directory);
    const Generation known = last_number_;
    if (Status opened = open_file(); !opened) return opened;
    if (last_number_ == known) {
        health_.state = StoreHealth::State::kFailing;  // until the write that wanted it is done
        return Done{};
    }
    const std::string held = std::to_string(index(last_number_));
    database_.reset();
    last_number_ = known;
    tip_.clear();
    health_.state = StoreHealth::State::kAbsent;
    return Error::of(ErrorKind::kConflict, file_.string() + " appeared after the start and holds generation " + held,
                     "restart drywalld to go on from there, or move the file away");
}

Status GenerationStore::read_tip() {
    const Result<std::int64_t> last = value("last_number");
    if (!last) return last.error();
    Tip tip;
    Status read = each_row(query(*database_,
                                 "SELECT version.kind, version.namespace, version.name, document.hash FROM version "
                                 "JOIN document ON document.id = version.document WHERE version.last IS NULL"),
                           [&](const Statement& row) {
                               const auto kind = policy::kind_by_name(row.text(0));
                               Kept kept;
                               if (row.bytes(3).size() == kept.digest.size())
                                   std::memcpy(kept.digest.data(), row.bytes(3).data(), kept.digest.size());
                               if (kind) tip[{*kind, std::string(row.text(1)), std::string(row.text(2))}] = kept;
                           });
    if (!read) return read;
    tip_ = std::move(tip);
    last_number_ = static_cast<Generation>(*last);
    return Done{};
}

}  // namespace drywall::store
