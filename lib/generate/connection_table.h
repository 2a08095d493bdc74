// ConnectionTable: the TCP connections of one end, found by their addresses and ports, each with at most one running
// timer.
//
// Threads: one.
// Memory:  all of it when it is made; a full table refuses.
// Time:    finding is a look at a few places of an open-addressed index; timers of one kind run equally long, so that a
// list
//          in order of arming is one in order of ending.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "frame_header.h"

namespace drywall::generate {

enum class TcpState : std::uint8_t { kFree, kSynSent, kSynReceived, kOpen, kHolding, kFinSent, kLastAck };
enum class TcpTimer : std::uint8_t { kRetransmit, kIdle, kNone };

struct TcpConnection {
    FlowEnds ends;                     // from here to the peer
    std::uint32_t unacknowledged = 0;  // the oldest number that the peer has not acknowledged
    std::uint32_t next = 0;            // the next to be sent
    std::uint32_t end = 0;             // behind what is to be sent
    std::uint32_t expected = 0;        // the peer's next
    std::uint32_t awaited = 0;         // bytes of its message that have not arrived
    std::uint32_t exchanges = 0;       // left
    TcpState state = TcpState::kFree;
    TcpTimer timer = TcpTimer::kNone;
    std::uint8_t tries = 0;
    std::uint64_t deadline = 0;  // ticks; likewise below
    std::uint64_t began = 0;     // the handshake, or the exchange
    std::uint32_t earlier = 0;   // neighbours in the timer's list
    std::uint32_t later = 0;
};

class ConnectionTable {
public:
    // REQUIRES: 0 < capacity <= 2^24
    explicit ConnectionTable(std::uint32_t capacity);

    [[nodiscard]] TcpConnection* find(const FlowEnds& ends) noexcept;
    // Null: full. REQUIRES: there is none with these ends
    [[nodiscard]] TcpConnection* open(const FlowEnds& ends) noexcept;
    void close(TcpConnection& connection) noexcept;
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

    void arm(TcpConnection& connection, TcpTimer timer, std::uint64_t deadline) noexcept;
    void disarm(TcpConnection& connection) noexcept;
    // One whose time is over by `now`; null: none. It stays so until it is armed anew, disarmed or closed.
    [[nodiscard]] TcpConnection* expired(TcpTimer timer, std::uint64_t now) noexcept;

private:
    static constexpr std::uint32_t kNobody = 0xffffffff;
    struct List {
        std::uint32_t first = kNobody;
        std::uint32_t last = kNobody;
    };

    [[nodiscard]] std::size_t home(const FlowEnds& ends) const noexcept;
    [[nodiscard]] std::size_t place(const FlowEnds& ends) const noexcept;
    [[nodiscard]] std::uint32_t number(const TcpConnection& connection) const noexcept {
        return static_cast<std::uint32_t>(&connection - connections_.data());
    }

    std::vector<TcpConnection> connections_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> index_;  // numbers of connections; a power of two, at least twice as many
    std::array<List, 2> timers_{};
    std::uint32_t size_ = 0;
};

}  // namespace drywall::generate
