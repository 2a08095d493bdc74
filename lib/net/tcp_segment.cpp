#include "drywall/net/tcp_segment.h"

#include <algorithm>
#include <cassert>

#include "bytes.h"
#include "network_layer.h"

namespace drywall::net {

namespace {

constexpr std::uint32_t kTcpFixedBytes = 20;
constexpr std::uint8_t kLargestScale = 14;  // what is said beyond counts as 14 (RFC 7323 2.3)

namespace option {
constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kNothing = 1;
constexpr std::uint8_t kWindowScale = 3;
}  // namespace option

// An option that reaches past the others ends the search: its receiver reads none of them either (RFC 9293 3.1).
std::optional<std::uint8_t> find_window_scale(const std::uint8_t* at, const std::uint8_t* end) noexcept {
    while (at < end && *at != option::kEnd) {
        if (*at == option::kNothing) {
            ++at;
            continue;
        }
        if (end - at < 2 || at[1] < 2 || at[1] > end - at) return std::nullopt;
        if (at[0] == option::kWindowScale && at[1] == 3) return std::min(at[2], kLargestScale);
        at += at[1];
    }
    return std::nullopt;
}

}  // namespace

TcpSegment read_tcp_segment(const FrameView& frame, const PacketMeta& meta) noexcept {
    assert(meta.tuple.protocol == protocol::kTcp && meta.fragment != FragmentKind::kLater);
    const std::uint8_t* header = frame.data + meta.l4_offset;
    const std::uint32_t header_bytes = (header[12] >> 4) * 4U;
    const std::uint32_t end = packet_end(frame, meta);
    TcpSegment segment;
    segment.sequence = load_be32(header + 4);
    segment.acknowledged = load_be32(header + 8);
    segment.window = load_be16(header + 14);
    segment.flags = header[13];
    segment.payload = end - meta.l4_offset - header_bytes;
    segment.cut = meta.fragment == FragmentKind::kFirst;
    if (segment.has(tcp_flag::kSyn)) {
        const std::uint32_t readable = std::min(frame.contiguous - meta.l4_offset, header_bytes);
        segment.scale = find_window_scale(header + kTcpFixedBytes, header + readable);
    }
    return segment;
}

std::span<const std::uint8_t> tcp_payload(const FrameView& frame, const PacketMeta& meta) noexcept {
    assert(meta.tuple.protocol == protocol::kTcp && meta.fragment != FragmentKind::kLater);
    const std::uint32_t begin = meta.l4_offset + (frame.data[meta.l4_offset + 12] >> 4) * 4U;
    const std::uint32_t end = std::min(packet_end(frame, meta), frame.contiguous);
    if (begin >= end) return {};
    return {frame.data + begin, end - begin};
}

std::uint32_t quoted_tcp_sequence(const FrameView& frame, const PacketMeta& quote) noexcept {
    assert(quote.tuple.protocol == protocol::kTcp && quote.l4_offset + 8U <= frame.contiguous);
    return load_be32(frame.data + quote.l4_offset + 4);
}

std::optional<std::uint32_t> announced_mtu(const FrameView& frame, const PacketMeta& meta) noexcept {
    const std::uint8_t* header = frame.data + meta.l4_offset;
    const unsigned type_and_code = meta.tuple.destination_port;
    if (meta.tuple.protocol == protocol::kIcmp && type_and_code == (3U << 8 | 4U)) return load_be16(header + 6);
    if (meta.tuple.protocol == protocol::kIcmpv6 && type_and_code >> 8 == 2) return load_be32(header + 4);
    return std::nullopt;
}

}  // namespace drywall::net
