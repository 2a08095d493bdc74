// FlowState: how far a connection has come, and how the packets of TCP move it.
//
// Threads: values and pure functions.
// Source:  RFC 9293. Flags alone move a connection here; sequence numbers are not looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drywall/base/clock.h"

namespace drywall::flow {

enum class FlowState : std::uint8_t {
    kFree,           // not a connection: the table's unused entry
    kNew,            // the responder has not been heard
    kEstablished,    // both sides have been heard
    kInitiatorDone,  // TCP: the initiator sent FIN, the responder may go on sending
    kResponderDone,  // TCP: the other way round
    kClosed,         // TCP: FIN both ways, or RST
};
inline constexpr std::size_t kFlowStates = 6;

// What people are told: "new", "established", "half-closed", "closed".
[[nodiscard]] constexpr std::string_view name(FlowState state) noexcept {
    switch (state) {
        case FlowState::kFree:
        case FlowState::kClosed: return "closed";
        case FlowState::kNew: return "new";
        case FlowState::kEstablished: return "established";
        case FlowState::kInitiatorDone:
        case FlowState::kResponderDone: return "half-closed";
    }
    return "closed";
}

// Connections by how far they have come.
struct StateCounts {
    std::array<std::uint32_t, kFlowStates> by_state{};  // kFree: 0
    std::uint32_t half_open = 0;                        // among kNew: TCP

    bool operator==(const StateCounts&) const = default;
};

// What the flags of a TCP packet say.
enum class TcpEvent : std::uint8_t { kSyn, kSynAck, kFin, kRst, kOther };
inline constexpr std::size_t kTcpEvents = 5;

[[nodiscard]] TcpEvent tcp_event(std::uint8_t tcp_flags) noexcept;

// What a packet does to the connection that it was found to belong to.
struct TcpStep {
    FlowState next = FlowState::kNew;
    bool starts_anew = false;  // it does not belong to it: the old connection is over, this SYN asks for another
};

// REQUIRES: state != kFree
[[nodiscard]] TcpStep tcp_step(FlowState state, TcpEvent event, bool from_initiator) noexcept;

// How long a connection may be silent.
struct Timeouts {
    Nanos tcp_established = std::chrono::seconds(7440);  // two hours and four minutes (RFC 5382)
    Nanos tcp_transitory = std::chrono::seconds(240);    // opening or half closed (RFC 5382)
    Nanos udp = std::chrono::seconds(120);               // at least two minutes (RFC 4787)
    Nanos icmp = std::chrono::seconds(30);
    Nanos other = std::chrono::seconds(120);
    Nanos fragment = std::chrono::seconds(10);
    Nanos tcp_closed =
        std::chrono::seconds(30);  // after the close, however much is still sent: last ACKs, repeated FINs
};

}  // namespace drywall::flow
