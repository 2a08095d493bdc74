// What a GenerationStore answers.
#include <array>

#include "digest.h"
#include "drywall/loader/resources.h"
#include "drywall/store/generation_store.h"
#include "query.h"

namespace drywall::store {

namespace {

using TimePoint = std::chrono::system_clock::time_point;

TimePoint time_of(std::int64_t micros) {
    return TimePoint(std::chrono::duration_cast<TimePoint::duration>(std::chrono::microseconds(micros)));
}

Generation generation_of(std::int64_t number) { return static_cast<Generation>(number); }

Author author_of(const Statement& row, int first) {
    return {.pid = row.integer(first + 2),
            .uid = static_cast<std::uint32_t>(row.integer(first)),
            .gid = static_cast<std::uint32_t>(row.integer(first + 1)),
            .login = std::string(row.text(first + 3))};
}

constexpr std::string_view kGenerationColumns =
    "SELECT number, before, made, verb, uid, gid, pid, login, comment, enforced_changed, fate, resources, hash "
    "FROM generation ";

GenerationRecord record_of(const Statement& row) {
    GenerationRecord record;
    record.number = generation_of(row.integer(0));
    record.before = generation_of(row.integer(1));
    record.made = time_of(row.integer(2));
    record.verb = row.text(3);
    record.author = author_of(row, 4);
    record.comment = row.text(8);
    record.enforced_changed = row.integer(9) != 0;
    record.fate = static_cast<Fate>(row.integer(10));
    record.resources = static_cast<std::size_t>(row.integer(11));
    record.content_hash = hex(row.bytes(12));
    return record;
}

AuditEntry entry_of(const Statement& row) {
    AuditEntry entry;
    entry.id = row.integer(0);
    entry.at = time_of(row.integer(1));
    entry.author = author_of(row, 2);
    entry.verb = row.text(6);
    entry.comment = row.text(7);
    entry.outcome = row.text(8);
    entry.before = generation_of(row.integer(9));
    entry.after = generation_of(row.integer(10));
    entry.words = row.text(11);
    return entry;
}

Error not_kept(Generation number) {
    return Error::of(ErrorKind::kNotFound, "generation " + std::to_string(index(number)) + " is not kept",
                     "`drywall history` lists those that are");
}

Error mismatch(const std::string& file, const std::string& what) {
    return Error::of(ErrorKind::kUnavailable, file + ": the file is damaged: " + what + " is not what was written",
                     "put a file that `drywall backup` wrote in its place");
}

}  // namespace

Status GenerationStore::absent() const {
    if (database_) return Done{};
    return Error::of(ErrorKind::kUnavailable, "nothing is kept: " + health_.words);
}

Generation GenerationStore::last_number() {
    const std::scoped_lock lock(mutex_);
    return last_number_;
}

Result<std::optional<GenerationRecord>> GenerationStore::in_force() {
    const std::scoped_lock lock(mutex_);
    if (!database_) return std::optional<GenerationRecord>();
    const Result<std::int64_t> number = value("in_force");
    if (!number) return number.error();
    if (*number == 0) return std::optional<GenerationRecord>();
    Result<GenerationRecord> record = read_generation(generation_of(*number));
    if (!record) return record.error();
    return std::optional(*std::move(record));
}

Result<GenerationRecord> GenerationStore::generation(Generation number) {
    const std::scoped_lock lock(mutex_);
    if (Status there = absent(); !there) return there.error();
    return read_generation(number);
}

Result<GenerationRecord> GenerationStore::read_generation(Generation number) {
    std::optional<GenerationRecord> record;
    Status read = each_row(query(*database_, std::string(kGenerationColumns) + "WHERE number = ?", stored(number)),
                           [&](const Statement& row) { record = record_of(row); });
    if (!read) return read.error();
    if (!record) return not_kept(number);
    if (read = read_changes(*record); !read) return read.error();
    return *std::move(record);
}

Status GenerationStore::read_changes(GenerationRecord& record) {
    return each_row(
        query(*database_, "SELECT kind, namespace, name, outcome FROM change WHERE generation = ? ORDER BY position",
              stored(record.number)),
        [&](const Statement& row) {
            if (const auto kind = policy::kind_by_name(row.text(0)))
                record.changes.push_back(
                    {{*kind, std::string(row.text(1)), std::string(row.text(2))}, std::string(row.text(3))});
        });
}

Result<std::vector<GenerationRecord>> GenerationStore::history(std::size_t limit) {
    const std::scoped_lock lock(mutex_);
    if (Status there = absent(); !there) return there.error();
    std::vector<GenerationRecord> records;
    Status read = each_row(query(*database_, std::string(kGenerationColumns) + "ORDER BY number DESC LIMIT ?",
                                 static_cast<std::int64_t>(limit)),
                           [&](const Statement& row) { records.push_back(record_of(row)); });
    if (!read) return read.error();
    for (GenerationRecord& record : records)
        if (read = read_changes(record); !read) return read.error();
    return records;
}

Result<std::vector<AuditEntry>> GenerationStore::audit(std::size_t limit, std::int64_t before) {
    const std::scoped_lock lock(mutex_);
    if (Status there = absent(); !there) return there.error();
    std::vector<AuditEntry> entries;
    const Status read =
        each_row(query(*database_,
                       "SELECT id, at, uid, gid, pid, login, verb, comment, outcome, before, after, words FROM audit "
                       "WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2",
                       before, static_cast<std::int64_t>(limit)),
                 [&](const Statement& row) { entries.push_back(entry_of(row)); });
    if (!read) return read.error();
    return entries;
}

// Every text is held against its fingerprint, and all of them against the generation's.
Result<std::vector<StoredDocument>> GenerationStore::read_documents(Generation number) {
    const Result<GenerationRecord> record = read_generation(number);
    if (!record) return record.error();
    std::map<policy::ResourceId, std::string> texts;
    std::string wrong;
    const Status read =
        each_row(query(*database_,
                       "SELECT version.kind, version.namespace, version.name, document.text, document.hash FROM "
                       "version JOIN document ON document.id = version.document WHERE version.first <= ?1 AND "
                       "(version.last IS NULL OR version.last > ?1)",
                       stored(number)),
                 [&](const Statement& row) {
                     const auto kind = policy::kind_by_name(row.text(0));
                     const Digest digest = digest_of(row.text(3));
                     if (!kind || hex(digest) != hex(row.bytes(4))) wrong = row.text(2);
                     if (kind) texts[{*kind, std::string(row.text(1)), std::string(row.text(2))}] = row.text(3);
                 });
    if (!read) return read.error();
    if (!wrong.empty()) return mismatch(file_.string(), "the resource '" + wrong + "'");
    std::vector<StoredDocument> documents;
    ContentHash all;
    for (auto& [id, text] : texts) {
        all.add(id.text(), digest_of(text));
        documents.push_back({id, std::move(text)});
    }
    if (hex(all.digest()) != record->content_hash)
        return mismatch(file_.string(), "generation " + std::to_string(index(number)));
    return documents;
}

Result<std::vector<StoredDocument>> GenerationStore::documents(Generation number) {
    const std::scoped_lock lock(mutex_);
    if (Status there = absent(); !there) return there.error();
    return read_documents(number);
}

Result<policy::Inventory> GenerationStore::content(Generation number) {
    const std::scoped_lock lock(mutex_);
    if (Status there = absent(); !there) return there.error();
    const Result<std::vector<StoredDocument>> documents = read_documents(number);
    if (!documents) return documents.error();
    policy::Inventory inventory;
    for (const StoredDocument& document : *documents) {
        Result<std::vector<policy::Resource>> loaded = loader::load_resources({document.id.text(), document.text});
        if (!loaded) return loaded.error();
        if (loaded->size() != 1 || policy::id_of(loaded->front()) != document.id)
            return mismatch(file_.string(), document.id.text());
        auto resource = std::make_shared<const policy::Resource>(std::move(loaded->front()));
        // Known to be what the newest generation holds: the next one need not look at its text again.
        if (const auto kept = tip_.find(document.id);
            kept != tip_.end() && kept->second.resource == nullptr && kept->second.digest == digest_of(document.text))
            kept->second.resource = resource;
        inventory.emplace_hint(inventory.end(), document.id, std::move(resource));
    }
    return inventory;
}

Result<std::optional<PendingConfirmation>> GenerationStore::pending() {
    const std::scoped_lock lock(mutex_);
    std::optional<PendingConfirmation> pending;
    if (!database_) return pending;
    const Status read =
        each_row(query(*database_, "SELECT generation, previous, terms FROM pending"), [&](const Statement& row) {
            pending = PendingConfirmation{generation_of(row.integer(0)), generation_of(row.integer(1)),
                                          std::string(row.text(2))};
        });
    if (!read) return read.error();
    return pending;
}

Result<std::optional<std::string>> GenerationStore::recall(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    std::optional<std::string> text;
    if (!database_) return text;
    const Status read = each_row(query(*database_, "SELECT text FROM memory WHERE name = ?", name),
                                 [&](const Statement& row) { text = row.text(0); });
    if (!read) return read.error();
    return text;
}

Result<std::vector<std::byte>> GenerationStore::backup() {
    const std::scoped_lock lock(mutex_);
    if (Status there = absent(); !there) return there.error();
    return database_->image();
}

StoreHealth GenerationStore::health() {
    const std::scoped_lock lock(mutex_);
    return health_;
}

std::optional<StoreHealth> GenerationStore::health_at_once() {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return std::nullopt;
    return health_;
}

Result<StoreSize> GenerationStore::size() {
    const std::scoped_lock lock(mutex_);
    StoreSize size;
    if (!database_) return size;
    Result<Statement> asked = query(*database_,
                                    "SELECT (SELECT count(*) FROM generation), (SELECT min(number) FROM generation), "
                                    "(SELECT count(*) FROM audit), page_count * page_size "
                                    "FROM pragma_page_count, pragma_page_size");
    if (!asked) return asked.error();
    const Result<bool> row = asked->step();
    if (!row) return row.error();
    size.generations = static_cast<std::size_t>(asked->integer(0));
    size.oldest = generation_of(asked->integer(1));
    size.audit_entries = static_cast<std::size_t>(asked->integer(2));
    size.bytes = static_cast<std::size_t>(asked->integer(3));
    return size;
}

}  // namespace drywall::store
