// TcpSegment: what following a TCP connection needs of a segment, and what classifying one does not: numbers and
// window.
//
// Threads: values; pure functions, called by workers and tests alike.
// Bounds:  no byte outside [data, data + contiguous) is read, whatever the headers claim.
// Source:  RFC 9293 3.1, RFC 7323 2 (window scale).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "drywall/net/packet_meta.h"

namespace drywall::net {

// Flags that some segment of a connection has. PSH, URG, ECE and CWR take no part. Not among them: none of the four;
// SYN with FIN or RST, FIN with RST; FIN without ACK (RFC 9293 3.10.7.4: everything after the handshake acknowledges).
[[nodiscard]] constexpr bool is_possible(std::uint8_t tcp_flags) noexcept {
    constexpr unsigned kLooked = tcp_flag::kFin | tcp_flag::kSyn | tcp_flag::kRst | tcp_flag::kAck;
    switch (tcp_flags & kLooked) {
        case tcp_flag::kSyn:
        case tcp_flag::kSyn | tcp_flag::kAck:
        case tcp_flag::kAck:
        case tcp_flag::kFin | tcp_flag::kAck:
        case tcp_flag::kRst:
        case tcp_flag::kRst | tcp_flag::kAck: return true;
        default: return false;
    }
}

struct TcpSegment {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledged = 0;  // means nothing without ACK
    std::uint32_t payload = 0;       // bytes, by the length in the IP header: the frame's padding is none of it
    std::uint16_t window = 0;        // as written, not scaled
    std::uint8_t flags = 0;
    std::optional<std::uint8_t> scale{};  // the window scale option of a SYN, at most 14
    bool cut = false;                     // a first fragment: more of it follows, `payload` is only what is here

    [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
    // The sequence number behind it: SYN and FIN take one each.
    [[nodiscard]] std::uint32_t end() const noexcept {
        return sequence + payload + (has(tcp_flag::kSyn) ? 1U : 0U) + (has(tcp_flag::kFin) ? 1U : 0U);
    }
};

// REQUIRES: meta is parse(frame), well-formed, TCP, and not a later fragment
[[nodiscard]] TcpSegment read_tcp_segment(const FrameView& frame, const PacketMeta& meta) noexcept;

// What it carries, as far as it lies in the readable part of the frame. REQUIRES: as read_tcp_segment()
[[nodiscard]] std::span<const std::uint8_t> tcp_payload(const FrameView& frame, const PacketMeta& meta) noexcept;

// The sequence number of the segment that an ICMP error quotes: it is among the eight bytes that every error quotes.
// REQUIRES: quote is parse_icmp_quote(frame, ...) and TCP
[[nodiscard]] std::uint32_t quoted_tcp_sequence(const FrameView& frame, const PacketMeta& quote) noexcept;

// The largest packet that the next link takes, in the words of a "packet too big" (ICMP 3/4, ICMPv6 2); nothing for any
// other message. REQUIRES: meta is parse(frame), well-formed, ICMP or ICMPv6
[[nodiscard]] std::optional<std::uint32_t> announced_mtu(const FrameView& frame, const PacketMeta& meta) noexcept;

}  // namespace drywall::net
