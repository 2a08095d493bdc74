#include "generations.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <functional>
#include <iterator>
#include <string>

#include "memory_policy.h"

namespace drywall::runtime {

namespace {

std::vector<std::uint32_t> paths_of(const ruleset::Ruleset& ruleset) {
    std::vector<std::uint64_t> of_hit;
    of_hit.reserve(ruleset.hits().size());
    for (const ruleset::HitDescriptor& hit : ruleset.hits()) of_hit.push_back(std::hash<std::string>{}(hit.identity));
    std::vector<std::uint32_t> paths;
    paths.reserve(ruleset.trace_count());
    for (std::size_t trace = 0; trace < ruleset.trace_count(); ++trace) {
        std::uint64_t path = 1;
        for (const HitId hit : ruleset.trace(TraceId(trace)).enforced_hits)
            path = (path ^ of_hit[index(hit)]) * 0x100000001b3ULL + 0x9e3779b97f4a7c15ULL;
        paths.push_back(static_cast<std::uint32_t>(path >> 32) | 1U);
    }
    return paths;
}

}  // namespace

// Generations are superseded in their order, so those whose time is over stand in front. One that was put back was
// never in force, and is not among them: it keeps what it judged only as long as an older one does.
Generation InForce::oldest_kept(Instant now) const noexcept {
    if (superseded.empty() || now < superseded.front().kept_until) return keep_from;
    const auto kept = std::partition_point(superseded.begin(), superseded.end(),
                                           [now](const Superseded& older) { return older.kept_until <= now; });
    return kept == superseded.end() ? ruleset->generation() : kept->generation;
}

const InForce& Generations::admit(std::shared_ptr<const ruleset::Ruleset> ruleset, Existing existing,
                                  const InForce* before, Instant now) {
    const Generation generation = ruleset->generation();
    auto in_force = std::make_unique<InForce>();
    for (const int node : worker_nodes_) {
        const PreferredNode near_its_worker(node);
        using Requests = telemetry::TraceCounters::Requests;
        in_force->counters.push_back(std::make_unique<telemetry::TraceCounters>(
            ruleset->trace_count(), ruleset->inspects() ? Requests::kCounted : Requests::kNone));
        if (!ruleset->inspects()) continue;
        auto& workspace = *in_force->workspaces.emplace_back(std::make_unique<inspect::ConditionWorkspace>());
        if (!workspace.grow_for(ruleset->conditions())) throw std::bad_alloc();  // all that can be wrong with it
    }
    in_force->paths = paths_of(*ruleset);
    if (before != nullptr) in_force->reset_before = before->reset_before;
    // A publication that keeps is about what the last one that did not has judged, or would have: connections that were
    // silent meanwhile are judged again all the same.
    in_force->keep_from = generation;
    if (existing == Existing::kKeep && before != nullptr) hand_on(*before, now, *in_force);
    if (existing == Existing::kReset) in_force->reset_before = generation;
    in_force->ruleset = ruleset;

    // Its place is made first: once its account is open, nothing can fail.
    std::map<Generation, Entry> admitted;
    Entry& entry = admitted.emplace(generation, Entry{std::move(in_force), Ledger::Account(nullptr)}).first->second;
    const std::lock_guard lock(mutex_);
    entry.account = ledger_.open(std::move(ruleset));
    const auto placed = entries_.insert(admitted.extract(admitted.begin()));
    assert(placed.inserted);
    return *placed.position->second.in_force;
}

// What `before` keeps, and what it has judged itself.
void Generations::hand_on(const InForce& before, Instant now, InForce& next) const {
    next.keep_from = before.existing(now).keep_from;
    if (!grace_) return;
    std::copy_if(before.superseded.begin(), before.superseded.end(), std::back_inserter(next.superseded),
                 [now](const InForce::Superseded& older) { return older.kept_until > now; });
    next.superseded.push_back({before.ruleset->generation(), now + *grace_});
}

void Generations::set_current(Generation generation) {
    const std::lock_guard lock(mutex_);
    assert(entries_.contains(generation));
    current_ = generation;
}

std::shared_ptr<const ruleset::Ruleset> Generations::current() const {
    const std::lock_guard lock(mutex_);
    return entries_.at(current_).in_force->ruleset;
}

void Generations::retire(Generation generation) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_.at(generation);
    ledger_.enter(entry.account, entry.in_force->counters, std::chrono::system_clock::now());
    entry.in_force->counters.clear();
    entry.stage = Stage::kRetired;
}

void Generations::begin_round() {
    const std::lock_guard lock(mutex_);
    for (auto& [generation, entry] : entries_)
        if (entry.stage == Stage::kRetired) entry.stage = Stage::kLastRound;
}

void Generations::end_round() {
    std::vector<Entry> freed;  // after the lock: a large ruleset takes its time
    const std::lock_guard lock(mutex_);
    freed.reserve(entries_.size());
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        if (entry->second.stage != Stage::kLastRound) {
            ++entry;
            continue;
        }
        ledger_.enter_connections(entry->second.account);
        ledger_.close(entry->second.account);
        freed.push_back(std::move(entry->second));
        entry = entries_.erase(entry);
    }
}

std::vector<std::shared_ptr<const ruleset::Ruleset>> Generations::known() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<const ruleset::Ruleset>> rulesets;
    for (const auto& [generation, entry] : entries_) rulesets.push_back(entry.in_force->ruleset);
    return rulesets;
}

void Generations::count_connections(std::span<const telemetry::FlowEvent> events) {
    const std::lock_guard lock(mutex_);
    auto entry = entries_.end();
    for (const telemetry::FlowEvent& event : events) {
        if (event.kind != telemetry::FlowEventKind::kOpened) continue;
        if (entry == entries_.end() || entry->first != event.generation) entry = entries_.find(event.generation);
        if (entry != entries_.end()) entry->second.account.opened(event.trace);
    }
}

void Generations::collect() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::system_clock::now();
    for (auto& [generation, entry] : entries_) {
        if (entry.stage == Stage::kReachable) ledger_.enter(entry.account, entry.in_force->counters, now);
        ledger_.enter_connections(entry.account);
    }
}

void Generations::report(Snapshot& snapshot) const {
    const std::lock_guard lock(mutex_);
    snapshot.generation = current_;
    snapshot.rulesets_alive = entries_.size();
    ledger_.report(entries_.at(current_).account, snapshot);
}

}  // namespace drywall::runtime
