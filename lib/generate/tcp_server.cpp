#include "tcp_server.h"

#include <algorithm>
#include <utility>

#include "random.h"

namespace drywall::generate {

namespace {

using namespace net::tcp_flag;  // NOLINT(google-build-using-namespace)

// What a server sends travels the other way.
loader::StreamProfile turned(loader::StreamProfile stream) {
    std::swap(stream.source_mac, stream.destination_mac);
    std::swap(stream.source, stream.destination);
    std::swap(stream.source_port, stream.destination_port);
    return stream;
}

}  // namespace

TcpServer::TcpServer(const loader::ConnectionsProfile& profile, std::uint64_t seed, double ticks_per_second)
    : TcpEnd(profile, turned(profile.ends), ticks_per_second),
      seed_(seed),
      idle_(retransmit_ * (profile.retries + 2U) +
            static_cast<std::uint64_t>(std::chrono::duration<double>(profile.hold).count() * ticks_per_second)) {}

void TcpServer::poll(std::uint64_t now, SegmentOutput& output) noexcept {
    while (TcpConnection* connection = table_.expired(TcpTimer::kRetransmit, now)) send_again(*connection, now, output);
    while (TcpConnection* connection = table_.expired(TcpTimer::kIdle, now)) table_.close(*connection);
}

bool TcpServer::receive(const Arrived& arrived, SegmentOutput& output) noexcept {
    if (!is_among(profile_.ends.destination, profile_.ends.destination_port, arrived.ends)) return false;
    const net::TcpSegment& segment = arrived.segment;
    TcpConnection* connection = table_.find(arrived.ends);
    if (connection != nullptr && segment.has(kRst)) {
        table_.close(*connection);
    } else if (segment.has(kSyn) && !segment.has(kAck)) {
        const bool again = connection != nullptr && connection->state == TcpState::kSynReceived &&
                           connection->expected == segment.sequence + 1;
        if (again) return send_again(*connection, arrived.now, output), true;
        if (connection != nullptr) table_.close(*connection);  // its client has forgotten it
        accept(arrived, output);
    } else if (connection != nullptr) {
        take_segment(*connection, arrived, output);
    }
    return true;
}

void TcpServer::accept(const Arrived& arrived, SegmentOutput& output) noexcept {
    TcpConnection* connection = table_.open(arrived.ends);
    if (connection == nullptr) return;
    connection->state = TcpState::kSynReceived;
    connection->unacknowledged = static_cast<std::uint32_t>(drawn(seed_, 0x736572766572, ++accepted_));
    connection->next = connection->unacknowledged + 1;
    connection->end = connection->next;
    connection->expected = arrived.segment.sequence + 1;
    connection->awaited = profile_.request;
    segment(*connection, kSyn | kAck, connection->unacknowledged, 0, output);
    arm(*connection, arrived.now);
}

void TcpServer::take_segment(TcpConnection& connection, const Arrived& arrived, SegmentOutput& output) noexcept {
    take_acknowledgement(connection, arrived);
    const bool all_acknowledged = connection.unacknowledged == connection.next;
    if (connection.state == TcpState::kLastAck) {
        if (all_acknowledged) return table_.close(connection);
        if (arrived.segment.has(kFin)) segment(connection, kFin | kAck, connection.next - 1, 0, output);
        return;
    }
    if (connection.state == TcpState::kSynReceived) {
        if (!all_acknowledged) return;
        connection.state = TcpState::kOpen;
    }
    const std::uint32_t data = take_data(connection, arrived, output);
    connection.awaited -= std::min(connection.awaited, data);
    if (take_fin(connection, arrived)) {
        connection.state = TcpState::kLastAck;
        segment(connection, kFin | kAck, connection.next, 0, output);
        connection.end = ++connection.next;
        return arm(connection, arrived.now);
    }
    if (data > 0 && connection.awaited == 0) {
        connection.end = connection.next + profile_.response;
        connection.awaited = profile_.request;
    } else if (data > 0) {
        acknowledge(connection, output);
    }
    pump(connection, output);
    if (connection.unacknowledged != connection.end)
        arm(connection, arrived.now);
    else
        wait(connection, arrived.now);
}

void TcpServer::send_again(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept {
    if (connection.tries++ >= profile_.retries) return table_.close(connection);
    retransmissions_.add(1);
    arm(connection, now);
    if (connection.state == TcpState::kSynReceived) {
        segment(connection, kSyn | kAck, connection.unacknowledged, 0, output);
    } else if (connection.state == TcpState::kLastAck) {
        segment(connection, kFin | kAck, connection.next - 1, 0, output);
    } else {
        connection.next = connection.unacknowledged;
        pump(connection, output);
    }
}

}  // namespace drywall::generate
