#include "drywall/observe/flow_log.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "decisions.h"

namespace drywall::observe {

namespace {

using telemetry::FlowEvent;
using telemetry::FlowEventKind;

struct GroupKey {
    net::AddressBytes source{};
    net::AddressBytes destination{};
    net::Family family{};
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;
    Decision decision;
    bool operator==(const GroupKey&) const = default;
};

std::size_t mix(std::size_t seed, std::size_t value) noexcept {
    return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

std::size_t hash_of(const net::AddressBytes& bytes) noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

struct GroupKeyHash {
    std::size_t operator()(const GroupKey& key) const noexcept {
        const std::size_t service = (std::size_t{key.protocol} << 16) | key.destination_port;
        return mix(mix(mix(hash_of(key.source), hash_of(key.destination)), service),
                   std::hash<Decision>{}(key.decision));
    }
};

struct ConnectionKey {
    WorkerId worker{};
    std::uint64_t flow = 0;
    bool operator==(const ConnectionKey&) const = default;
};

struct ConnectionKeyHash {
    std::size_t operator()(const ConnectionKey& key) const noexcept {
        return mix(std::hash<std::uint64_t>{}(key.flow), index(key.worker));
    }
};

net::Address address(net::Family family, const net::AddressBytes& bytes) { return {family, bytes}; }

std::string name_of(const ruleset::Ruleset* ruleset, const net::Address& address) {
    if (ruleset == nullptr) return {};
    const ruleset::EndpointInfo* endpoint = ruleset->endpoint_of(address);
    return endpoint == nullptr ? std::string() : endpoint->id.text();
}

bool matches(const FlowGroup& group, const FlowQuery& query) {
    if (query.enforced && group.enforced != *query.enforced) return false;
    if (query.pending && group.pending != *query.pending) return false;
    return !query.only_differing || group.enforced != group.pending;
}

// What the event itself says about the verdict, for when its generation is gone.
Verdict verdict_of(FlowEventKind kind) noexcept {
    return kind == FlowEventKind::kDenied || kind == FlowEventKind::kCut ? Verdict::kDeny : Verdict::kAllow;
}

}  // namespace

// Everything the mutex guards. `groups` is in order of sequence, so that its front is the group that has been quiet
// for longest and a follower reads from its back.
class FlowLog::State {
public:
    State(std::size_t max_groups, std::size_t max_connections, WallClock now)
        : max_groups_(std::max<std::size_t>(1, max_groups)), max_connections_(max_connections), now_(std::move(now)) {}

    void take(const FlowEvent& event, const ruleset::Ruleset* ruleset);
    void lose(std::uint64_t records) { lost_ += records; }

    [[nodiscard]] FlowAnswer answer(const FlowQuery& query) const;
    [[nodiscard]] bool has_match(const FlowQuery& query) const;
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    mutable std::size_t waiting = 0;  // so that the stats core notifies nobody when nobody waits

private:
    struct Entry {
        GroupKey key;
        FlowGroup group;
    };
    using Entries = std::list<Entry>;
    struct Connection {
        ConnectionKey key;
        std::uint64_t group = 0;
    };
    using Connections = std::list<Connection>;

    Entry& group_for(const FlowEvent& event, const ruleset::Ruleset* ruleset);
    Entry* group_by_id(std::uint64_t id);
    void touch(Entry& entry, Generation generation);
    void evict_quietest();

    void opened(const FlowEvent& event, const ruleset::Ruleset* ruleset);
    void denied(const FlowEvent& event, const ruleset::Ruleset* ruleset);
    void rejudged(const FlowEvent& event, const ruleset::Ruleset* ruleset);
    void ended(const FlowEvent& event, const ruleset::Ruleset* ruleset);
    void cut(const FlowEvent& event, const ruleset::Ruleset* ruleset);
    void complete(Entry& entry, const FlowEvent& event, Generation generation);

    void track(const FlowEvent& event, std::uint64_t group);
    // The group that the connection was counted in, or null; the connection is tracked no more.
    Entry* untrack(const FlowEvent& event);
    void leave(std::uint64_t group);

    std::size_t max_groups_;
    std::size_t max_connections_;
    WallClock now_;
    Decisions decisions_;
    Entries entries_;
    std::unordered_map<GroupKey, Entries::iterator, GroupKeyHash> by_key_;
    std::unordered_map<std::uint64_t, Entries::iterator> by_id_;
    Connections connections_;  // oldest first
    std::unordered_map<ConnectionKey, Connections::iterator, ConnectionKeyHash> by_connection_;
    std::uint64_t sequence_ = 0;
    std::uint64_t last_id_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t evicted_ = 0;
};

void FlowLog::State::take(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    switch (event.kind) {
        case FlowEventKind::kOpened: return opened(event, ruleset);
        case FlowEventKind::kDenied: return denied(event, ruleset);
        case FlowEventKind::kRejudged: return rejudged(event, ruleset);
        case FlowEventKind::kCut: return cut(event, ruleset);
        case FlowEventKind::kEnded: return ended(event, ruleset);
    }
}

void FlowLog::State::opened(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    Entry& entry = group_for(event, ruleset);
    ++entry.group.connections_started;
    ++entry.group.connections_live;
    touch(entry, event.generation);
    track(event, entry.group.id);
}

void FlowLog::State::denied(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    Entry& entry = group_for(event, ruleset);
    ++entry.group.connections_started;
    entry.group.forward += event.forward;
    touch(entry, event.generation);
}

void FlowLog::State::rejudged(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    if (Entry* old = untrack(event)) {
        if (old->group.connections_live > 0) --old->group.connections_live;
        touch(*old, old->group.generation);
    }
    Entry& entry = group_for(event, ruleset);
    ++entry.group.connections_live;
    touch(entry, event.generation);
    track(event, entry.group.id);
}

void FlowLog::State::ended(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    Entry* known = untrack(event);
    Entry& entry = known != nullptr ? *known : group_for(event, ruleset);
    if (known == nullptr) return complete(entry, event, event.generation);
    if (entry.group.connections_live > 0) --entry.group.connections_live;
    complete(entry, event, entry.group.generation);
}

// The connection ends in the group where it lived; the packet that found it denied counts in the group of that denial,
// as those that follow will.
void FlowLog::State::cut(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    if (Entry* old = untrack(event)) {
        if (old->group.connections_live > 0) --old->group.connections_live;
        complete(*old, event, old->group.generation);
    }
    Entry& entry = group_for(event, ruleset);
    ++entry.group.connections_started;
    touch(entry, event.generation);
}

void FlowLog::State::complete(Entry& entry, const FlowEvent& event, Generation generation) {
    ++entry.group.connections_completed;
    entry.group.forward += event.forward;
    entry.group.reverse += event.reverse;
    touch(entry, generation);
}

FlowLog::State::Entry& FlowLog::State::group_for(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    const net::Tuple& tuple = event.tuple;
    GroupKey key{
        tuple.source,
        tuple.destination,
        tuple.family,
        tuple.protocol,
        tuple.destination_port,
        ruleset != nullptr ? decisions_.of(*ruleset, event.trace) : decisions_.without_hits(verdict_of(event.kind))};
    if (const auto known = by_key_.find(key); known != by_key_.end()) return *known->second;

    if (entries_.size() >= max_groups_) evict_quietest();
    FlowGroup group;
    group.id = ++last_id_;
    group.source = address(tuple.family, tuple.source);
    group.destination = address(tuple.family, tuple.destination);
    group.source_name = name_of(ruleset, group.source);
    group.destination_name = name_of(ruleset, group.destination);
    group.protocol = tuple.protocol;
    group.destination_port = tuple.destination_port;
    group.enforced = key.decision->enforced;
    group.pending = key.decision->pending;
    group.enforced_hits = key.decision->enforced_hits;
    group.pending_hits = key.decision->pending_hits;
    group.first_seen = now_();
    entries_.push_back({key, std::move(group)});
    const auto place = std::prev(entries_.end());
    by_key_.emplace(std::move(key), place);
    by_id_.emplace(place->group.id, place);
    return *place;
}

FlowLog::State::Entry* FlowLog::State::group_by_id(std::uint64_t id) {
    const auto known = by_id_.find(id);
    return known == by_id_.end() ? nullptr : &*known->second;
}

void FlowLog::State::touch(Entry& entry, Generation generation) {
    entry.group.sequence = ++sequence_;
    entry.group.generation = generation;
    entry.group.last_seen = now_();
    entries_.splice(entries_.end(), entries_, by_id_.at(entry.group.id));
}

void FlowLog::State::evict_quietest() {
    by_key_.erase(entries_.front().key);
    by_id_.erase(entries_.front().group.id);
    entries_.pop_front();
    ++evicted_;
}

void FlowLog::State::track(const FlowEvent& event, std::uint64_t group) {
    const ConnectionKey key{event.worker, event.flow};
    if (const auto known = by_connection_.find(key); known != by_connection_.end()) {
        // The record of its end was lost, or it would not open again.
        leave(known->second->group);
        connections_.erase(known->second);
        by_connection_.erase(known);
    }
    connections_.push_back({key, group});
    by_connection_.emplace(key, std::prev(connections_.end()));
    if (connections_.size() <= max_connections_) return;
    leave(connections_.front().group);
    by_connection_.erase(connections_.front().key);
    connections_.pop_front();
}

FlowLog::State::Entry* FlowLog::State::untrack(const FlowEvent& event) {
    const auto known = by_connection_.find({event.worker, event.flow});
    if (known == by_connection_.end()) return nullptr;
    Entry* entry = group_by_id(known->second->group);
    connections_.erase(known->second);
    by_connection_.erase(known);
    return entry;
}

void FlowLog::State::leave(std::uint64_t group) {
    Entry* entry = group_by_id(group);
    if (entry == nullptr) return;
    if (entry->group.connections_live > 0) --entry->group.connections_live;
    touch(*entry, entry->group.generation);
}

FlowAnswer FlowLog::State::answer(const FlowQuery& query) const {
    FlowAnswer out{.groups = {}, .next_sequence = sequence_, .lost = lost_, .evicted = evicted_};
    if (query.latest) {
        for (auto entry = entries_.rbegin(); entry != entries_.rend() && out.groups.size() < query.limit; ++entry) {
            if (entry->group.sequence <= query.after_sequence) break;
            if (matches(entry->group, query)) out.groups.push_back(entry->group);
        }
        std::reverse(out.groups.begin(), out.groups.end());
        return out;
    }
    auto first = entries_.end();
    while (first != entries_.begin() && std::prev(first)->group.sequence > query.after_sequence) --first;
    for (; first != entries_.end(); ++first) {
        if (!matches(first->group, query)) continue;
        if (out.groups.size() == query.limit) {
            out.next_sequence = out.groups.empty() ? query.after_sequence : out.groups.back().sequence;
            break;
        }
        out.groups.push_back(first->group);
    }
    return out;
}

bool FlowLog::State::has_match(const FlowQuery& query) const {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
        if (entry->group.sequence <= query.after_sequence) return false;
        if (matches(entry->group, query)) return true;
    }
    return false;
}

FlowLog::FlowLog(std::size_t max_groups, std::size_t max_connections, WallClock now)
    : state_(std::make_unique<State>(max_groups, max_connections,
                                     now ? std::move(now) : WallClock(std::chrono::system_clock::now))) {}

FlowLog::~FlowLog() = default;

void FlowLog::on_event(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    const std::scoped_lock lock(state_->mutex);
    state_->take(event, ruleset);
    if (state_->waiting > 0) state_->changed.notify_all();
}

void FlowLog::on_lost(std::uint64_t records) {
    const std::scoped_lock lock(state_->mutex);
    state_->lose(records);
}

FlowAnswer FlowLog::query(const FlowQuery& query) const {
    const std::scoped_lock lock(state_->mutex);
    return state_->answer(query);
}

FlowAnswer FlowLog::wait(const FlowQuery& query, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(state_->mutex);
    ++state_->waiting;
    FlowQuery unseen = query;
    state_->changed.wait_for(lock, timeout, [&] {
        if (state_->has_match(unseen)) return true;
        unseen.after_sequence = state_->sequence();  // looked at, and nothing of interest: not again
        return false;
    });
    --state_->waiting;
    return state_->answer(query);
}

}  // namespace drywall::observe
