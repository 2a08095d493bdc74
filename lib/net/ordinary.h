// Ordinary packets, read in one pass: the fast twin of parse(), has_right_checksum(), check_addresses() and
// is_possible(), for what nearly every frame holds. What it does not take, those say more of.
//
// Bounds: as parse(): no byte outside [data, data + contiguous) is read.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "bytes.h"
#include "drywall/net/ethernet.h"
#include "drywall/net/packet_meta.h"
#include "drywall/net/tcp_segment.h"
#include "network_layer.h"
#include "unicast.h"

namespace drywall::net::ordinary {

inline constexpr std::uint32_t kIPv4Bytes = 20;  // no options
inline constexpr std::uint32_t kTcpBytes = 20;
inline constexpr std::uint32_t kUdpBytes = 8;

template <typename Word>
Word load(const std::uint8_t* at) noexcept {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// The ones' complement sum over a right IPv4 header is all ones, in whatever order its bytes are added (RFC 1071).
inline bool has_right_checksum(const std::uint8_t* header) noexcept {
    const auto a = load<std::uint64_t>(header);
    const auto b = load<std::uint64_t>(header + 8);
    std::uint64_t sum =
        (a & 0xffff'ffff) + (a >> 32) + (b & 0xffff'ffff) + (b >> 32) + load<std::uint32_t>(header + 16);
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

// The TCP or UDP header at `header`, of which `readable` bytes may be read and `left` belong to the packet.
inline bool read_ports(const std::uint8_t* header, std::uint32_t readable, std::uint32_t left,
                       std::uint8_t protocol_number, PacketMeta& meta) noexcept {
    std::uint8_t flags = 0;
    if (protocol_number == protocol::kUdp) {
        if (readable < kUdpBytes) return false;
        const std::uint32_t length = load_be16(header + 4);
        if (length < kUdpBytes || length > left) return false;
    } else if (protocol_number == protocol::kTcp) {
        if (readable < kTcpBytes) return false;
        const std::uint32_t header_bytes = (header[12] >> 4) * 4U;
        flags = header[13];
        if (header_bytes < kTcpBytes || header_bytes > left || !is_possible(flags)) return false;
    } else {
        return false;
    }
    meta.tcp_flags = flags;
    meta.tuple.source_port = load_be16(header);
    meta.tuple.destination_port = load_be16(header + 2);
    meta.tuple.protocol = protocol_number;
    return true;
}

inline bool read_v4(const FrameView& frame, std::uint32_t offset, PacketMeta& meta) noexcept {
    if (frame.contiguous - offset < kIPv4Bytes) return false;
    const std::uint8_t* header = frame.data + offset;
    constexpr std::uint8_t kVersionAndLength = 0x45;
    constexpr std::uint16_t kFragmented = 0x3fff;  // more of them, or an offset
    const std::uint32_t total = load_be16(header + 2);
    if (header[0] != kVersionAndLength || (load_be16(header + 6) & kFragmented) != 0 || total < kIPv4Bytes ||
        total > frame.length - offset || !has_right_checksum(header))
        return false;
    const std::uint32_t source = load_be32(header + 12);
    const std::uint32_t destination = load_be32(header + 16);
    if (!is_routed_unicast_v4(source) || !is_routed_unicast_v4(destination) || source == destination) return false;

    const std::uint32_t readable = total < frame.contiguous - offset ? total : frame.contiguous - offset;
    meta = {};
    if (!read_ports(header + kIPv4Bytes, readable - kIPv4Bytes, total - kIPv4Bytes, header[9], meta)) return false;
    std::memcpy(meta.tuple.source.data(), header + 12, 4);
    std::memcpy(meta.tuple.destination.data(), header + 16, 4);
    meta.tuple.family = Family::kIPv4;
    meta.hop_limit = header[8];
    meta.fragment_id = load_be16(header + 4);
    meta.l4_offset = static_cast<std::uint16_t>(offset + kIPv4Bytes);
    return true;
}

inline bool read_v6(const FrameView& frame, std::uint32_t offset, PacketMeta& meta) noexcept {
    if (frame.contiguous - offset < kIPv6HeaderBytes) return false;
    const std::uint8_t* header = frame.data + offset;
    const std::uint32_t payload = load_be16(header + 4);
    const std::uint32_t left = frame.length - offset - kIPv6HeaderBytes;
    if (header[0] >> 4 != 6 || payload > left) return false;
    const std::uint8_t* source = header + 8;
    const std::uint8_t* destination = header + 24;
    if (!is_routed_unicast_v6(*source) || !is_routed_unicast_v6(*destination) ||
        (load<std::uint64_t>(source) == load<std::uint64_t>(destination) &&
         load<std::uint64_t>(source + 8) == load<std::uint64_t>(destination + 8)))
        return false;

    const std::uint32_t here = frame.contiguous - offset - kIPv6HeaderBytes;
    meta = {};
    if (!read_ports(header + kIPv6HeaderBytes, payload < here ? payload : here, payload, header[6], meta)) return false;
    std::memcpy(meta.tuple.source.data(), source, sizeof meta.tuple.source);
    std::memcpy(meta.tuple.destination.data(), destination, sizeof meta.tuple.destination);
    meta.tuple.family = Family::kIPv6;
    meta.hop_limit = header[7];
    meta.l4_offset = static_cast<std::uint16_t>(offset + kIPv6HeaderBytes);
    return true;
}

// True: the frame holds an ordinary packet, and `meta` is what parse() says of it. False: `meta` means nothing.
inline bool read(const FrameView& frame, PacketMeta& meta) noexcept {
    const std::optional<NetworkLayer> layer = network_layer(frame.data, frame.contiguous);
    if (!layer) return false;
    const bool v4 = layer->ether_type == ether_type::kIPv4;
    if (!v4 && layer->ether_type != ether_type::kIPv6) return false;
    if (!(v4 ? read_v4(frame, layer->offset, meta) : read_v6(frame, layer->offset, meta))) return false;
    meta.is_ip = true;
    meta.ether_type = layer->ether_type;
    meta.l3_offset = layer->offset;
    meta.tuple.ingress_port = frame.ingress_port;
    return true;
}

}  // namespace drywall::net::ordinary
