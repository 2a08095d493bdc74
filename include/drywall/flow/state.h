// FlowState: how far a connection has come, and how the packets of TCP move it.
//
// Threads: values and pure functions.
// Source:  RFC 9293. Whether a segment belongs to its connection at all, its sequence numbers say: tcp_track.h.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drywall/base/clock.h"
#include "drywall/net/packet_meta.h"

namespace drywall::flow {

enum class FlowState : std::uint8_t {
    kFree,           // not a connection: the table's unused entry
    kNew,            // the responder has not been heard
    kSynCrossed,     // TCP: both sides sent a SYN, and none was acknowledged
    kSynReceived,    // TCP: the responder acknowledged the SYN, the initiator not yet the responder's
    kEstablished,    // both sides have been heard; TCP: the handshake is complete
    kInitiatorDone,  // TCP: the initiator sent FIN, the responder may go on sending
    kResponderDone,  // TCP: the other way round
    kTimeWait,       // TCP: FIN both ways
    kClosed,         // TCP: RST
};
inline constexpr std::size_t kFlowStates = 9;

// Of TCP: the handshake is not complete.
[[nodiscard]] constexpr bool is_half_open(FlowState state) noexcept {
    return state == FlowState::kNew || state == FlowState::kSynCrossed || state == FlowState::kSynReceived;
}

// Nothing more is expected but what is late.
[[nodiscard]] constexpr bool is_over(FlowState state) noexcept {
    return state == FlowState::kTimeWait || state == FlowState::kClosed;
}

// What people are told: "new", "established", "half-closed", "closed".
[[nodiscard]] constexpr std::string_view name(FlowState state) noexcept {
    switch (state) {
        case FlowState::kFree:
        case FlowState::kTimeWait:
        case FlowState::kClosed: return "closed";
        case FlowState::kNew:
        case FlowState::kSynCrossed:
        case FlowState::kSynReceived: return "new";
        case FlowState::kEstablished: return "established";
        case FlowState::kInitiatorDone:
        case FlowState::kResponderDone: return "half-closed";
    }
    return "closed";
}

// Connections by how far they have come.
struct StateCounts {
    std::array<std::uint32_t, kFlowStates> by_state{};  // kFree: 0
    std::uint32_t half_open = 0;                        // TCP, before the handshake is complete

    bool operator==(const StateCounts&) const = default;
};

// What the flags of a TCP packet say.
enum class TcpEvent : std::uint8_t { kSyn, kSynAck, kFin, kRst, kOther };
inline constexpr std::size_t kTcpEvents = 5;

[[nodiscard]] constexpr TcpEvent tcp_event(std::uint8_t tcp_flags) noexcept {
    namespace flag = net::tcp_flag;
    if ((tcp_flags & flag::kRst) != 0) return TcpEvent::kRst;  // a receiver looks at RST first (RFC 9293, 3.10.7)
    if ((tcp_flags & flag::kSyn) != 0) return (tcp_flags & flag::kAck) != 0 ? TcpEvent::kSynAck : TcpEvent::kSyn;
    return (tcp_flags & flag::kFin) != 0 ? TcpEvent::kFin : TcpEvent::kOther;
}

// What a packet does to the connection that it was found to belong to.
struct TcpStep {
    FlowState next = FlowState::kNew;
    bool starts_anew = false;  // it does not belong to it: the old connection is over, this SYN asks for another
};

// By state, event and sender: state.cpp has a row for each, and why.
using TcpSteps = std::array<TcpStep, kFlowStates * kTcpEvents * 2>;
extern const TcpSteps kTcpSteps;
[[nodiscard]] constexpr std::size_t tcp_cell(FlowState state, TcpEvent event, bool from_initiator) noexcept {
    return (static_cast<std::size_t>(state) * kTcpEvents + static_cast<std::size_t>(event)) * 2 +
           (from_initiator ? 1 : 0);
}

// REQUIRES: state != kFree
[[nodiscard]] inline TcpStep tcp_step(FlowState state, TcpEvent event, bool from_initiator) noexcept {
    assert(state != FlowState::kFree);
    return kTcpSteps[tcp_cell(state, event, from_initiator)];
}

// How long a connection may be silent.
struct Timeouts {
    Nanos tcp_established = std::chrono::seconds(7440);  // two hours and four minutes (RFC 5382)
    Nanos tcp_transitory = std::chrono::seconds(240);    // half closed (RFC 5382)
    Nanos udp = std::chrono::seconds(120);               // at least two minutes (RFC 4787)
    Nanos icmp = std::chrono::seconds(30);
    Nanos other = std::chrono::seconds(120);
    Nanos fragment = std::chrono::seconds(10);
    // Before the handshake is complete, from its last step, however often that is repeated.
    Nanos tcp_half_open = std::chrono::seconds(30);
    Nanos tcp_closed =
        std::chrono::seconds(30);  // after the close, however much is still sent: last ACKs, repeated FINs
    // An idle association sends a heartbeat every 30 seconds and a retransmission timeout (RFC 9260 8.3, 16): ten of
    // them may be lost. Its chunks are not looked at, so its end is a silence as well.
    Nanos sctp = std::chrono::seconds(300);
    Nanos sctp_half_open = std::chrono::seconds(30);  // nobody answered
};

}  // namespace drywall::flow
