#include "flow_book.h"

#include <algorithm>
#include <cassert>

#include "drywall/base/prefetch.h"
#include "drywall/flow/bucket_index.h"
#include "drywall/flow/key.h"

namespace drywall::whatif {

using telemetry::FlowEvent;
using telemetry::FlowEventKind;
using telemetry::PacketsBytes;

namespace {
constexpr std::uint32_t kNoEntry = flow::BucketIndex::kNone;
}  // namespace

void FlowBook::enter(std::span<const FlowEvent> events) {
    assert(events.size() <= places_.size());
    find_ahead(events);
    for (std::size_t i = 0; i < events.size(); ++i) switch (events[i].kind) {
            case FlowEventKind::kDenied: denied(events[i], places_[i]); break;
            case FlowEventKind::kOpened: opened(events[i], places_[i]); break;
            case FlowEventKind::kEnded: ended(events[i], places_[i]); break;
            // Does not happen to connections that one generation judges from beginning to end.
            case FlowEventKind::kRejudged:
            case FlowEventKind::kCut:
            case FlowEventKind::kProgress: break;
        }
}

// One step over all events at a time: hash, look into the index, look at the entry, and fetch what will be written.
void FlowBook::find_ahead(std::span<const FlowEvent> events) noexcept {
    const bool denies = std::any_of(events.begin(), events.end(),
                                    [](const FlowEvent& event) { return event.kind == FlowEventKind::kDenied; });
    if (!denies && denied_.size() == 0) return;  // then places are not asked for
    const std::span<Place> places = std::span(places_).first(events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        place(events[i].tuple, places[i]);
        denied_.prefetch(places[i].hash);
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
        Place& place = places[i];
        place.candidate = denied_.candidate(place.hash);
        if (place.candidate != kNoEntry) continue;  // else it starts a connection, which has to be put in a group
        place.group_hash = flows_.hash_of(group_key(events[i]));
        flows_.prefetch(place.group_hash);
    }
    for (const Place& place : places) {
        if (place.candidate == kNoEntry) {
            (void)flows_.candidate(place.group_hash);
            continue;
        }
        const std::uint32_t group = denied_[place.candidate].groups[place.onward];
        if (group >= flows_.size()) continue;
        prefetch_to_write(&flows_[group].forward);
        prefetch_to_write(&flows_[group].last);
    }
}

FlowBook::Parties FlowBook::parties_of(const net::Tuple& tuple) noexcept {
    return {
        tuple.source, tuple.destination, tuple.source_port, tuple.destination_port, tuple.protocol, tuple.family, 0};
}

void FlowBook::place(const net::Tuple& tuple, Place& place) const noexcept {
    using Words = std::array<std::uint64_t, 2>;
    Parties key = parties_of(tuple);
    if (net::is_icmp(key.protocol)) key.destination_port = 0;
    const auto order = std::pair(std::bit_cast<Words>(key.source), key.source_port) <=>
                       std::pair(std::bit_cast<Words>(key.destination), key.destination_port);
    if (order > 0) {
        std::swap(key.source, key.destination);
        std::swap(key.source_port, key.destination_port);
    }
    place.key = key;
    place.hash = denied_.hash_of(key);
    place.onward = order > 0 ? 1 : 0;
    place.back = order < 0 ? 1 : 0;
}

// The entry of a connection in `denied_`, or kNoEntry.
std::uint32_t FlowBook::denied_entry(const Place& place) const noexcept {
    if (denied_.size() == 0) return kNoEntry;
    return denied_.find(place.key, place.hash, place.candidate);
}

// By direction.
std::array<std::uint32_t, 2> FlowBook::denied_groups(std::uint32_t entry) const noexcept {
    return entry == kNoEntry ? std::array{kNotDenied, kNotDenied} : denied_[entry].groups;
}

// False: there are too many. REQUIRES: number == denied_entry(place), denied_groups(number)[place.onward] == kNotDenied
bool FlowBook::note_denied(const Place& place, std::uint32_t number, std::uint32_t group) {
    if (denied_count_ >= most_denied_) return false;
    if (number == kNoEntry) number = denied_.add({place.key, {kNotDenied, kNotDenied}}, place.hash);
    if (number == kNoEntry) return false;
    denied_[number].groups[place.onward] = group;
    ++denied_count_;
    return true;
}

void FlowBook::denied(const FlowEvent& event, const Place& place) {
    const std::uint32_t entry = denied_entry(place);
    const auto groups = denied_groups(entry);
    if (groups[place.onward] != kNotDenied)
        return touch(groups[place.onward], event.time.since_start, event.forward, {});
    const bool can_answer = !net::is_icmp(event.tuple.protocol) || flow::is_icmp_reply(event.tuple);
    if (can_answer && groups[place.back] != kNotDenied)
        return touch(groups[place.back], event.time.since_start, {}, event.forward);
    const GroupKey key = group_key(event);
    const std::uint64_t hash = place.candidate == kNoEntry ? place.group_hash : flows_.hash_of(key);
    const std::uint32_t group = start_connection(event, key, hash);
    touch(group, event.time.since_start, event.forward, {});
    if (!note_denied(place, entry, group)) exact_ = false;
}

void FlowBook::opened(const FlowEvent& event, const Place& place) {
    if (denied_groups(denied_entry(place))[place.back] != kNotDenied) return;  // its packets are counted when it ends
    const GroupKey key = group_key(event);
    touch(start_connection(event, key, flows_.hash_of(key)), event.time.since_start, {}, {});
}

void FlowBook::ended(const FlowEvent& event, const Place& place) {
    // Its time is that at which it timed out: no packet had it.
    if (const std::uint32_t group = denied_groups(denied_entry(place))[place.back]; group != kNotDenied)
        return touch(group, Nanos{0}, event.reverse, event.forward);
    const GroupKey key = group_key(event);
    touch(group_of(event, key, flows_.hash_of(key)), Nanos{0}, event.forward, event.reverse);
}

std::uint32_t FlowBook::start_connection(const FlowEvent& event, const GroupKey& key, std::uint64_t hash) {
    ++connections_[index(event.trace)];
    const std::uint32_t group = group_of(event, key, hash);
    if (group == kNoGroup)
        ++left_out_;
    else
        ++flows_[group].connections;
    return group;
}

FlowBook::GroupKey FlowBook::group_key(const FlowEvent& event) noexcept {
    GroupKey key{parties_of(event.tuple), event.trace};
    key.parties.source_port = 0;
    return key;
}

std::uint32_t FlowBook::group_of(const FlowEvent& event, const GroupKey& key, std::uint64_t hash) {
    if (const std::uint32_t known = flows_.find(key, hash); known != kNoEntry) return known;
    if (flows_.size() >= most_flows_) return kNoGroup;
    ReplayedFlow flow;
    flow.source = {event.tuple.family, event.tuple.source};
    flow.destination = {event.tuple.family, event.tuple.destination};
    flow.protocol = event.tuple.protocol;
    flow.destination_port = event.tuple.destination_port;
    flow.trace = event.trace;
    flow.first = event.time.since_start;
    flow.last = flow.first;
    const std::uint32_t number = flows_.add(flow, hash);
    return number == kNoEntry ? kNoGroup : number;
}

void FlowBook::touch(std::uint32_t group, Nanos time, const PacketsBytes& forward, const PacketsBytes& reverse) {
    if (group == kNoGroup) return;
    ReplayedFlow& flow = flows_[group];
    flow.forward += forward;
    flow.reverse += reverse;
    flow.last = std::max(flow.last, time);
}

}  // namespace drywall::whatif
