#include "tcp_client.h"

#include <algorithm>

#include "random.h"
#include "traffic.h"

namespace drywall::generate {

using net::tcp_flag::kAck;
using net::tcp_flag::kFin;
using net::tcp_flag::kRst;
using net::tcp_flag::kSyn;

namespace {

constexpr std::uint64_t kMostAtOnce = 64;  // connections opened in one turn

}  // namespace

TcpClient::TcpClient(const loader::ConnectionsProfile& profile, std::unique_ptr<PacketWriter> ends, std::uint64_t seed,
                     double ticks_per_second)
    : TcpEnd(profile, profile.ends, ticks_per_second),
      ends_(std::move(ends)),
      seed_(seed),
      schedule_(profile.rate ? Schedule::constant(*profile.rate) : Schedule::maximum()),
      hold_(static_cast<std::uint64_t>(std::chrono::duration<double>(profile.hold).count() * ticks_per_second)) {}

void TcpClient::poll(std::uint64_t now, double seconds, bool may_open, SegmentOutput& output) noexcept {
    while (TcpConnection* connection = table_.expired(TcpTimer::kRetransmit, now)) send_again(*connection, now, output);
    while (TcpConnection* connection = table_.expired(TcpTimer::kIdle, now)) begin_to_close(*connection, now, output);
    if (may_open) open_due(now, seconds, output);
}

void TcpClient::open_due(std::uint64_t now, double seconds, SegmentOutput& output) noexcept {
    if (schedule_.is_maximum()) {
        for (std::uint64_t i = 0; i < kMostAtOnce && table_.size() < profile_.concurrent; ++i)
            if (!open(now, output)) return;
        return;
    }
    const std::uint64_t due = schedule_.due(seconds);
    for (std::uint64_t i = 0; i < kMostAtOnce && done_ < due; ++i) {
        if (profile_.count && opened_.read() >= *profile_.count) return;
        ++done_;
        if (!open(now, output)) counts_.skipped.add(1);
    }
    const auto kept = std::max<std::uint64_t>(static_cast<std::uint64_t>(schedule_.rate() * kLatest), kMostAtOnce);
    if (due - done_ <= kept) return;
    counts_.skipped.add(due - done_ - kept);
    done_ = due - kept;
}

bool TcpClient::open(std::uint64_t now, SegmentOutput& output) noexcept {
    if ((profile_.count && opened_.read() >= *profile_.count) || table_.size() >= profile_.concurrent) return false;
    const FlowEnds ends = ends_->ends(next_);
    ++next_;
    if (table_.find(ends) != nullptr) return false;
    TcpConnection* connection = table_.open(ends);
    if (connection == nullptr) return false;
    connection->state = TcpState::kSynSent;
    connection->unacknowledged = static_cast<std::uint32_t>(drawn(seed_, 0x69736e, next_));
    connection->next = connection->unacknowledged + 1;
    connection->end = connection->next;
    connection->exchanges = profile_.exchanges;
    connection->began = now;
    segment(*connection, kSyn, connection->unacknowledged, 0, output);
    arm(*connection, now);
    opened_.add(1);
    open_at_most_ = std::max(open_at_most_, table_.size());
    return true;
}

bool TcpClient::receive(const Arrived& arrived, SegmentOutput& output) noexcept {
    TcpConnection* connection = table_.find(arrived.ends);
    if (connection == nullptr) {
        const loader::StreamProfile& mine = profile_.ends;
        if (!arrived.segment.has(kFin) || !is_among(mine.source, mine.source_port, arrived.ends)) return false;
        answer_late_fin(arrived, output);
        return true;
    }
    if (arrived.segment.has(kRst)) {
        (connection->state == TcpState::kSynSent ? counts_.refused : counts_.reset).add(1);
        table_.close(*connection);
    } else if (connection->state == TcpState::kSynSent) {
        take_handshake(*connection, arrived, output);
    } else {
        take_segment(*connection, arrived, output);
    }
    return true;
}

void TcpClient::take_handshake(TcpConnection& connection, const Arrived& arrived, SegmentOutput& output) noexcept {
    const net::TcpSegment& segment = arrived.segment;
    if (!segment.has(kSyn) || !segment.has(kAck) || segment.acknowledged != connection.next) return;
    connection.unacknowledged = segment.acknowledged;
    connection.expected = segment.sequence + 1;
    connection.state = TcpState::kOpen;
    connection.tries = 0;
    counts_.established.add(1);
    connect_latency_.record(nanoseconds(arrived.now - connection.began));
    acknowledge(connection, output);
    ask(connection, arrived.now, output);
}

void TcpClient::take_segment(TcpConnection& connection, const Arrived& arrived, SegmentOutput& output) noexcept {
    if (arrived.segment.has(kSyn)) {  // the answer to our SYN once more: our ACK was lost
        acknowledge(connection, output);
        return;
    }
    const bool new_acknowledgement = take_acknowledgement(connection, arrived);
    const std::uint32_t data = take_data(connection, arrived, output);
    connection.awaited -= std::min(connection.awaited, data);
    if (take_fin(connection, arrived)) {
        acknowledge(connection, output);
        (connection.state == TcpState::kFinSent ? counts_.completed : counts_.reset).add(1);
        table_.close(connection);
        return;
    }
    if (connection.state != TcpState::kOpen) return;
    if (new_acknowledgement || data > 0) {
        connection.tries = 0;
        arm(connection, arrived.now);
    }
    pump(connection, output);
    if (data == 0) return;
    if (connection.awaited > 0)
        acknowledge(connection, output);
    else
        answered(connection, arrived.now, output);
}

void TcpClient::ask(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept {
    connection.end = connection.next + profile_.request;
    connection.awaited = profile_.response;
    connection.began = now;
    pump(connection, output);
    arm(connection, now);
}

void TcpClient::answered(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept {
    counts_.exchanges.add(1);
    exchange_latency_.record(nanoseconds(now - connection.began));
    --connection.exchanges;
    if (connection.exchanges > 0) return ask(connection, now, output);
    if (hold_ == 0) return begin_to_close(connection, now, output);
    acknowledge(connection, output);
    connection.state = TcpState::kHolding;
    table_.arm(connection, TcpTimer::kIdle, now + hold_);
}

void TcpClient::begin_to_close(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept {
    connection.state = TcpState::kFinSent;
    connection.tries = 0;
    segment(connection, kFin | kAck, connection.next, 0, output);
    ++connection.next;
    connection.end = connection.next;
    arm(connection, now);
}

void TcpClient::send_again(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept {
    if (connection.tries++ >= profile_.retries) {
        (connection.state == TcpState::kSynSent ? counts_.timed_out : counts_.failed).add(1);
        table_.close(connection);
        return;
    }
    arm(connection, now);
    if (connection.state == TcpState::kSynSent) {
        counts_.syn_retransmissions.add(1);
        segment(connection, kSyn, connection.unacknowledged, 0, output);
    } else if (connection.state == TcpState::kFinSent) {
        retransmissions_.add(1);
        segment(connection, kFin | kAck, connection.next - 1, 0, output);
    } else if (connection.unacknowledged != connection.end) {
        retransmissions_.add(1);
        connection.next = connection.unacknowledged;
        pump(connection, output);
    }  // else the answer is late, and its sender will send it again
}

// Our last ACK was lost, and the connection is forgotten: what TIME-WAIT is for (RFC 9293, section 3.6.1).
void TcpClient::answer_late_fin(const Arrived& arrived, SegmentOutput& output) noexcept {
    TcpConnection gone;
    gone.ends = arrived.ends;
    gone.next = arrived.segment.acknowledged;
    gone.expected = arrived.segment.end();
    acknowledge(gone, output);
}

}  // namespace drywall::generate
