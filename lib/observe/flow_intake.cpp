#include "flow_intake.h"

#include <algorithm>
#include <utility>

namespace drywall::observe {

using telemetry::FlowEvent;
using telemetry::FlowEventKind;

namespace {

constexpr std::size_t kMostChanges = 131'072;  // of an interval in the making; then it is closed early
// Intervals older than this are read from the archive, where they are never younger than this when they are summed up.
constexpr std::chrono::hours kLongestInMemory{1};

// What the event itself says about the verdict, for when its generation is gone.
Verdict verdict_of(FlowEventKind kind) noexcept {
    return kind == FlowEventKind::kDenied || kind == FlowEventKind::kCut ? Verdict::kDeny : Verdict::kAllow;
}

// Counters only grow; where they do not, records were lost and another connection took the number.
telemetry::PacketsBytes growth(const telemetry::PacketsBytes& from, const telemetry::PacketsBytes& to) noexcept {
    if (to.packets < from.packets || to.bytes < from.bytes) return {};
    return {to.packets - from.packets, to.bytes - from.bytes};
}

}  // namespace

FlowIntake::FlowIntake(const FlowLogSettings& settings, FlowLog::WallClock now)
    : settings_(settings),
      clock_(std::move(now)),
      now_(clock_()),
      began_(now_),
      groups_(settings.max_groups),
      connections_(settings.max_connections),
      interval_begin_(now_) {}

void FlowIntake::take(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    now_ = clock_();
    close_interval_when_due();
    if (ruleset != nullptr && port_names_.empty()) port_names_ = ruleset->surroundings().port_names;
    switch (event.kind) {
        case FlowEventKind::kOpened: return opened(event, ruleset);
        case FlowEventKind::kDenied: return denied(event, ruleset);
        case FlowEventKind::kRejudged: return rejudged(event, ruleset);
        case FlowEventKind::kCut: return cut(event, ruleset);
        case FlowEventKind::kEnded: return ended(event, ruleset);
        case FlowEventKind::kProgress: return progressed(event, ruleset);
    }
}

void FlowIntake::lose(std::uint64_t records) {
    now_ = clock_();
    close_interval_when_due();
    losses_.add(records, now_);
    interval_lost_ += records;
}

void FlowIntake::opened(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    // The record of its end was lost, or its number would not come again.
    if (Connection* known = connections_.find(event)) {
        leave(*known);
        connections_.remove(*known);
    }
    Group& group = group_of(event, ruleset);
    Connection& connection = track(event, group);
    connection.forward = event.forward;
    groups_.count(group, {.started = 1, .completed = 0, .forward = event.forward, .reverse = {}}, time());
    forget_oldest_connections();
}

void FlowIntake::denied(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    Group& group = group_of(event, ruleset);
    groups_.count(group, {.started = 1, .completed = 0, .forward = event.forward, .reverse = {}}, time());
}

// What it counted so far belongs to the group that it leaves.
void FlowIntake::rejudged(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    if (Connection* known = connections_.find(event)) {
        count_growth(*known, event, false);
        leave(*known);
        connections_.remove(*known);
    }
    Group& group = group_of(event, ruleset);
    Connection& connection = track(event, group);
    connection.forward = event.forward;
    connection.reverse = event.reverse;
    groups_.count(group, {}, time());
    forget_oldest_connections();
}

void FlowIntake::progressed(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    if (Connection* known = connections_.find(event)) return count_growth(*known, event, false);
    // Nobody told of its beginning, or it was forgotten.
    Group& group = group_of(event, ruleset);
    count_growth(track(event, group), event, false);
    forget_oldest_connections();
}

void FlowIntake::ended(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    if (Connection* known = connections_.find(event)) {
        count_growth(*known, event, true);
        connections_.remove(*known);
        return;
    }
    Group& group = group_of(event, ruleset);
    groups_.count(group, {.started = 0, .completed = 1, .forward = event.forward, .reverse = event.reverse}, time());
}

// The connection ends in the group where it lived; the packet that found it denied counts in the group of that denial,
// as those that follow will.
void FlowIntake::cut(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    if (Connection* known = connections_.find(event)) {
        count_growth(*known, event, true);
        connections_.remove(*known);
    }
    groups_.count(group_of(event, ruleset), {.started = 1, .completed = 0, .forward = {}, .reverse = {}}, time());
}

FlowIntake::Group& FlowIntake::group_of(const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    GroupKey key = key_of(event.tuple, ruleset != nullptr ? decisions_.of(*ruleset, event.trace)
                                                          : decisions_.without_hits(verdict_of(event.kind)));
    Group* group = groups_.find(key);
    const bool fresh = group == nullptr;
    if (fresh) {
        auto source = parties_.of(ruleset, {key.family, key.source});
        auto destination = parties_.of(ruleset, {key.family, key.destination});
        group = &add_group(std::move(key), std::move(source), std::move(destination));
    }
    describe(*group, event, fresh ? nullptr : ruleset);
    return *group;
}

FlowIntake::Group& FlowIntake::group_of(Connection& connection) {
    if (Group* group = groups_.find(connection.group)) return *group;
    GroupKey key = key_of(connection.tuple, connection.decision);
    Group* group = groups_.find(key);
    if (group == nullptr) group = &add_group(std::move(key), connection.source_party, connection.destination_party);
    group->total.source_port = connection.tuple.source_port;
    group->total.ingress_port = port_name(connection.tuple.ingress_port);
    group->total.generation = connection.generation;
    if (!connection.closed) ++group->total.connections_live;
    connection.group = group->serial;
    return *group;
}

FlowIntake::Group& FlowIntake::add_group(GroupKey key, std::shared_ptr<const Party> source,
                                         std::shared_ptr<const Party> destination) {
    FlowRecord record;
    record.source = {key.family, key.source};
    record.destination = {key.family, key.destination};
    record.source_party = std::move(source);
    record.destination_party = std::move(destination);
    record.decision = key.decision;
    record.protocol = key.protocol;
    record.destination_port = key.destination_port;
    return groups_.add(std::move(key), std::move(record), time());
}

// What is as of the last connection. With `ruleset`, who the parties are by that generation.
void FlowIntake::describe(Group& group, const FlowEvent& event, const ruleset::Ruleset* ruleset) {
    group.total.source_port = event.tuple.source_port;
    group.total.ingress_port = port_name(event.tuple.ingress_port);
    if (ruleset != nullptr && event.generation != group.total.generation) {
        group.total.source_party = parties_.of(ruleset, group.total.source);
        group.total.destination_party = parties_.of(ruleset, group.total.destination);
    }
    group.total.generation = event.generation;
}

Connection& FlowIntake::track(const FlowEvent& event, Group& group) {
    connections_.add({.worker = event.worker,
                      .flow = event.flow,
                      .group = group.serial,
                      .tuple = event.tuple,
                      .decision = group.key.decision,
                      .source_party = group.total.source_party,
                      .destination_party = group.total.destination_party,
                      .generation = event.generation,
                      .forward = {},
                      .reverse = {},
                      .closed = event.closed});
    if (!event.closed) ++group.total.connections_live;
    return *connections_.find(event);
}

void FlowIntake::count_growth(Connection& connection, const FlowEvent& event, bool completed) {
    Group& group = group_of(connection);
    const Counted counted{.started = 0,
                          .completed = completed ? std::uint64_t{1} : 0,
                          .forward = growth(connection.forward, event.forward),
                          .reverse = growth(connection.reverse, event.reverse)};
    connection.forward = event.forward;
    connection.reverse = event.reverse;
    const bool over = completed || event.closed;
    if (over && !connection.closed && group.total.connections_live > 0) --group.total.connections_live;
    connection.closed = connection.closed || over;
    groups_.count(group, counted, time());
}

void FlowIntake::leave(const Connection& connection) {
    Group* group = groups_.find(connection.group);
    if (group == nullptr) return;
    if (!connection.closed && group->total.connections_live > 0) --group->total.connections_live;
    groups_.count(*group, {}, time());
}

void FlowIntake::forget_oldest_connections() {
    while (connections_.too_many()) {
        const Connection& oldest = connections_.list().front();
        leave(oldest);
        connections_.remove(oldest);
    }
}

const std::string& FlowIntake::port_name(std::uint16_t port) const {
    static const std::string unknown;
    return port < port_names_.size() ? port_names_[port] : unknown;
}

// A clock that was set back ends an interval too: times within one do not run backwards.
void FlowIntake::close_interval_when_due() {
    if (groups_.change_count() == 0 && interval_lost_ == 0) {
        interval_begin_ = now_;
        return;
    }
    const bool due = now_ - interval_begin_ >= settings_.grain || now_ < interval_begin_;
    if (due || groups_.change_count() >= kMostChanges) close_interval();
}

void FlowIntake::close_interval() {
    auto interval = std::make_shared<FlowInterval>();
    interval->number = ++last_number_;
    interval->begin = interval_begin_;
    interval->end = std::max(now_, interval_begin_);
    interval->lost = std::exchange(interval_lost_, 0);
    interval->records = groups_.take_changes();
    interval_begin_ = now_;
    interval_records_ += interval->records.size();
    intervals_.push_back(std::move(interval));
    make_room_for_intervals();
}

void FlowIntake::make_room_for_intervals() {
    const auto too_old = [&](const FlowInterval& interval) { return now_ - interval.end > kLongestInMemory; };
    // The youngest stays, whatever its size: nobody had time to take it.
    while (intervals_.size() > 1 &&
           (interval_records_ > settings_.max_recent_records || too_old(*intervals_.front()))) {
        const FlowInterval& oldest = *intervals_.front();
        if (recorded_ && oldest.number > taken_) unrecorded_ += oldest.records.size();
        interval_records_ -= oldest.records.size();
        intervals_.pop_front();
    }
}

std::vector<std::shared_ptr<const FlowInterval>> FlowIntake::recent() const {
    std::vector<std::shared_ptr<const FlowInterval>> out(intervals_.begin(), intervals_.end());
    if (groups_.change_count() == 0 && interval_lost_ == 0) return out;
    auto making = std::make_shared<FlowInterval>();
    making->number = last_number_ + 1;
    making->begin = interval_begin_;
    making->end = std::max(clock_(), interval_begin_);
    making->lost = interval_lost_;
    making->records = groups_.changes();
    out.push_back(std::move(making));
    return out;
}

std::uint64_t FlowIntake::first_in_memory() const noexcept {
    return intervals_.empty() ? last_number_ + 1 : intervals_.front()->number;
}

std::vector<std::shared_ptr<const FlowInterval>> FlowIntake::take_intervals(bool anyway) {
    now_ = clock_();
    if (anyway && (groups_.change_count() > 0 || interval_lost_ > 0))
        close_interval();
    else
        close_interval_when_due();
    std::vector<std::shared_ptr<const FlowInterval>> out;
    for (const auto& interval : intervals_)
        if (interval->number > taken_) out.push_back(interval);
    taken_ = last_number_;
    return out;
}

}  // namespace drywall::observe
