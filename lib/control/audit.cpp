#include "audit.h"

#include <array>

#include <pwd.h>

namespace drywall::control {

namespace {

std::string login_of(std::uint32_t uid) {
    std::array<char, 4096> room{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) != 0 || found == nullptr) return {};
    return entry.pw_name;
}

}  // namespace

store::Author author_of(const Peer& who) {
    return {who.pid, who.uid, who.gid, who.pid == Peer::kItself ? std::string() : login_of(who.uid)};
}

store::AuditEntry audit_entry(std::string_view verb, const Peer& who, std::string_view comment,
                              std::string_view outcome) {
    store::AuditEntry entry;
    entry.at = std::chrono::system_clock::now();
    entry.author = author_of(who);
    entry.verb = verb;
    entry.comment = comment;
    entry.outcome = outcome;
    return entry;
}

store::GenerationRecord record_of(std::string_view verb, const Applied& applied, const Peer& who,
                                  std::string_view comment) {
    store::GenerationRecord record;
    record.number = applied.after;
    record.before = applied.before;
    record.made = std::chrono::system_clock::now();
    record.verb = verb;
    record.author = author_of(who);
    record.comment = comment;
    record.enforced_changed = applied.enforced_changed;
    for (const Change& change : applied.changes)
        if (change.outcome != Outcome::kUnchanged)
            record.changes.push_back({change.id, std::string(name(change.outcome))});
    return record;
}

}  // namespace drywall::control
