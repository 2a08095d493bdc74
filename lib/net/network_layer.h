// The IP header and what follows it, for whole frames and for the packets that ICMP errors quote.
#pragma once

#include <cstdint>

#include "bytes.h"
#include "drywall/net/packet_meta.h"

namespace drywall::net {

inline constexpr std::uint32_t kIPv6HeaderBytes = 40;

// Where the bytes lie, and how far the packet may claim to reach.
struct Window {
    const std::uint8_t* data = nullptr;
    std::uint32_t readable = 0;  // bytes that may be read at data
    std::uint32_t length = 0;    // bytes there were on the wire, >= readable
};

enum class Extent : std::uint8_t {
    kComplete,  // the whole packet is there: a length that reaches past it is a lie
    kQuote,     // the packet's start, cut anywhere: only enough to name its flow is needed
};

// Reads IPv4 or IPv6 (as meta.ether_type says) at meta.l3_offset, and the upper layer. Returns kNone, or why it is
// not well-formed. REQUIRES: meta.l3_offset <= window.length
[[nodiscard]] DropReason read_network_layer(const Window& window, Extent extent, PacketMeta& meta) noexcept;

// Where the packet ends by its own word: what lies behind is the frame's padding, neither payload nor quote.
// REQUIRES: meta is parse(frame) and well-formed.
inline std::uint32_t packet_end(const FrameView& frame, const PacketMeta& meta) noexcept {
    const std::uint8_t* header = frame.data + meta.l3_offset;
    if (meta.tuple.family == Family::kIPv4) return meta.l3_offset + std::uint32_t{load_be16(header + 2)};
    return meta.l3_offset + kIPv6HeaderBytes + load_be16(header + 4);
}

}  // namespace drywall::net
