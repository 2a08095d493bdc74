// TcpServer: answers the connections of a TcpClient, each request with a response of the agreed size.
//
// Threads: one worker's.
#pragma once

#include "tcp_end.h"

namespace drywall::generate {

class TcpServer : public TcpEnd {
public:
    TcpServer(const loader::ConnectionsProfile& profile, std::uint64_t seed, double ticks_per_second);

    void poll(std::uint64_t now, SegmentOutput& output) noexcept;
    // False: it is for no address and port of this server.
    bool receive(const Arrived& arrived, SegmentOutput& output) noexcept;

private:
    void accept(const Arrived& arrived, SegmentOutput& output) noexcept;
    void take_segment(TcpConnection& connection, const Arrived& arrived, SegmentOutput& output) noexcept;
    void wait(TcpConnection& connection, std::uint64_t now) noexcept {
        table_.arm(connection, TcpTimer::kIdle, now + idle_);
    }
    void send_again(TcpConnection& connection, std::uint64_t now, SegmentOutput& output) noexcept;

    std::uint64_t seed_;
    std::uint64_t accepted_ = 0;
    std::uint64_t idle_;  // ticks after which a silent client is forgotten
};

}  // namespace drywall::generate
