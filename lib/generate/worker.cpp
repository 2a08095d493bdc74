#include "worker.h"

#include <algorithm>

#include "drywall/loader/traffic_profile.h"
#include "drywall/net/checksum.h"
#include "drywall/net/tcp_segment.h"

namespace drywall::generate {

using loader::kFcsBytes;

Worker::Worker(WorkerSettings settings)
    : settings_(std::move(settings)),
      nanoseconds_per_tick_(1e9 / settings_.times->ticks_per_second),
      incoming_(settings_.streams.size()),
      outputs_(settings_.ports.size()) {
    const auto open_output = [this](std::size_t port) {
        if (!outputs_[port])
            outputs_[port] = std::make_unique<SegmentOutput>(*settings_.ports[port], *settings_.frames);
    };
    for (const auto& [client, port] : settings_.clients) open_output(port);
    for (const auto& [server, port] : settings_.servers) open_output(port);
    for (std::size_t stream = 0; stream < incoming_.size(); ++stream) {
        const std::size_t to = settings_.ports_to[stream];
        const auto& mine = settings_.receives_on;
        if (std::find(mine.begin(), mine.end(), to) == mine.end()) continue;
        incoming_[stream].order = std::make_unique<SequenceTracker>(settings_.window);
        incoming_[stream].latency = std::make_unique<LatencyHistogram>();
        const std::uint64_t flows = settings_.streams[stream].source->flows();
        if (settings_.gaps && flows <= kMostFlowsWithGaps) incoming_[stream].last_by_flow.resize(flows);
    }
}

void Worker::run() noexcept {
    while (!settings_.times->stop.load(std::memory_order_acquire)) turn(settings_.ticks());
}

bool Worker::turn(std::uint64_t now) noexcept {
    bool busy = false;
    for (const std::size_t port : settings_.receives_on) busy |= receive(port, now);
    if (now < settings_.times->start) return busy;
    if (!finished_.load(std::memory_order_relaxed)) busy |= send_all(now);
    return turn_connections(now) || busy;
}

bool Worker::receive(std::size_t port, std::uint64_t now) noexcept {
    std::array<io::Frame, kMaxBurst> frames;
    const std::uint16_t count = settings_.ports[port]->receive(0, frames);
    if (count == 0) return false;
    for (std::uint16_t i = 0; i < count; ++i) note(port, frames[i], now);
    settings_.ports[port]->release(std::span(frames).first(count));
    return true;
}

void Worker::note(std::size_t port, const io::Frame& frame, std::uint64_t now) noexcept {
    const net::FrameView& view = frame.view;
    PortCounts& counts = settings_.port_counts[port];
    const std::uint32_t bytes = view.length + kFcsBytes;
    counts.received.add(std::uint64_t{bytes});
    // A frame in several buffers ends in one that can't be seen; the generator sends none such.
    if (view.contiguous != view.length || view.length < kSignatureBytes) return counts.foreign.add(1);
    const Signature signature = Signature::read(view.data + view.length - kSignatureBytes);
    if (signature.magic != settings_.magic || signature.stream >= incoming_.size()) {
        if (signature.magic == settings_.magic_before) return counts.stale.add(1);
        const bool known = outputs_[port] && take_segment(port, view, now);
        return (known ? counts.segments : counts.foreign).add(1);
    }
    Incoming& stream = incoming_[signature.stream];
    if (settings_.ports_to[signature.stream] != port)
        ++stream.elsewhere;
    else
        note_order(stream, signature, bytes, now);
}

void Worker::note_order(Incoming& stream, const Signature& signature, std::uint32_t bytes, std::uint64_t now) noexcept {
    const Arrival arrival = stream.order->note(signature.sequence);
    if (arrival == Arrival::kBeyondWindow) {
        ++stream.beyond_window;
        return;
    }
    if (arrival == Arrival::kDuplicate) {
        ++stream.duplicates;
        return;
    }
    if (arrival == Arrival::kReordered) {
        ++stream.reordered;
        stream.greatest_distance = std::max(stream.greatest_distance, stream.order->distance());
    }
    stream.received.add(std::uint64_t{bytes});
    stream.latency->record(static_cast<std::uint64_t>(static_cast<double>(signature.age(now)) * nanoseconds_per_tick_));
    if (!stream.last_by_flow.empty())
        note_gap(stream, settings_.streams[signature.stream].source->flow(signature.sequence), now);
}

void Worker::note_gap(Incoming& stream, std::uint64_t flow, std::uint64_t now) noexcept {
    std::uint64_t& last = stream.last_by_flow[flow];
    if (last != 0) stream.longest_gap = std::max(stream.longest_gap, now - last);
    last = now;
}

// After the time of sending a burst that was due in it may still be owed; it has a moment to go.
bool Worker::send_all(std::uint64_t now) noexcept {
    TrialTimes& times = *settings_.times;
    const bool over = now >= times.end;
    const double seconds = times.seconds(std::min(now, times.end));
    const bool stopped = times.stop_sending.load(std::memory_order_acquire);
    const bool last_chance = stopped || (over && times.seconds(now) - seconds > kLatest);
    bool sent = false;
    bool owing = false;
    for (Group* group : settings_.groups) {
        if (group->ended() || (over && group->schedule.is_maximum())) continue;
        if (!stopped) sent |= send(*group, seconds, last_chance);
        owing = owing || (!group->ended() && (!over || (!last_chance && group->done < group->due(seconds))));
    }
    const bool opening = !over && std::any_of(settings_.clients.begin(), settings_.clients.end(),
                                              [](const auto& client) { return !client.first->finished(); });
    if ((!owing && !opening) || stopped) finished_.store(true, std::memory_order_release);
    return sent;
}

bool Worker::take_segment(std::size_t port, const net::FrameView& frame, std::uint64_t now) noexcept {
    const net::PacketMeta meta = net::parse(frame);
    if (!meta.is_ip || meta.malformed != DropReason::kNone || meta.tuple.protocol != net::protocol::kTcp ||
        meta.fragment != net::FragmentKind::kWhole)
        return false;
    Arrived arrived;
    arrived.ends = {meta.tuple.destination, meta.tuple.source, meta.tuple.destination_port, meta.tuple.source_port, {}};
    // The tags that it came with are those that its answer has.
    for (std::size_t tag = 0; tag < 2 && 14 + 4 * tag < meta.l3_offset; ++tag)
        arrived.ends.vlans[tag] = net::load16(frame.data + 14 + 4 * tag) & 0xfffU;
    arrived.segment = net::read_tcp_segment(frame, meta);
    arrived.now = now;
    for (const auto& [client, at] : settings_.clients)
        if (at == port && client->receive(arrived, output(port))) return true;
    for (const auto& [server, at] : settings_.servers)
        if (at == port && server->receive(arrived, output(port))) return true;
    return false;
}

bool Worker::turn_connections(std::uint64_t now) noexcept {
    const TrialTimes& times = *settings_.times;
    const bool may_open = now < times.end && !times.stop_sending.load(std::memory_order_relaxed);
    for (const auto& [client, port] : settings_.clients)
        client->poll(now, times.seconds(std::min(now, times.end)), may_open, output(port));
    for (const auto& [server, port] : settings_.servers) server->poll(now, output(port));
    bool busy = false;
    for (const auto& output : outputs_) busy |= output && output->flush();
    if (busy) last_sent_.store(now, std::memory_order_relaxed);
    return busy;
}

bool Worker::send(Group& group, double seconds, bool last_chance) noexcept {
    const std::uint64_t due = group.due(seconds);
    if (due <= group.done) return false;
    std::uint64_t owed = due - group.done;
    if (!group.schedule.is_maximum()) {
        const auto most = std::max(group.schedule.rate() * kLatest, 2.0 * kBurst);
        const std::uint64_t kept = last_chance ? 0 : static_cast<std::uint64_t>(most);
        if (owed > kept) {
            group.skipped += owed - kept;
            group.done += owed - kept;
            owed = kept;
        }
    }
    if (owed == 0) return false;
    const std::size_t sent = send_burst(group, std::min<std::uint64_t>(owed, kBurst));
    group.done += sent;
    group.sent += sent;
    return sent > 0;
}

std::size_t Worker::send_burst(Group& group, std::size_t count) noexcept {
    std::array<std::uint16_t, kBurst> whose;
    std::array<std::uint64_t, kBurst> numbers;
    std::array<std::uint16_t, kBurst> lengths;
    std::array<io::Frame, kBurst> frames;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t turn = group.turns[(group.sent + i) % group.turns.size()];
        whose[i] = group.streams[turn];
        Outgoing& stream = settings_.streams[whose[i]];
        numbers[i] = stream.next++;
        lengths[i] = stream.source->length(numbers[i]);
    }
    std::size_t taken = 0;
    if (settings_.frames->allocate(std::span(frames).first(count), std::span(lengths).first(count))) {
        const std::uint64_t now = settings_.ticks();
        for (std::size_t i = 0; i < count; ++i)
            settings_.streams[whose[i]].source->write(
                io::FramePool::bytes(frames[i]), lengths[i], numbers[i],
                {settings_.magic, whose[i], static_cast<std::uint32_t>(numbers[i]), now & kTimeMask});
        io::Port& port = *settings_.ports[group.port];
        taken = port.transmit(0, std::span(frames).first(count));
        port.release(std::span(frames).subspan(taken, count - taken));
        if (taken > 0) last_sent_.store(now, std::memory_order_relaxed);
    }
    for (std::size_t i = 0; i < taken; ++i) settings_.streams[whose[i]].sent.add(std::uint64_t{lengths[i]} + kFcsBytes);
    // What was not taken is numbered anew next time; of each stream it is the last of what was written.
    for (std::size_t i = taken; i < count; ++i) {
        --settings_.streams[whose[i]].next;
        settings_.streams[whose[i]].refused.add(1);
    }
    return taken;
}

}  // namespace drywall::generate
