#include "drywall/flow/flow_table.h"

#include <cassert>

#include "drywall/base/prefetch.h"
#include "hash.h"

namespace drywall::flow {

namespace {

std::array<Nanos, kFlowStates> tcp_timeouts(const Timeouts& timeouts) {
    std::array<Nanos, kFlowStates> result;
    result.fill(timeouts.tcp_transitory);
    result[static_cast<std::size_t>(FlowState::kEstablished)] = timeouts.tcp_established;
    for (std::size_t i = 0; i < kFlowStates; ++i) {
        if (is_half_open(static_cast<FlowState>(i))) result[i] = timeouts.tcp_half_open;
        if (is_over(static_cast<FlowState>(i))) result[i] = timeouts.tcp_closed;
    }
    return result;
}

std::array<Nanos, 256> protocol_timeouts(const Timeouts& timeouts, bool answered) {
    std::array<Nanos, 256> result;
    result.fill(timeouts.other);
    result[net::protocol::kUdp] = timeouts.udp;
    result[net::protocol::kSctp] = answered ? timeouts.sctp : timeouts.sctp_half_open;
    result[net::protocol::kIcmp] = timeouts.icmp;
    result[net::protocol::kIcmpv6] = timeouts.icmp;
    return result;
}

Source source_of(const FlowKey& key, Side sender) noexcept {
    return {sender == Side::kNear ? key.near_address : key.far_address, static_cast<std::uint32_t>(key.family)};
}

// The second line of an entry, which record() writes.
void prefetch_entry(const Flow& flow) noexcept {
    prefetch_to_write(&flow);
    prefetch_to_write(&flow.forward);
}

}  // namespace

net::Tuple Flow::initiator_tuple() const noexcept {
    const bool near = initiator == Side::kNear;
    net::Tuple tuple{.source = near ? key.near_address : key.far_address,
                     .destination = near ? key.far_address : key.near_address,
                     .source_port = near ? key.near_port : key.far_port,
                     .destination_port = near ? key.far_port : key.near_port,
                     .protocol = key.protocol,
                     .family = key.family,
                     .ingress_port = ingress_port};
    if (net::is_icmp(key.protocol)) {
        tuple.source_port = 0;
        tuple.destination_port = key.far_port & 0xff00;  // the request's type, code 0
    }
    return tuple;
}

FlowTable::FlowTable(std::uint32_t capacity, const Timeouts& timeouts, std::uint64_t hash_seed, Sources sources)
    : flows_(capacity),
      notes_(capacity),
      index_(capacity),
      tcp_timeouts_(tcp_timeouts(timeouts)),
      timeouts_(protocol_timeouts(timeouts, false)),
      answered_timeouts_(protocol_timeouts(timeouts, true)),
      hash_seed_(hash_seed) {
    if (sources == Sources::kCounted) sources_.emplace(capacity, hash_seed);
}

inline std::uint64_t FlowTable::hash_of(const FlowKey& key) const noexcept { return hash(key, hash_seed_); }

void FlowTable::find(std::span<const FlowKey> keys, std::span<Flow*> found) noexcept {
    assert(keys.size() <= kMaxBurst && found.size() >= keys.size());
    std::array<std::uint64_t, kMaxBurst> hashes;
    std::array<std::uint32_t, kMaxBurst> candidates;

    for (std::size_t i = 0; i < keys.size(); ++i) {
        hashes[i] = hash_of(keys[i]);
        index_.prefetch(hashes[i]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        candidates[i] = index_.candidate(hashes[i]);
        if (candidates[i] != BucketIndex::kNone)
            prefetch_entry(flows_[candidates[i]]);
        else
            index_.prefetch_other(hashes[i]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {  // few, unless somebody fills the home buckets of others on purpose
        if (candidates[i] != BucketIndex::kNone) continue;
        candidates[i] = index_.candidate_elsewhere(hashes[i]);
        if (candidates[i] != BucketIndex::kNone) prefetch_entry(flows_[candidates[i]]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const bool right = candidates[i] != BucketIndex::kNone && flows_[candidates[i]].key == keys[i];
        found[i] = right ? &flows_[candidates[i]] : find(keys[i], hashes[i]);
    }
}

Flow* FlowTable::find(const FlowKey& key) noexcept { return find(key, hash_of(key)); }

Flow* FlowTable::find(const FlowKey& key, std::uint64_t hash) noexcept {
    const std::uint32_t entry = index_.find(hash, [&](std::uint32_t e) { return flows_[e].key == key; });
    return entry == BucketIndex::kNone ? nullptr : &flows_[entry];
}

bool FlowTable::is_answered_anew(const Flow& flow, Side sender, const net::TcpSegment& segment) const noexcept {
    const TcpEvent event = tcp_event(segment.flags);
    const bool answers = event == TcpEvent::kSynAck || (event == TcpEvent::kRst && segment.has(net::tcp_flag::kAck));
    const std::uint32_t asked = notes(flow).asked_again;
    return answers && sender != flow.initiator && asked != 0 && segment.acknowledged == asked;
}

void FlowTable::begin_again(Flow& flow, const net::TcpSegment& answer) noexcept {
    tcp_begin(flow.tcp, opposite(flow.initiator), answer);
    notes(flow).asked_again = 0;
    move(flow, FlowState::kNew);
}

Flow* FlowTable::open(const FlowKey& key, std::uint16_t ingress_port, const Arrival& first) noexcept {
    assert(find(key) == nullptr);
    const std::uint32_t entry = take_free_entry();
    if (entry == BucketIndex::kNone) return nullptr;
    if (!index_.insert(hash_of(key), entry)) {
        give_back_entry(entry);
        return nullptr;
    }
    Flow& flow = flows_[entry];
    flow = Flow{};
    flow.key = key;
    flow.last_seen = first.at;
    notes_[entry] = FlowNotes{};
    move(flow, FlowState::kNew);
    flow.initiator = first.sender;
    flow.ingress_port = ingress_port;
    if (first.tcp != nullptr) tcp_begin(flow.tcp, first.sender, *first.tcp);
    notes_[entry].id = ++last_id_;
    // Its opening told of the first packet, and of none that came in the same instant.
    notes_[entry].reported = first.at;
    if (sources_) sources_->add(source_of(key, first.sender));
    ++size_;
    return &flow;
}

std::uint32_t FlowTable::opened_by_source(const FlowKey& key, Side sender) const noexcept {
    return sources_->count(source_of(key, sender));
}

// What still arrives on a connection that is over does not keep its entry alive, nor does what repeats a step of the
// handshake, nor what moves nothing.
void FlowTable::record_tcp(Flow& flow, const Arrival& packet) noexcept {
    if (packet.tcp == nullptr) return;
    const FlowState before = flow.state;
    tcp_advance(flow.tcp, before, packet.sender, *packet.tcp);
    move(flow, tcp_step(before, tcp_event(packet.tcp->flags), packet.sender == flow.initiator).next);
    const bool repeats = flow.state == before && is_half_open(before) && !flow.tcp.loose();
    if (!is_over(before) && !repeats) flow.last_seen = packet.at;
}

void FlowTable::remove(Flow& flow) noexcept {
    assert(flow.state != FlowState::kFree);
    const std::uint32_t entry = entry_of(flow);
    index_.erase(hash_of(flow.key), entry);
    if (sources_) sources_->take(source_of(flow.key, flow.initiator));
    move(flow, FlowState::kFree);
    give_back_entry(entry);
    --size_;
}

// Every change of a state goes through here, and most packets change none. REQUIRES: flow.key is that of the flow
void FlowTable::move(Flow& flow, FlowState next) noexcept {
    if (flow.state == next) return;
    if (flow.state != FlowState::kFree) --counts_.by_state[static_cast<std::size_t>(flow.state)];
    if (next != FlowState::kFree) ++counts_.by_state[static_cast<std::size_t>(next)];
    const What waited = waits(flow, flow.state);
    const What will_wait = waits(flow, next);
    flow.state = next;
    if (waited == will_wait) return;
    if (waited != kForNothing) leave(waiting_[waited], flow);
    if (will_wait != kForNothing) join(waiting_[will_wait], flow);
    counts_.half_open = waiting_[kForHandshake].size;
}

void FlowTable::join(Waiting& waiting, Flow& flow) noexcept {
    const std::uint32_t entry = entry_of(flow);
    notes_[entry].older = waiting.youngest;
    notes_[entry].younger = BucketIndex::kNone;
    (waiting.youngest == BucketIndex::kNone ? waiting.oldest : notes_[waiting.youngest].younger) = entry;
    waiting.youngest = entry;
    ++waiting.size;
}

void FlowTable::leave(Waiting& waiting, Flow& flow) noexcept {
    const FlowNotes& left = notes(flow);
    (left.older == BucketIndex::kNone ? waiting.oldest : notes_[left.older].younger) = left.younger;
    (left.younger == BucketIndex::kNone ? waiting.youngest : notes_[left.younger].older) = left.older;
    --waiting.size;
}

std::uint32_t FlowTable::take_free_entry() noexcept {
    if (first_free_ != BucketIndex::kNone) {
        const std::uint32_t entry = first_free_;
        first_free_ = notes_[entry].younger;
        return entry;
    }
    return used_ < flows_.size() ? used_++ : BucketIndex::kNone;
}

void FlowTable::give_back_entry(std::uint32_t entry) noexcept {
    notes_[entry].younger = first_free_;
    first_free_ = entry;
}

// How many entries a round that began at report_began_ should have looked at by now and has not. A round that is done
// early waits; one that is late goes on at the pace of `most`.
std::size_t FlowTable::due_for_report(Instant now, Nanos interval, std::size_t most) noexcept {
    if (report_cursor_ >= used_) {
        if (now - report_began_ < interval) return 0;
        report_cursor_ = 0;
        report_began_ = now;
    }
    const double passed = static_cast<double>((now - report_began_).count()) / static_cast<double>(interval.count());
    const auto wanted = static_cast<std::size_t>(std::clamp(passed, 0.0, 1.0) * static_cast<double>(used_));
    return wanted <= report_cursor_ ? 0 : std::min(most, wanted - report_cursor_);
}

}  // namespace drywall::flow
