#include <algorithm>
#include <cassert>
#include <cstring>

#include "bytes.h"
#include "drywall/base/cache_line.h"
#include "drywall/base/prefetch.h"
#include "drywall/net/ethernet.h"
#include "drywall/net/packet_meta.h"
#include "network_layer.h"
#include "ordinary.h"

namespace drywall::net {

bool is_icmp_error(const Tuple& tuple) noexcept {
    const unsigned type = tuple.destination_port >> 8;
    if (tuple.family == Family::kIPv4 && tuple.protocol == protocol::kIcmp)
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    if (tuple.family == Family::kIPv6 && tuple.protocol == protocol::kIcmpv6) return type >= 1 && type <= 4;
    return false;
}

PacketMeta parse(const FrameView& frame) noexcept {
    PacketMeta meta;
    meta.tuple.ingress_port = frame.ingress_port;
    const std::optional<NetworkLayer> layer = network_layer(frame.data, frame.contiguous);
    if (!layer) {
        meta.malformed = DropReason::kTruncated;
        return meta;
    }
    meta.ether_type = layer->ether_type;
    meta.l3_offset = layer->offset;
    meta.is_ip = meta.ether_type == ether_type::kIPv4 || meta.ether_type == ether_type::kIPv6;
    const Window window{frame.data, frame.contiguous, frame.length};
    if (meta.is_ip) meta.malformed = read_network_layer(window, Extent::kComplete, meta);
    return meta;
}

std::uint64_t parse(std::span<const FrameView> frames, std::span<PacketMeta> metas) noexcept {
    constexpr std::size_t kAhead = 4;  // frames that are on their way from memory while one is read
    assert(frames.size() <= kMaxBurst && metas.size() >= frames.size());
    for (std::size_t i = 0; i < std::min(kAhead, frames.size()); ++i) prefetch(frames[i].data);
    std::uint64_t ordinary = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        if (i + kAhead < frames.size()) prefetch(frames[i + kAhead].data);
        if (ordinary::read(frames[i], metas[i]))
            ordinary |= std::uint64_t{1} << i;
        else
            metas[i] = parse(frames[i]);
    }
    return ordinary;
}

// The ones' complement sum over a header with a right checksum is all ones (RFC 1071).
bool has_right_checksum(const FrameView& frame, const PacketMeta& meta) noexcept {
    if (meta.tuple.family != Family::kIPv4) return true;
    const std::uint8_t* header = frame.data + meta.l3_offset;
    const std::uint32_t bytes = (header[0] & 0x0fU) * 4;
    // The order of the bytes plays no role (RFC 1071, 2.B): words of the machine are added, four bytes at a time.
    const auto word = [header](std::uint32_t at) {
        std::uint32_t four = 0;
        std::memcpy(&four, header + at, sizeof four);
        return std::uint64_t{four};
    };
    std::uint64_t sum = word(0) + word(4) + word(8) + word(12) + word(16);
    for (std::uint32_t at = 20; at < bytes; at += 4) sum += word(at);  // options
    sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

std::optional<PacketMeta> parse_icmp_quote(const FrameView& frame, const PacketMeta& meta) noexcept {
    constexpr std::uint32_t kIcmpErrorHeaderBytes = 8;
    const bool has_upper_layer = meta.is_ip && meta.malformed == DropReason::kNone && meta.l4_offset != 0;
    if (!has_upper_layer || !is_icmp_error(meta.tuple)) return std::nullopt;

    PacketMeta quote;
    quote.tuple.ingress_port = meta.tuple.ingress_port;
    quote.ether_type = meta.ether_type;
    quote.is_ip = true;
    quote.l3_offset = static_cast<std::uint16_t>(meta.l4_offset + kIcmpErrorHeaderBytes);
    const std::uint32_t readable = std::min(frame.contiguous, packet_end(frame, meta));
    const Window window{frame.data, readable, readable};
    if (read_network_layer(window, Extent::kQuote, quote) != DropReason::kNone) return std::nullopt;
    if (quote.fragment == FragmentKind::kLater) return std::nullopt;
    return quote;
}

}  // namespace drywall::net
