#include "drywall/store/flow_history.h"

#include <algorithm>
#include <utility>

namespace drywall::store {

namespace {

constexpr std::int64_t kSchema = 1;
constexpr std::int64_t kTrimmedAtOnce = 64;
constexpr std::uint64_t kPageSize = 4096;
constexpr const char* kColumns = "id, run, number, grain, begin, finish, records, data";

std::span<const std::byte> as_bytes(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

StoredInterval interval_at(const Statement& row) {
    const std::span<const std::byte> data = row.bytes(7);
    return {row.integer(0), row.integer(1), row.integer(2), row.integer(3),
            row.integer(4), row.integer(5), row.integer(6), {reinterpret_cast<const char*>(data.data()), data.size()}};
}

Result<std::uint64_t> pragma_number(Database& database, std::string_view sql) {
    auto statement = database.prepare(sql);
    if (!statement) return statement.error();
    const auto row = statement->step();
    if (!row) return row.error();
    const auto number = static_cast<std::uint64_t>(statement->integer(0));
    statement->reset();
    return number;
}

}  // namespace

FlowHistory::FlowHistory(Database writer, Database reader, std::int64_t run, std::uint64_t max_bytes)
    : writer_(std::move(writer)), reader_(std::move(reader)), run_(run), max_bytes_(max_bytes) {}

Result<std::unique_ptr<FlowHistory>> FlowHistory::open(const std::filesystem::path& file, std::int64_t run,
                                                       std::uint64_t max_bytes) {
    auto writer = Database::open(file, {.durability = Durability::kNormal, .read_only = false, .exclusive = false});
    if (!writer) return writer.error();
    auto reader = Database::open(file, {.durability = Durability::kNormal, .read_only = false, .exclusive = false});
    if (!reader) return reader.error();
    std::unique_ptr<FlowHistory> history(
        new FlowHistory(*std::move(writer), *std::move(reader), run, std::max(max_bytes, 64 * kPageSize)));
    if (Status made = history->create_schema(); !made) return made.error();
    return history;
}

Status FlowHistory::create_schema() {
    const std::string bound = "PRAGMA max_page_count = " + std::to_string(max_bytes_ / kPageSize) + ";";
    if (Status set = writer_.execute(bound.c_str()); !set) return set;
    const Result<std::int64_t> version = writer_.schema_version();
    if (!version) return version.error();
    if (*version == kSchema) return Done{};
    if (*version != 0)
        return Error::of(
            ErrorKind::kRefused,
            writer_.file() + " was written by another version of drywalld (schema " + std::to_string(*version) + ")",
            "move it away; a new one is made");
    auto transaction = writer_.begin();
    if (!transaction) return transaction.error();
    Status made = writer_.execute(
        "CREATE TABLE intervals(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, number INTEGER NOT NULL,"
        " grain INTEGER NOT NULL, begin INTEGER NOT NULL, finish INTEGER NOT NULL, records INTEGER NOT NULL,"
        " data BLOB NOT NULL);"
        "CREATE INDEX intervals_by_begin ON intervals(begin);"
        "CREATE INDEX intervals_by_grain ON intervals(grain, begin);");
    if (made) made = writer_.set_schema_version(kSchema);
    return made ? transaction->commit() : made;
}

Status FlowHistory::insert(const StoredInterval& interval) {
    auto statement = writer_.prepare(
        "INSERT INTO intervals(run, number, grain, begin, finish, records, data) VALUES(?,?,?,?,?,?,?)");
    if (!statement) return statement.error();
    return statement->bind(1, interval.run)
        .bind(2, interval.number)
        .bind(3, interval.grain)
        .bind(4, interval.begin)
        .bind(5, interval.end)
        .bind(6, interval.records)
        .bind(7, as_bytes(interval.bytes))
        .run();
}

Status FlowHistory::remove(std::int64_t id) {
    auto statement = writer_.prepare("DELETE FROM intervals WHERE id = ?");
    if (!statement) return statement.error();
    return statement->bind(1, id).run();
}

Status FlowHistory::append(std::span<const StoredInterval> intervals) {
    if (intervals.empty()) return Done{};
    auto transaction = writer_.begin();
    if (!transaction) return transaction.error();
    for (const StoredInterval& interval : intervals)
        if (Status stored = insert(interval); !stored) return stored;
    return transaction->commit();
}

Status FlowHistory::read(std::int64_t since, std::int64_t until, std::int64_t first_number,
                         const std::function<bool(const StoredInterval&)>& take) const {
    const std::scoped_lock lock(read_mutex_);
    auto statement = reader_.prepare(std::string("SELECT ") + kColumns +
                                     " FROM intervals WHERE begin < ?1 AND finish >= ?2"
                                     " AND (run <> ?3 OR number < ?4) ORDER BY begin");
    if (!statement) return statement.error();
    statement->bind(1, until).bind(2, since).bind(3, run_).bind(4, first_number);
    while (true) {
        const Result<bool> row = statement->step();
        if (!row) return row.error();
        if (!*row) return Done{};
        if (!take(interval_at(*statement))) return Done{};
    }
}

Result<std::optional<std::int64_t>> FlowHistory::oldest() const {
    const std::scoped_lock lock(read_mutex_);
    auto statement = reader_.prepare("SELECT begin FROM intervals ORDER BY begin LIMIT 1");
    if (!statement) return statement.error();
    const Result<bool> row = statement->step();
    if (!row) return row.error();
    std::optional<std::int64_t> begin;
    if (*row) begin = statement->integer(0);
    return begin;
}

Result<std::vector<StoredInterval>> FlowHistory::older_than(std::int64_t grain, std::int64_t end,
                                                            std::int64_t first_number, std::size_t limit) {
    auto statement = writer_.prepare(std::string("SELECT ") + kColumns +
                                     " FROM intervals WHERE grain = ?1 AND finish < ?2"
                                     " AND (run <> ?3 OR number < ?4) ORDER BY begin LIMIT ?5");
    if (!statement) return statement.error();
    statement->bind(1, grain).bind(2, end).bind(3, run_).bind(4, first_number);
    statement->bind(5, static_cast<std::int64_t>(limit));
    std::vector<StoredInterval> intervals;
    while (true) {
        const Result<bool> row = statement->step();
        if (!row) return row.error();
        if (!*row) return intervals;
        intervals.push_back(interval_at(*statement));
    }
}

Status FlowHistory::replace(std::span<const StoredInterval> intervals, const StoredInterval& sum) {
    auto transaction = writer_.begin();
    if (!transaction) return transaction.error();
    for (const StoredInterval& interval : intervals)
        if (Status removed = remove(interval.id); !removed) return removed;
    if (Status stored = insert(sum); !stored) return stored;
    return transaction->commit();
}

Status FlowHistory::set_grain(std::span<const StoredInterval> intervals, std::int64_t grain) {
    auto transaction = writer_.begin();
    if (!transaction) return transaction.error();
    auto statement = writer_.prepare("UPDATE intervals SET grain = ? WHERE id = ?");
    if (!statement) return statement.error();
    for (const StoredInterval& interval : intervals)
        if (Status set = statement->bind(1, grain).bind(2, interval.id).run(); !set) return set;
    return transaction->commit();
}

Result<std::uint64_t> FlowHistory::bytes_used() {
    const auto pages = pragma_number(writer_, "PRAGMA page_count");
    if (!pages) return pages.error();
    const auto free_pages = pragma_number(writer_, "PRAGMA freelist_count");
    if (!free_pages) return free_pages.error();
    return (*pages - *free_pages) * kPageSize;
}

Result<bool> FlowHistory::trim(std::int64_t end) {
    auto old = writer_.prepare(
        "DELETE FROM intervals WHERE id IN (SELECT id FROM intervals WHERE begin < ?1 AND finish < ?1"
        " ORDER BY begin LIMIT ?2)");
    if (!old) return old.error();
    if (Status deleted = old->bind(1, end).bind(2, kTrimmedAtOnce).run(); !deleted) return deleted.error();
    if (writer_.changed_rows() == kTrimmedAtOnce) return true;
    return make_room();
}

// One by one: how much each of them takes is known to nobody.
Result<bool> FlowHistory::make_room() {
    auto oldest = writer_.prepare("DELETE FROM intervals WHERE id = (SELECT id FROM intervals ORDER BY begin LIMIT 1)");
    if (!oldest) return oldest.error();
    for (std::int64_t left = kTrimmedAtOnce; left > 0; --left) {
        const Result<std::uint64_t> used = bytes_used();
        if (!used) return used.error();
        if (*used <= max_bytes_ / 10 * 9) return false;
        if (Status deleted = oldest->run(); !deleted) return deleted.error();
        if (writer_.changed_rows() == 0) return false;
    }
    return true;
}

}  // namespace drywall::store
