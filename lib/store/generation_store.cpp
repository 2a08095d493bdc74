#include "drywall/store/generation_store.h"

#include <algorithm>

#include "digest.h"
#include "drywall/loader/resources.h"
#include "query.h"

namespace drywall::store {

namespace {

std::int64_t micros(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

Error damaged(const std::string& file, const std::string& what) {
    return Error::of(ErrorKind::kUnavailable, file + ": the file is damaged: " + what,
                     "put a file that `drywall backup` wrote in its place");
}

}  // namespace

std::string_view name(Fate fate) noexcept {
    switch (fate) {
        case Fate::kApplied: return "applied";
        case Fate::kWithdrawn: return "withdrawn";
        case Fate::kReverted: return "reverted";
    }
    return "applied";
}

std::string_view name(StoreHealth::State state) noexcept {
    switch (state) {
        case StoreHealth::State::kOk: return "ok";
        case StoreHealth::State::kFailing: return "failing";
        case StoreHealth::State::kReadOnly: return "read-only";
        case StoreHealth::State::kAbsent: return "absent";
    }
    return "failing";
}

// What a generation changes in the file.
struct GenerationStore::Edits {
    struct Put {
        policy::ResourceId id;
        std::string text;
        Digest digest;
    };
    std::vector<Put> put;
    std::vector<policy::ResourceId> gone;
    Tip next;
    Digest hash{};

    // Texts are made only of what is another object than before: a change of one resource writes one.
    Edits(const Tip& tip, const policy::Inventory& content) {
        for (const auto& [id, resource] : content) {
            const auto known = tip.find(id);
            if (known != tip.end() && known->second.resource == resource) {
                next.emplace_hint(next.end(), id, known->second);
                continue;
            }
            std::string text = loader::to_yaml(*resource);
            const Digest digest = digest_of(text);
            if (known == tip.end() || known->second.digest != digest) put.push_back({id, std::move(text), digest});
            next.emplace_hint(next.end(), id, Kept{resource, digest});
        }
        for (const auto& [id, kept] : tip)
            if (!content.contains(id)) gone.push_back(id);
        ContentHash all;
        for (const auto& [id, kept] : next) all.add(id.text(), kept.digest);
        hash = all.digest();
    }
};

template <typename Write>
Status GenerationStore::write(Write what) {
    Status done = [&]() -> Status {
        if (Status open = reopen(); !open) return open;
        Result<Transaction> transaction = database_->begin();
        if (!transaction) return transaction.error();
        if (Status written = what(); !written) return written;
        return transaction->commit();
    }();
    note_health(done);
    return done;
}

void GenerationStore::note_health(const Status& status) {
    using State = StoreHealth::State;
    if (status) {
        health_ = {};
        return;
    }
    const State state =
        health_.state == State::kReadOnly || health_.state == State::kAbsent ? health_.state : State::kFailing;
    const auto now = std::chrono::system_clock::now();
    health_ = {state, status.error().text(), health_.state == State::kOk ? now : health_.since};
}

Status GenerationStore::record(const GenerationRecord& record, const policy::Inventory& content,
                               const std::optional<PendingConfirmation>& pending) {
    const std::scoped_lock lock(mutex_);
    // A file that appears only now is read before the edits are made.
    if (Status open = reopen(); !open) {
        note_health(open);
        return open;
    }
    Edits edits(tip_, content);
    Status done = write([&]() -> Status {
        if (Status written = write_generation(record, edits); !written) return written;
        if (Status written = write_edits(record.number, edits); !written) return written;
        if (Status written = write_pending(pending); !written) return written;
        const AuditEntry entry{.at = record.made,
                               .author = record.author,
                               .verb = record.verb,
                               .comment = record.comment,
                               .outcome = "applied",
                               .before = record.before,
                               .after = record.number};
        if (Status written = write_audit(entry); !written) return written;
        return forget_old();
    });
    if (!done) return done;
    tip_ = std::move(edits.next);
    last_number_ = record.number;
    return done;
}

Status GenerationStore::write_generation(const GenerationRecord& record, const Edits& edits) {
    Status written =
        run(*database_, "INSERT INTO generation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", stored(record.number),
            stored(record.before), micros(record.made), std::string_view(record.verb), std::int64_t{record.author.uid},
            std::int64_t{record.author.gid}, record.author.pid, std::string_view(record.author.login),
            std::string_view(record.comment), std::int64_t{record.enforced_changed},
            static_cast<std::int64_t>(Fate::kApplied), static_cast<std::int64_t>(edits.next.size()),
            std::span<const std::byte>(edits.hash));
    if (!written) return written;
    Result<Statement> insert = database_->prepare("INSERT INTO change VALUES (?, ?, ?, ?, ?, ?)");
    if (!insert) return insert.error();
    std::int64_t position = 0;
    for (const RecordedChange& change : record.changes) {
        insert->bind(1, stored(record.number)).bind(2, position++).bind(3, policy::name(change.id.kind));
        insert->bind(4, std::string_view(change.id.ns)).bind(5, std::string_view(change.id.name));
        if (written = insert->bind(6, std::string_view(change.outcome)).run(); !written) return written;
    }
    if (record.takes_back != Generation{}) {
        written = run(*database_, "UPDATE generation SET fate = ? WHERE number = ?",
                      static_cast<std::int64_t>(Fate::kReverted), stored(record.takes_back));
        if (!written) return written;
    }
    if (written = set_value("in_force", stored(record.number)); !written) return written;
    return set_value("last_number", stored(record.number));
}

Result<std::int64_t> GenerationStore::write_document(std::string_view text, const Digest& digest) {
    std::int64_t id = 0;
    const Status looked =
        each_row(query(*database_, "SELECT id, text FROM document WHERE hash = ?", std::span<const std::byte>(digest)),
                 [&](const Statement& row) {
                     if (row.text(1) == text) id = row.integer(0);
                 });
    if (!looked) return looked.error();
    if (id != 0) return id;
    const Status written =
        run(*database_, "INSERT INTO document (hash, text) VALUES (?, ?)", std::span<const std::byte>(digest), text);
    if (!written) return written.error();
    return database_->last_insert_id();
}

Status GenerationStore::write_edits(Generation number, const Edits& edits) {
    Result<Statement> close = database_->prepare(
        "UPDATE version SET last = ? WHERE kind = ? AND namespace = ? AND name = ? AND last IS NULL");
    if (!close) return close.error();
    Result<Statement> insert = database_->prepare("INSERT INTO version VALUES (?, ?, ?, ?, NULL, ?)");
    if (!insert) return insert.error();
    const auto end = [&](const policy::ResourceId& id) {
        return close->bind(1, stored(number))
            .bind(2, policy::name(id.kind))
            .bind(3, std::string_view(id.ns))
            .bind(4, std::string_view(id.name))
            .run();
    };
    for (const policy::ResourceId& id : edits.gone)
        if (Status ended = end(id); !ended) return ended;
    for (const Edits::Put& put : edits.put) {
        if (Status ended = end(put.id); !ended) return ended;
        const Result<std::int64_t> document = write_document(put.text, put.digest);
        if (!document) return document.error();
        insert->bind(1, policy::name(put.id.kind)).bind(2, std::string_view(put.id.ns));
        insert->bind(3, std::string_view(put.id.name)).bind(4, stored(number));
        if (Status written = insert->bind(5, *document).run(); !written) return written;
    }
    return Done{};
}

Status GenerationStore::write_pending(const std::optional<PendingConfirmation>& pending) {
    if (Status cleared = run(*database_, "DELETE FROM pending"); !cleared || !pending) return cleared;
    return run(*database_, "INSERT INTO pending VALUES (1, ?, ?, ?)", stored(pending->generation),
               stored(pending->previous), std::string_view(pending->terms));
}

Status GenerationStore::write_audit(const AuditEntry& entry) {
    constexpr std::size_t kMostWords = 4000;
    Status written = run(*database_,
                         "INSERT INTO audit (at, uid, gid, pid, login, verb, comment, outcome, before, after, words) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         micros(entry.at), std::int64_t{entry.author.uid}, std::int64_t{entry.author.gid},
                         entry.author.pid, std::string_view(entry.author.login), std::string_view(entry.verb),
                         std::string_view(entry.comment), std::string_view(entry.outcome), stored(entry.before),
                         stored(entry.after), std::string_view(entry.words).substr(0, kMostWords));
    if (!written) return written;
    return run(*database_, "DELETE FROM audit WHERE id <= ?",
               database_->last_insert_id() - static_cast<std::int64_t>(settings_.audit_entries));
}

// Generations beyond those to keep, never the one in force nor those of a pending confirmation; then the texts that no
// kept generation holds.
Status GenerationStore::forget_old() {
    const auto kept = static_cast<std::int64_t>(std::max<std::size_t>(settings_.generations, 2));
    std::vector<std::int64_t> forgotten;
    Status done = each_row(
        query(*database_,
              "DELETE FROM generation WHERE number < (SELECT number FROM generation ORDER BY number DESC LIMIT 1 "
              "OFFSET ?) AND number NOT IN (SELECT value FROM state WHERE key = 'in_force') AND number NOT IN "
              "(SELECT generation FROM pending UNION SELECT previous FROM pending) RETURNING number",
              kept - 1),
        [&](const Statement& row) { forgotten.push_back(row.integer(0)); });
    if (!done || forgotten.empty()) return done;
    for (const std::int64_t number : forgotten)
        if (done = run(*database_, "DELETE FROM change WHERE generation = ?", number); !done) return done;
    std::vector<std::int64_t> documents;
    done = each_row(query(*database_,
                          "DELETE FROM version WHERE last IS NOT NULL AND NOT EXISTS (SELECT 1 FROM generation WHERE "
                          "number >= version.first AND number < version.last) RETURNING document"),
                    [&](const Statement& row) { documents.push_back(row.integer(0)); });
    if (!done) return done;
    for (const std::int64_t document : documents) {
        done = run(*database_,
                   "DELETE FROM document WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM version WHERE document = ?1)",
                   document);
        if (!done) return done;
    }
    return Done{};
}

Status GenerationStore::put_back(Generation back_to, Fate fate, const AuditEntry& entry) {
    const std::scoped_lock lock(mutex_);
    return write([&]() -> Status {
        if (const Result<GenerationRecord> there = read_generation(back_to); !there) return there.error();
        Status done = run(*database_,
                          "UPDATE generation SET fate = ? WHERE number = (SELECT value FROM state WHERE key = "
                          "'in_force')",
                          static_cast<std::int64_t>(fate));
        if (!done) return done;
        if (done = set_value("in_force", stored(back_to)); !done) return done;
        if (done = write_pending({}); !done) return done;
        return write_audit(entry);
    });
}

Status GenerationStore::confirm(const AuditEntry& entry) {
    const std::scoped_lock lock(mutex_);
    return write([&]() -> Status {
        if (Status cleared = write_pending({}); !cleared) return cleared;
        return write_audit(entry);
    });
}

Status GenerationStore::note(const AuditEntry& entry) {
    const std::scoped_lock lock(mutex_);
    return write([&] { return write_audit(entry); });
}

Status GenerationStore::remember(std::string_view name, std::string_view text) {
    const std::scoped_lock lock(mutex_);
    return write([&] { return run(*database_, "INSERT OR REPLACE INTO memory VALUES (?, ?)", name, text); });
}

Status GenerationStore::forget(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    return write([&] { return run(*database_, "DELETE FROM memory WHERE name = ?", name); });
}

Result<std::int64_t> GenerationStore::value(std::string_view key) {
    Result<Statement> asked = query(*database_, "SELECT value FROM state WHERE key = ?", key);
    if (!asked) return asked.error();
    const Result<bool> row = asked->step();
    if (!row) return row.error();
    if (!*row) return damaged(file_.string(), "'" + std::string(key) + "' is missing");
    return asked->integer(0);
}

Status GenerationStore::set_value(std::string_view key, std::int64_t value) {
    return run(*database_, "UPDATE state SET value = ? WHERE key = ?", value, key);
}

}  // namespace drywall::store
