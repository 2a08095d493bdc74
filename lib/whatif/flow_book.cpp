#include "flow_book.h"

#include <algorithm>

#include "drywall/flow/key.h"

namespace drywall::whatif {

using telemetry::FlowEvent;
using telemetry::FlowEventKind;
using telemetry::PacketsBytes;

void FlowBook::enter(const FlowEvent& event) {
    if (event.kind == FlowEventKind::kDenied) return denied(event);
    if (event.kind == FlowEventKind::kOpened) return opened(event);
    if (event.kind == FlowEventKind::kEnded) return ended(event);
    // Nothing else happens to connections that one generation judges from beginning to end.
}

FlowBook::Parties FlowBook::parties_of(const net::Tuple& tuple) noexcept {
    Parties parties{
        tuple.source, tuple.destination, tuple.source_port, tuple.destination_port, tuple.protocol, tuple.family, 0};
    if (net::is_icmp(tuple.protocol)) parties.destination_port = 0;
    return parties;
}

// Who asked, if the packet is an answer.
FlowBook::Parties FlowBook::asked_by(const net::Tuple& answer) noexcept {
    Parties parties = parties_of(answer);
    std::swap(parties.source, parties.destination);
    std::swap(parties.source_port, parties.destination_port);
    return parties;
}

const std::uint32_t* FlowBook::denied_group(const Parties& parties) const {
    const auto found = denied_.find(parties);
    return found == denied_.end() ? nullptr : &found->second;
}

void FlowBook::denied(const FlowEvent& event) {
    const bool can_answer = !net::is_icmp(event.tuple.protocol) || flow::is_icmp_reply(event.tuple);
    if (const std::uint32_t* group = denied_group(parties_of(event.tuple)))
        return touch(*group, event.time.since_start, event.forward, {});
    if (const std::uint32_t* group = can_answer ? denied_group(asked_by(event.tuple)) : nullptr)
        return touch(*group, event.time.since_start, {}, event.forward);
    const std::uint32_t group = start_connection(event);
    touch(group, event.time.since_start, event.forward, {});
    if (denied_.size() < most_denied_)
        denied_.emplace(parties_of(event.tuple), group);
    else
        exact_ = false;
}

void FlowBook::opened(const FlowEvent& event) {
    if (denied_group(asked_by(event.tuple)) != nullptr) return;  // its packets are counted when it ends
    touch(start_connection(event), event.time.since_start, {}, {});
}

void FlowBook::ended(const FlowEvent& event) {
    // Its time is that at which it timed out: no packet had it.
    if (const std::uint32_t* group = denied_group(asked_by(event.tuple)))
        return touch(*group, Nanos{0}, event.reverse, event.forward);
    touch(group_of(event), Nanos{0}, event.forward, event.reverse);
}

std::uint32_t FlowBook::start_connection(const FlowEvent& event) {
    ++connections_[index(event.trace)];
    const std::uint32_t group = group_of(event);
    if (group == kNoGroup)
        ++left_out_;
    else
        ++flows_[group].connections;
    return group;
}

std::uint32_t FlowBook::group_of(const FlowEvent& event) {
    GroupKey key{parties_of(event.tuple), event.trace};
    key.parties.source_port = 0;
    key.parties.destination_port = event.tuple.destination_port;
    if (const auto known = groups_.find(key); known != groups_.end()) return known->second;
    if (flows_.size() >= most_flows_) return kNoGroup;

    const auto number = static_cast<std::uint32_t>(flows_.size());
    groups_.emplace(key, number);
    ReplayedFlow flow;
    flow.source = {event.tuple.family, event.tuple.source};
    flow.destination = {event.tuple.family, event.tuple.destination};
    flow.protocol = event.tuple.protocol;
    flow.destination_port = event.tuple.destination_port;
    flow.trace = event.trace;
    flow.first = event.time.since_start;
    flow.last = flow.first;
    flows_.push_back(flow);
    return number;
}

void FlowBook::touch(std::uint32_t group, Nanos time, const PacketsBytes& forward, const PacketsBytes& reverse) {
    if (group == kNoGroup) return;
    ReplayedFlow& flow = flows_[group];
    flow.forward += forward;
    flow.reverse += reverse;
    flow.last = std::max(flow.last, time);
}

}  // namespace drywall::whatif
