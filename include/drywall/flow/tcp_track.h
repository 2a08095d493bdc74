// TcpTrack: the sequence numbers of one TCP connection, as far as somebody in the middle knows them; and, by them,
// whether a segment belongs to it.
//
// Threads: values and pure functions.
// Source:  Guido van Rooij, "Real stateful TCP packet filtering in IP Filter" (2001), for the bounds; RFC 9293 3.10.7
// for
//          the handshake; RFC 5961 for resets, SYNs and old acknowledgements; RFC 7323 2 for window scaling.
// Numbers: compared modulo 2^32, by their distance (RFC 9293 3.4).
#pragma once

#include <array>
#include <cstdint>

#include "drywall/flow/key.h"
#include "drywall/flow/state.h"
#include "drywall/net/tcp_segment.h"

namespace drywall::flow {

// What one side has sent, in the words of RFC 9293 3.3.1, and the window that it advertises to the other.
struct TcpSide {
    std::uint32_t end = 0;      // SND.NXT: behind the last byte that it sent
    std::uint32_t unacked = 0;  // SND.UNA: the highest number that the other side acknowledged; at first, its SYN's
    std::uint32_t limit = 0;    // SND.UNA + SND.WND at its furthest: where the window that it was offered ends
    std::uint16_t window = 0;   // the largest that it advertised, to be scaled
    std::uint8_t scale = 0;     // by which: of every segment but the SYNs (RFC 7323 2.2)
    bool heard : 1 = false;     // not: its numbers are what the other side's say of it
    bool scales : 1 = false;    // its SYN offered to scale
    // Of both sides at once: windows are not known, since the SYNs, which say their scale, were not seen, or since a
    // segment was fragmented, of which only the first part says where it belongs. Nothing is outside then, and a reset
    // counts only by what the other side acknowledged: that is not in the hand of who sends resets.
    bool loose : 1 = true;

    // At least 1: a closed window is probed with one byte (RFC 9293 3.8.6.1).
    [[nodiscard]] std::uint32_t largest_window() const noexcept {
        const std::uint32_t bytes = std::uint32_t{window} << scale;
        return bytes != 0 ? bytes : 1;
    }
};

struct TcpTrack {
    std::array<TcpSide, 2> sides;  // by Side

    [[nodiscard]] TcpSide& of(Side side) noexcept { return sides[static_cast<std::size_t>(side)]; }
    [[nodiscard]] const TcpSide& of(Side side) const noexcept { return sides[static_cast<std::size_t>(side)]; }
    [[nodiscard]] bool loose() const noexcept { return sides[0].loose; }
};
static_assert(sizeof(TcpTrack) == 32);

// What a segment is to the connection between its ends.
enum class TcpFit : std::uint8_t {
    kBelongs,
    kChallenge,   // to be passed on, and to move nothing: its receiver answers it with where the connection stands
    kOutside,     // not from who it says: neither in the window nor of the handshake
    kFalseReset,  // likewise, a reset
};

// `initiator`: who opened the connection. REQUIRES: is_possible(segment.flags); a SYN on a connection that is over
// starts another one, and is none of this one (tcp_step says so)
[[nodiscard]] TcpFit tcp_fit(const TcpTrack& track, FlowState state, Side sender, Side initiator,
                             const net::TcpSegment& segment) noexcept;

// The first segment of a connection: its SYN, or what is seen first of one that was there before.
void tcp_begin(TcpTrack& track, Side sender, const net::TcpSegment& segment) noexcept;

// Takes over what a segment says. REQUIRES: it belongs, in this state
void tcp_advance(TcpTrack& track, FlowState state, Side sender, const net::TcpSegment& segment) noexcept;

// What nearly every segment is: data or an acknowledgement, within known windows. Then it is taken over; false: nothing
// happened, and it is for tcp_fit() to say what it is.
// REQUIRES: the connection is established; ACK, and neither SYN, FIN nor RST
[[nodiscard]] bool tcp_in_stride(TcpTrack& track, Side sender, const net::TcpSegment& segment) noexcept;

// A quoted segment is one that `sender` may have under way: not acknowledged yet, and no more than it sent (RFC 5927
// 4.1). One below is a keep-alive.
[[nodiscard]] bool tcp_is_under_way(const TcpTrack& track, Side sender, std::uint32_t sequence) noexcept;

}  // namespace drywall::flow
