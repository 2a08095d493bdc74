// TcpEnd: what a client and a server of the generator have in common. No full stack (RFC 9293 is the whole): segments
// are taken in order only, one timer of fixed length sends again everything from the oldest unacknowledged byte, the
// window is fixed, and there is no congestion control. So what the network in between does to connections is seen, and
// counted.
//
// Threads: one worker's.
// Never:   allocates after construction.
#pragma once

#include <array>
#include <cstdint>

#include "connection_table.h"
#include "drywall/generate/latency_histogram.h"
#include "drywall/io/frame_pool.h"
#include "drywall/loader/traffic_profile.h"
#include "drywall/net/tcp_segment.h"
#include "drywall/telemetry/counters.h"
#include "frame_header.h"

namespace drywall::generate {

// Segments on their way to a port. A frame that the device does not take is lost, like any other: a timer will send it
// again.
class SegmentOutput {
public:
    SegmentOutput(io::Port& port, io::FramePool& frames) noexcept : port_(port), frames_(frames) {}

    // Where a frame's bytes are written; null: there is no buffer.
    [[nodiscard]] std::uint8_t* frame(std::uint16_t length) noexcept;
    bool flush() noexcept;  // whether there was something

    [[nodiscard]] telemetry::PacketsBytes sent() const noexcept { return sent_.read(); }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.read(); }

private:
    static constexpr std::size_t kBurst = 32;

    io::Port& port_;
    io::FramePool& frames_;
    std::array<io::Frame, kBurst> waiting_;
    std::size_t count_ = 0;
    telemetry::PacketsBytesCounter sent_;
    telemetry::Counter refused_;
};

// One segment as it arrived.
struct Arrived {
    FlowEnds ends;  // from here to its sender
    net::TcpSegment segment;
    std::uint64_t now = 0;
};

class TcpEnd {
public:
    // `sends`: the layers of what this end sends.
    TcpEnd(const loader::ConnectionsProfile& profile, const loader::StreamProfile& sends, double ticks_per_second);

    [[nodiscard]] std::uint64_t retransmissions() const noexcept { return retransmissions_.read(); }
    [[nodiscard]] std::uint64_t out_of_order() const noexcept { return out_of_order_.read(); }

protected:
    // Whether this end's address and port are among these.
    [[nodiscard]] static bool is_among(const loader::AddressValues& addresses, const loader::NumberValues& ports,
                                       const FlowEnds& ends) noexcept;
    void segment(const TcpConnection& connection, std::uint8_t flags, std::uint32_t sequence, std::uint32_t payload,
                 SegmentOutput& output) noexcept;
    void acknowledge(const TcpConnection& connection, SegmentOutput& output) noexcept {
        segment(connection, net::tcp_flag::kAck, connection.next, 0, output);
    }
    // What may be sent of what is to be sent; `flags` with each segment.
    void pump(TcpConnection& connection, SegmentOutput& output) noexcept;
    void arm(TcpConnection& connection, std::uint64_t now) noexcept {
        table_.arm(connection, TcpTimer::kRetransmit, now + retransmit_);
    }
    // Takes note of what the segment acknowledges. False: of nothing new.
    bool take_acknowledgement(TcpConnection& connection, const Arrived& arrived) noexcept;
    // Bytes of data that are new and in order. What is not in order is counted, and answered by what is expected.
    [[nodiscard]] std::uint32_t take_data(TcpConnection& connection, const Arrived& arrived,
                                          SegmentOutput& output) noexcept;
    // Whether the segment's FIN is the next thing in order. It is then taken.
    [[nodiscard]] bool take_fin(TcpConnection& connection, const Arrived& arrived) noexcept;

    const loader::ConnectionsProfile& profile_;
    ConnectionTable table_;
    std::uint64_t retransmit_;  // ticks
    double ticks_per_second_;
    telemetry::Counter retransmissions_;
    telemetry::Counter out_of_order_;

private:
    FrameHeader header_;
    std::uint16_t most_payload_;
};

}  // namespace drywall::generate
