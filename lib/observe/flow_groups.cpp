#include "flow_groups.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace drywall::observe {

namespace {

std::size_t mixed(std::size_t seed, std::size_t value) noexcept {
    return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

std::size_t hash_of(const net::AddressBytes& bytes) noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

GroupKey key_of(const net::Tuple& tuple, Decision decision) {
    return {tuple.source, tuple.destination, tuple.family, tuple.protocol, tuple.destination_port, std::move(decision)};
}

std::size_t FlowGroups::KeyHash::operator()(const GroupKey& key) const {
    const std::size_t service = (std::size_t{key.protocol} << 16) | key.destination_port;
    return mixed(mixed(mixed(hash_of(key.source), hash_of(key.destination)), service),
                 std::hash<Decision>{}(key.decision));
}

FlowGroups::FlowGroups(std::size_t most) : most_(std::max<std::size_t>(1, most)) {}

FlowGroups::Group* FlowGroups::find(const GroupKey& key) {
    const auto known = by_key_.find(key);
    return known == by_key_.end() ? nullptr : &*known->second;
}

FlowGroups::Group* FlowGroups::find(std::uint64_t serial) {
    const auto known = by_serial_.find(serial);
    return known == by_serial_.end() ? nullptr : &*known->second;
}

FlowGroups::Group& FlowGroups::add(GroupKey key, FlowRecord record, WallTime now) {
    if (groups_.size() >= most_) evict_quietest();
    record.first_seen = now;
    groups_.push_back({.key = key,
                       .total = std::move(record),
                       .serial = ++last_serial_,
                       .in_interval = {},
                       .changed_first = {},
                       .self = {}});
    const auto place = std::prev(groups_.end());
    place->self = place;
    by_key_.emplace(std::move(key), place);
    by_serial_.emplace(place->serial, place);
    return *place;
}

void FlowGroups::count(Group& group, const Counted& counted, WallTime now) {
    for (telemetry::PacketsBytes* forward : {&group.total.forward, &group.in_interval.forward})
        *forward += counted.forward;
    for (telemetry::PacketsBytes* reverse : {&group.total.reverse, &group.in_interval.reverse})
        *reverse += counted.reverse;
    group.total.connections_started += counted.started;
    group.total.connections_completed += counted.completed;
    group.in_interval.started += counted.started;
    group.in_interval.completed += counted.completed;
    if (group.change == kUnchanged) {
        group.change = changed_.size();
        group.changed_first = now;
        changed_.push_back(&group);
    }
    group.sequence = ++sequence_;
    group.total.last_seen = now;
    groups_.splice(groups_.end(), groups_, group.self);
}

FlowRecord FlowGroups::change_of(const Group& group) {
    FlowRecord record = group.total;
    record.connections_started = group.in_interval.started;
    record.connections_completed = group.in_interval.completed;
    record.forward = group.in_interval.forward;
    record.reverse = group.in_interval.reverse;
    record.first_seen = group.changed_first;
    return record;
}

void FlowGroups::evict_quietest() {
    const Group& group = groups_.front();
    if (group.change != kUnchanged) {
        of_evicted_.push_back(change_of(group));
        changed_[group.change] = nullptr;
    }
    evicted_sequence_ = group.sequence;
    by_key_.erase(group.key);
    by_serial_.erase(group.serial);
    groups_.pop_front();
    ++evicted_;
}

std::vector<FlowRecord> FlowGroups::changes() const {
    std::vector<FlowRecord> out = of_evicted_;
    out.reserve(out.size() + changed_.size());
    for (const Group* group : changed_)
        if (group != nullptr) out.push_back(change_of(*group));
    return out;
}

std::vector<FlowRecord> FlowGroups::take_changes() {
    std::vector<FlowRecord> out = std::exchange(of_evicted_, {});
    out.reserve(out.size() + changed_.size());
    for (Group* group : changed_) {
        if (group == nullptr) continue;
        out.push_back(change_of(*group));
        group->in_interval = {};
        group->change = kUnchanged;
    }
    changed_.clear();
    return out;
}

}  // namespace drywall::observe
