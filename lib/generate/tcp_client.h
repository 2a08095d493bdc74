// TcpClient: opens connections at a rate, asks and is answered, holds, closes; and says what became of each.
//
// Threads: one worker's. Counters are read by anybody.
#pragma once

#include <memory>
#include <optional>

#include "packet_writer.h"
#include "schedule.h"
#include "tcp_end.h"

namespace drywall::generate {

class TcpClient : public TcpEnd {
public:
    // `ends`: the ends of connection n.
    TcpClient(const loader::ConnectionsProfile& profile, std::unique_ptr<PacketWriter> ends, std::uint64_t seed,
              double ticks_per_second);

    // Opens what is due (while it may), sends again what was lost, closes what was held long enough.
    void poll(std::uint64_t now, double seconds, bool may_open, SegmentOutput& output) noexcept;
    // False: it belongs to no connection of this client.
    bool receive(const Arrived& arrived, SegmentOutput& output) noexcept;

    // Nothing more will be opened, nothing is open.
    [[nodiscard]] bool finished() const noexcept {
        return profile_.count && opened_.read() >= *profile_.count && table_.size() == 0;
    }

    struct Counts {
        telemetry::Counter established;
        telemetry::Counter completed;
        telemetry::Counter refused;    // RST instead of an answer
        telemetry::Counter timed_out;  // no answer to SYN
        telemetry::Counter reset;      // once it was open; or closed by its peer in the middle
        telemetry::Counter failed;     // no answer to what was sent again and again, once it was open
        telemetry::Counter exchanges;
        telemetry::Counter
            skipped;  // were due, and could not be opened: as many as may be are open, or the ends in use
        telemetry::Counter syn_retransmissions;
    };
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
    [[nodiscard]] std::uint64_t opened() const noexcept { return opened_.read(); }
    [[nodiscard]] std::uint32_t open_now() const noexcept { return table_.size(); }
    [[nodiscard]] std::uint32_t open_at_most() const noexcept { return open_at_most_; }
    [[nodiscard]] const LatencyHistogram& connect_latency() const noexcept { return connect_latency_; }
    [[nodiscard]] const LatencyHistogram& exchange_latency() const noexcept { return exchange_latency_; }

private:
    void open_due(std::uint64_t now, double seconds, SegmentOutput& output) noexcept;
    bool open(std::uint64_t now, SegmentOutput& output) noexcept;
    void take_handshake(TcpConnection& connection, const Arrived& arrived, SegmentOutput& output) noexcept;
    void take_segment(TcpConnection& connection, const Arrived& arrived, SegmentOutput& output) noexcept;
    void ask(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept;
    void answered(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept;
    void begin_to_close(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept;
    void send_again(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept;
    void answer_late_fin(const Arrived& arrived, SegmentOutput& output) noexcept;
    [[nodiscard]] std::uint64_t nanoseconds(std::uint64_t ticks) const noexcept {
        return static_cast<std::uint64_t>(static_cast<double>(ticks) * 1e9 / ticks_per_second_);
    }

    std::unique_ptr<PacketWriter> ends_;
    std::uint64_t seed_;
    Schedule schedule_;
    std::uint64_t done_ = 0;  // of the schedule
    std::uint64_t next_ = 0;  // number of the next connection
    std::uint64_t hold_;      // ticks
    std::uint32_t open_at_most_ = 0;
    telemetry::Counter opened_;
    Counts counts_;
    LatencyHistogram connect_latency_;   // SYN to SYN+ACK
    LatencyHistogram exchange_latency_;  // first byte of the request to last byte of the response
};

}  // namespace drywall::generate
