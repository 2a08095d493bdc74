// A TCP reset in the words of one of the two ends of a connection, made from a segment of it that was stopped between
// them.
//
// Threads: pure functions.
// Source:  RFC 9293 3.10.7.4 (what a receiver takes for a reset), RFC 5961 3.2 (it must be exactly the next number).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "drywall/net/packet_meta.h"

namespace drywall::net {

enum class ResetTo : std::uint8_t {
    kSender,    // as if the segment's receiver had answered it: it carries the number that the sender acknowledged
    kReceiver,  // as if its sender had sent it instead: it carries the number of the stopped segment
};

// Ethernet with its tags, IP without options, TCP without options, padded to the smallest frame.
inline constexpr std::size_t kMaxResetBytes = 14 + 2 * 4 + 40 + 20;

// Writes it and returns its length (without FCS). 0: the segment has no acknowledgement to answer with (kSender), or
// `out` is too small. REQUIRES: meta is parse(frame), well-formed, TCP, and not a later fragment
[[nodiscard]] std::size_t write_tcp_reset(const FrameView& frame, const PacketMeta& meta, ResetTo to,
                                          std::span<std::uint8_t> out) noexcept;

}  // namespace drywall::net
