#include "json_store.h"

namespace drywall::control {

namespace {

Json author_json(const store::Author& author) {
    if (author.pid == Peer::kItself) return {{"login", ""}, {"text", "the appliance itself"}};
    Json out = {{"uid", author.uid}, {"gid", author.gid}, {"pid", author.pid}, {"login", author.login}};
    out["text"] = author.login.empty() ? Peer{author.pid, author.uid, author.gid}.text() : author.login;
    return out;
}

Json change_json(const policy::ResourceId& id, std::string_view outcome) {
    Json out = {{"kind", policy::name(id.kind)}};
    if (!id.ns.empty()) out["namespace"] = id.ns;
    out["name"] = id.name;
    out["id"] = id.text();
    out["outcome"] = outcome;
    return out;
}

}  // namespace

Json json_of(const store::GenerationRecord& record) {
    Json changes = Json::array();
    for (const store::RecordedChange& change : record.changes)
        changes.push_back(change_json(change.id, change.outcome));
    return {{"generation", index(record.number)},
            {"generation_before", index(record.before)},
            {"time", time_text(record.made)},
            {"verb", record.verb},
            {"author", author_json(record.author)},
            {"comment", record.comment},
            {"fate", name(record.fate)},
            {"enforced_changed", record.enforced_changed},
            {"resources", record.resources},
            {"content_hash", record.content_hash},
            {"changes", std::move(changes)}};
}

Json json_of(const store::AuditEntry& entry) {
    return {{"id", entry.id},
            {"time", time_text(entry.at)},
            {"verb", entry.verb},
            {"outcome", entry.outcome},
            {"author", author_json(entry.author)},
            {"comment", entry.comment},
            {"generation_before", index(entry.before)},
            {"generation", index(entry.after)},
            {"message", entry.words}};
}

Json json_of(const std::vector<ResourceDiff>& diffs) {
    Json out = Json::array();
    for (const ResourceDiff& diff : diffs) {
        out.push_back(change_json(diff.change.id, name(diff.change.outcome)));
        out.back()["text"] = diff.text;
    }
    return out;
}

Json json_of_store(store::GenerationStore& store) {
    const store::StoreHealth health = store.health();
    Json out = {{"file", store.file().string()}, {"state", name(health.state)}, {"error", health.words}};
    if (health.state != store::StoreHealth::State::kOk) out["since"] = time_text(health.since);
    if (const Result<store::StoreSize> size = store.size()) {
        out["generations"] = size->generations;
        out["oldest_generation"] = index(size->oldest);
        out["audit_entries"] = size->audit_entries;
        out["bytes"] = size->bytes;
    }
    return out;
}

Json json_of(const Origin& origin) {
    return {{"from", origin.text}, {"directory", origin.policy_directory}, {"difference", origin.difference}};
}

}  // namespace drywall::control
