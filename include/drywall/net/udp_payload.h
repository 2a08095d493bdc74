// What a UDP datagram carries.
//
// Threads: a pure function.
// Bounds:  no byte outside [data, data + contiguous) is named, whatever the headers claim.
#pragma once

#include <cstdint>
#include <span>

#include "drywall/net/packet_meta.h"

namespace drywall::net {

// By the length in the UDP header, and no further than the packet and the readable part of the frame go.
// REQUIRES: meta is parse(frame), well-formed, UDP, and not a fragment
[[nodiscard]] std::span<const std::uint8_t> udp_payload(const FrameView& frame, const PacketMeta& meta) noexcept;

}  // namespace drywall::net
