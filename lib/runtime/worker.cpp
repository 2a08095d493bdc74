#include "worker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "drywall/net/ethernet.h"

namespace drywall::runtime {

namespace {
engine::EngineSettings settings_for(WorkerId id, const DataplaneSettings& settings) {
    engine::EngineSettings own = settings.engine;
    own.worker = id;
    return own;
}
}  // namespace

Worker::Worker(WorkerId id, const DataplaneSettings& settings, const std::atomic<const InForce*>& in_force,
               Quiescence& quiescence, const std::atomic<bool>& stop, DropDesk& drops)
    : id_(id),
      core_(settings.worker_cores[index(id)]),
      queue_(static_cast<std::uint16_t>(index(id))),
      ports_(settings.ports),
      in_force_(in_force),
      quiescence_(quiescence),
      stop_(stop),
      counters_(settings.ports.size()),
      engine_(settings_for(id, settings), counters_),
      ring_(settings.event_ring),
      request_ring_(settings.request_ring),
      pool_(settings.frames),
      drops_(drops),
      census_(settings.census_ring),
      idle_(settings.busy),
      sweep_pace_(settings.engine),
      leaving_(settings.ports.size()),
      heartbeat_(monotonic_now().since_start.count()),
      largest_(settings.ports.size()) {
    for (std::size_t port = 0; port < ports_.size(); ++port) take_up_to(port, ports_[port]->loses_beyond());
}

void Worker::run() noexcept {
    quiescence_.online(id_);
    while (!stop_.load(std::memory_order_relaxed)) {
        const bool work = turn();
        quiescence_.pass(id_);
        idle_.found(work);
    }
    quiescence_.offline(id_);
    finished_.store(true, std::memory_order_release);
}

bool Worker::turn() noexcept {
    // One load per turn: every burst of the turn is judged wholly by one generation.
    const InForce& in_force = *in_force_.load(std::memory_order_acquire);
    const Instant now = monotonic_now();
    heartbeat_.store(now.since_start.count(), std::memory_order_relaxed);
    count_time(now);

    bool work = false;
    for (std::size_t port = 0; port < ports_.size(); ++port) work |= poll(port, in_force, now);
    sweep(now);
    work |= answer_census(in_force, now);

    show_flow_counts();
    counters_.loops.add(1);
    turn_worked_ = work;
    return work;
}

void Worker::sweep(Instant now) noexcept {
    for (auto steps = sweep_pace_.due(now, engine_.flow_count(), turn_worked_); steps > 0; --steps) {
        engine_.sweep(now, batch_);
        hand_over_events();
    }
}

// A turn lasts until the next one begins; the worker never sleeps behind one that found something to do.
void Worker::count_time(Instant now) noexcept {
    if (turn_worked_) counters_.busy.add(static_cast<std::uint64_t>((now - turn_began_).count()));
    turn_began_ = burst_began_ = now;
}

void Worker::show_flow_counts() noexcept {
    flows_.store(engine_.flow_count(), std::memory_order_relaxed);
    inspected_.store(engine_.inspection().contexts, std::memory_order_relaxed);
    const flow::StateCounts& counts = engine_.flow_counts();
    if (counts == shown_) return;
    for (std::size_t state = 0; state < counts.by_state.size(); ++state)
        flows_by_state_[state].store(counts.by_state[state], std::memory_order_relaxed);
    half_open_.store(counts.half_open, std::memory_order_relaxed);
    shown_ = counts;
}

flow::StateCounts Worker::flow_counts() const noexcept {
    flow::StateCounts counts;
    for (std::size_t state = 0; state < counts.by_state.size(); ++state)
        counts.by_state[state] = flows_by_state_[state].load(std::memory_order_relaxed);
    counts.half_open = half_open_.load(std::memory_order_relaxed);
    return counts;
}

bool Worker::poll(std::size_t port, const InForce& in_force, Instant now) noexcept {
    io::Port& ingress = *ports_[port];
    const std::size_t received = ingress.receive(queue_, frames_);
    if (received == 0) return ingress.moved_frames(queue_);
    counters_.bursts.add(1);

    for (std::size_t i = 0; i < received; ++i) views_[i] = frames_[i].view;
    engine_.process(std::span(views_).first(received), *in_force.ruleset, *in_force.counters[index(id_)], now,
                    decisions_, batch_, in_force.existing(now), in_force.workspace(id_));
    hand_over_events();
    if (!engine_.requests().empty()) hand_over_requests();

    const Arrival arrival{port, received, in_force, now};
    sort_by_fate(received);
    for (std::size_t egress = 0; egress < ports_.size(); ++egress) transmit(egress, arrival);
    if (!dropped_.empty()) {
        show_drops(arrival);
        send_resets(arrival);
    }
    ingress.release(dropped_.span());
    dropped_.clear();

    const Instant done = monotonic_now();
    counters_.residence.add(received, (done - burst_began_).count());
    burst_began_ = done;
    return true;
}

void Worker::sort_by_fate(std::size_t received) noexcept {
    for (std::size_t i = 0; i < received; ++i) {
        const engine::Decision& decision = decisions_[i];
        if (decision.drop == DropReason::kNone)
            leaving_[index(decision.egress)].push_back(frames_[i]);
        else
            dropped_.push_back(frames_[i]);
    }
}

void Worker::transmit(std::size_t port, const Arrival& arrival) noexcept {
    Burst& burst = leaving_[port];
    if (burst.empty()) return;
    drop_too_large(port, arrival);
    const std::size_t taken = ports_[port]->transmit(queue_, burst.span());
    telemetry::PacketsBytes left{taken, 0};
    for (const io::Frame& frame : burst.span().first(taken)) left.bytes += frame.view.length;
    counters_.transmitted[port].add(left);
    counters_.forwarded[arrival.port].add(left);
    if (taken < burst.size()) refuse(burst.span().subspan(taken), DropReason::kTxRefused, arrival);
    burst.clear();
}

// What the port would take and lose. Tags stand before the packet and are none of it.
void Worker::drop_too_large(std::size_t port, const Arrival& arrival) noexcept {
    const std::uint16_t largest = largest_[port].load(std::memory_order_relaxed);
    if (largest == 0) return;
    const auto is_too_large = [largest](const io::Frame& frame) {
        constexpr std::uint32_t kEthernetBytes = 14;
        const net::FrameView& view = frame.view;
        if (view.length <= kEthernetBytes + largest) return false;
        const auto layer = net::network_layer(view.data, view.contiguous);
        return view.length - (layer ? layer->offset : kEthernetBytes) > largest;
    };
    Burst& burst = leaving_[port];
    if (std::none_of(burst.begin(), burst.end(), is_too_large)) return;
    const Burst all = burst;
    burst.clear();
    for (const io::Frame& frame : all) (is_too_large(frame) ? too_large_ : burst).push_back(frame);
    refuse(too_large_.span(), DropReason::kEgressMtu, arrival);
    too_large_.clear();
}

void Worker::refuse(std::span<io::Frame> refused, DropReason reason, const Arrival& arrival) noexcept {
    const std::uint64_t asked = drops_.asked();
    for (const io::Frame& frame : refused) {
        counters_.dropped.add(arrival.port, reason, frame.view.length);
        if (asked != DropDesk::kNobody) show_drop(asked, frame, {.drop = reason}, arrival);
    }
    ports_[arrival.port]->release(refused);
}

// Copies of what the engine dropped, for whoever looks.
void Worker::show_drops(const Arrival& arrival) noexcept {
    const std::uint64_t asked = drops_.asked();
    if (asked == DropDesk::kNobody) return;
    for (std::size_t i = 0; i < arrival.received; ++i)
        if (decisions_[i].drop != DropReason::kNone) show_drop(asked, frames_[i], decisions_[i], arrival);
}

void Worker::show_drop(std::uint64_t asked, const io::Frame& frame, const engine::Decision& decision,
                       const Arrival& arrival) noexcept {
    drops_.hand_over(asked,
                     {.time = arrival.at,
                      .generation = arrival.in_force.ruleset->generation(),
                      .trace = decision.trace,
                      .length = frame.view.length,
                      .ingress = PortId(arrival.port),
                      .reason = decision.drop},
                     {frame.view.data, frame.view.contiguous});
}

void Worker::hand_over_events() noexcept {
    const std::size_t pushed = ring_.push(batch_.span());
    if (pushed < batch_.size()) counters_.events_lost.add(batch_.size() - pushed);
    batch_.clear();
}

void Worker::hand_over_requests() noexcept {
    const auto requests = engine_.requests();
    const std::size_t pushed = request_ring_.push(requests);
    if (pushed < requests.size()) counters_.requests_untold.add(requests.size() - pushed);
    engine_.forget_requests();
}

// Both ends of a connection that asked for what is denied are told, in each other's name.
void Worker::send_resets(const Arrival& arrival) noexcept {
    for (std::size_t i = 0; i < arrival.received; ++i) {
        if (!decisions_[i].reset) continue;
        send_reset(i, net::ResetTo::kReceiver, decisions_[i].egress);
        send_reset(i, net::ResetTo::kSender, PortId(arrival.port));
    }
}

// Without a frame, or room in the device's queue, it is not sent: who sends the segment again will be told again.
void Worker::send_reset(std::size_t packet, net::ResetTo to, PortId egress) noexcept {
    if (pool_ == nullptr) return;
    std::array<std::uint8_t, net::kMaxResetBytes> bytes{};
    const auto length =
        static_cast<std::uint16_t>(net::write_tcp_reset(views_[packet], net::parse(views_[packet]), to, bytes));
    io::Frame frame;
    if (length == 0 || !pool_->allocate({&frame, 1}, {&length, 1})) return;
    std::memcpy(io::FramePool::bytes(frame), bytes.data(), length);
    if (ports_[index(egress)]->transmit(queue_, {&frame, 1}) == 0) {
        ports_[index(egress)]->release({&frame, 1});
        return;
    }
    counters_.transmitted[index(egress)].add(length);
    counters_.resets_sent.add(1);
}

// The next part of it, if anyone asks. While it waits for room it counts as nothing to do, so that the worker may
// sleep.
bool Worker::answer_census(const InForce& in_force, Instant now) noexcept {
    const std::uint64_t asked = census_.asked();
    if (asked == census_over_) return false;
    if (asked == CensusDesk::kNobody) {
        census_over_ = asked;
        return false;
    }
    if (asked != census_begun_) {
        engine_.begin_census();
        census_begun_ = asked;
    }
    const std::size_t room = census_.room();
    if (room == 0) return false;
    const bool last = engine_.census(now, in_force.ruleset->generation(), in_force.existing(now), room, found_);
    census_.hand_over(asked, found_.span(), last);
    found_.clear();
    if (last) census_over_ = asked;
    return true;
}

}  // namespace drywall::runtime
