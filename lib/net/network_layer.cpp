#include "network_layer.h"

#include <algorithm>
#include <cstring>

#include "bytes.h"
#include "extension_headers.h"

namespace drywall::net {

namespace {

constexpr std::uint32_t kIPv4HeaderBytes = 20;
constexpr std::uint32_t kTcpHeaderBytes = 20;
constexpr std::uint32_t kUdpHeaderBytes = 8;
constexpr std::uint32_t kSctpHeaderBytes = 12;
constexpr std::uint32_t kIcmpHeaderBytes = 8;
constexpr std::uint32_t kQuotedBytes = 8;  // of the upper layer, which every ICMP error has to quote (RFC 792)
constexpr std::uint32_t kLargestPacket = 65535;
// RFC 8200 knows at most seven headers in one packet (4.1); a longer chain is built to tire somebody, or to push what
// it hides out of the sight of whoever looks at a packet's start.
constexpr int kMaxExtensionHeaders = 8;
constexpr std::uint32_t kMaxExtensionBytes = 256;

// Options by which the sender chooses the way, or has it written down (RFC 791, 3.1).
constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kRecordRoute = 7;
constexpr std::uint8_t kLooseSourceRoute = 131;
constexpr std::uint8_t kStrictSourceRoute = 137;
constexpr std::uint8_t kSourceRouteHeader = 0;  // the type of routing header that RFC 5095 took back

// One packet while it is read: `position` walks from header to header.
struct Walk {
    const std::uint8_t* data;
    std::uint32_t position;
    std::uint32_t limit;  // nothing at or past this is read: neither outside the memory nor outside the packet
    std::uint32_t end;    // where the IP header says that the packet ends
    Extent extent;

    [[nodiscard]] bool has(std::uint32_t bytes) const noexcept { return bytes <= limit && position <= limit - bytes; }
    [[nodiscard]] const std::uint8_t* at() const noexcept { return data + position; }
    [[nodiscard]] bool complete() const noexcept { return extent == Extent::kComplete; }
};

// Applies the length that the IP header announces. False: it reaches past the frame.
bool set_end(Walk& walk, const Window& window, std::uint32_t end) noexcept {
    if (end > window.length && walk.complete()) return false;
    walk.end = std::min(end, window.length);
    walk.limit = std::min(walk.end, window.readable);
    return true;
}

// ICMP queries carry an identifier where ports would be (RFC 792, RFC 950, RFC 4443).
bool is_query(std::uint8_t protocol_number, std::uint8_t type) noexcept {
    if (protocol_number == protocol::kIcmpv6) return type == 128 || type == 129;
    return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

DropReason read_ports(const Walk& walk, PacketMeta& meta) noexcept {
    meta.tuple.source_port = load_be16(walk.at());
    meta.tuple.destination_port = load_be16(walk.at() + 2);
    return DropReason::kNone;
}

DropReason read_tcp(const Walk& walk, PacketMeta& meta) noexcept {
    if (!walk.has(walk.complete() ? kTcpHeaderBytes : kQuotedBytes)) return DropReason::kTruncated;
    if (walk.has(kTcpHeaderBytes)) {
        const std::uint32_t header_bytes = (walk.at()[12] >> 4) * 4U;
        if (header_bytes < kTcpHeaderBytes) return DropReason::kBadHeader;
        if (walk.complete() && header_bytes > walk.end - walk.position) return DropReason::kTruncated;
        meta.tcp_flags = walk.at()[13];
    }
    return read_ports(walk, meta);
}

DropReason read_udp(const Walk& walk, PacketMeta& meta) noexcept {
    if (!walk.has(kUdpHeaderBytes)) return DropReason::kTruncated;
    const std::uint32_t length = load_be16(walk.at() + 4);
    if (length < kUdpHeaderBytes) return DropReason::kBadHeader;
    // A first fragment announces the length of the whole datagram.
    const bool all_here = walk.complete() && meta.fragment == FragmentKind::kWhole;
    if (all_here && length > walk.end - walk.position) return DropReason::kTruncated;
    return read_ports(walk, meta);
}

DropReason read_sctp(const Walk& walk, PacketMeta& meta) noexcept {
    if (!walk.has(walk.complete() ? kSctpHeaderBytes : kQuotedBytes)) return DropReason::kTruncated;
    return read_ports(walk, meta);
}

DropReason read_icmp(const Walk& walk, PacketMeta& meta) noexcept {
    if (!walk.has(kIcmpHeaderBytes)) return DropReason::kTruncated;
    meta.tuple.destination_port = load_be16(walk.at());  // type, code
    if (is_query(meta.tuple.protocol, walk.at()[0])) meta.icmp_id = load_be16(walk.at() + 4);
    return DropReason::kNone;
}

DropReason read_upper_layer(const Walk& walk, PacketMeta& meta) noexcept {
    if (meta.fragment == FragmentKind::kLater) return DropReason::kNone;  // ports travel only in the first fragment
    if (meta.tuple.family == Family::kIPv6 && meta.tuple.protocol == extension::kNoNextHeader) return DropReason::kNone;
    meta.l4_offset = static_cast<std::uint16_t>(walk.position);
    switch (meta.tuple.protocol) {
        case protocol::kTcp: return read_tcp(walk, meta);
        case protocol::kUdp: return read_udp(walk, meta);
        case protocol::kSctp: return read_sctp(walk, meta);
        case protocol::kIcmp:
        case protocol::kIcmpv6: return read_icmp(walk, meta);
        default: return DropReason::kNone;
    }
}

FragmentKind fragment_kind(std::uint32_t offset, bool more) noexcept {
    if (offset != 0) return FragmentKind::kLater;
    return more ? FragmentKind::kFirst : FragmentKind::kWhole;
}

// The list of options behind the fixed part: whether each lies within the header, and is one that may pass.
DropReason read_ipv4_options(const std::uint8_t* options, std::uint32_t bytes) noexcept {
    for (std::uint32_t at = 0; at < bytes && options[at] != kEndOfOptions;) {
        if (options[at] == kNoOperation) {
            ++at;
            continue;
        }
        if (at + 1 >= bytes || options[at + 1] < 2 || options[at + 1] > bytes - at) return DropReason::kBadHeader;
        const std::uint8_t type = options[at];
        if (type == kRecordRoute || type == kLooseSourceRoute || type == kStrictSourceRoute)
            return DropReason::kIpOption;
        at += options[at + 1];
    }
    return DropReason::kNone;
}

// Whether a fragment is so placed that it splits or rewrites the header by which its datagram was judged.
// Source: RFC 1858 and RFC 3128 (TCP: the first fragment holds the whole header, no other one reaches into it). A piece
// without data belongs to no datagram, and one with more behind it carries a multiple of 8 bytes (RFC 791).
// `before`: bytes that the datagram has in front of what is fragmented and that its length counts.
DropReason check_fragment(const PacketMeta& meta, std::uint32_t before, std::uint32_t begin, std::uint32_t bytes,
                          bool more) noexcept {
    if (before + begin + bytes > kLargestPacket) return DropReason::kFragmentOversize;
    if (bytes == 0) return DropReason::kFragmentTiny;
    if (more && bytes % 8 != 0) return DropReason::kBadHeader;
    const bool into_header = begin > 0 && begin < kTcpHeaderBytes && meta.tuple.protocol == protocol::kTcp;
    return into_header ? DropReason::kFragmentTiny : DropReason::kNone;
}

// A first fragment that ends before the headers do, by its own word: all that it carries can be read.
bool is_short_first(const Walk& walk, const PacketMeta& meta) noexcept {
    return meta.fragment == FragmentKind::kFirst && walk.complete() && walk.limit == walk.end;
}

DropReason check_ipv4(const std::uint8_t* header, std::uint32_t header_bytes, const PacketMeta& meta,
                      std::uint32_t begin, std::uint32_t bytes, bool more) noexcept {
    if (const DropReason bad = read_ipv4_options(header + kIPv4HeaderBytes, header_bytes - kIPv4HeaderBytes);
        bad != DropReason::kNone)
        return bad;
    return meta.fragment == FragmentKind::kWhole ? DropReason::kNone
                                                 : check_fragment(meta, header_bytes, begin, bytes, more);
}

DropReason read_ipv4(Walk walk, const Window& window, PacketMeta& meta) noexcept {
    if (!walk.has(kIPv4HeaderBytes)) return DropReason::kTruncated;
    const std::uint8_t* header = walk.at();
    const std::uint32_t header_bytes = (header[0] & 0x0fU) * 4;
    const std::uint32_t total_bytes = load_be16(header + 2);
    if (header[0] >> 4 != 4 || header_bytes < kIPv4HeaderBytes || total_bytes < header_bytes)
        return DropReason::kBadHeader;
    if (!set_end(walk, window, walk.position + total_bytes) || !walk.has(header_bytes)) return DropReason::kTruncated;

    const std::uint16_t fragmentation = load_be16(header + 6);
    const std::uint32_t offset = (fragmentation & 0x1fffU) * 8;

    meta.tuple.family = Family::kIPv4;
    meta.tuple.protocol = header[9];
    std::memcpy(meta.tuple.source.data(), header + 12, 4);
    std::memcpy(meta.tuple.destination.data(), header + 16, 4);
    meta.hop_limit = header[8];
    meta.fragment_id = load_be16(header + 4);
    const bool more = (fragmentation & 0x2000) != 0;
    meta.fragment = fragment_kind(offset, more);
    if (walk.complete())
        if (const DropReason bad = check_ipv4(header, header_bytes, meta, offset, total_bytes - header_bytes, more);
            bad != DropReason::kNone)
            return bad;

    walk.position += header_bytes;
    const DropReason bad = read_upper_layer(walk, meta);
    return bad == DropReason::kTruncated && is_short_first(walk, meta) ? DropReason::kFragmentTiny : bad;
}

// Reads a fragment header. REQUIRES: walk.has(8)
DropReason read_fragment_header(const Walk& walk, PacketMeta& meta) noexcept {
    const std::uint16_t field = load_be16(walk.at() + 2);
    const std::uint32_t offset = field & 0xfff8U;
    const bool more = (field & 1) != 0;
    meta.fragment = fragment_kind(offset, more);
    meta.fragment_id = load_be32(walk.at() + 4);
    if (meta.fragment == FragmentKind::kWhole || !walk.complete()) return DropReason::kNone;
    meta.tuple.protocol = walk.at()[0];
    const std::uint32_t before = walk.position - meta.l3_offset - kIPv6HeaderBytes;  // RFC 8200 4.5
    return check_fragment(meta, before, offset, walk.end - walk.position - kFragmentHeaderBytes, more);
}

// Walks the chain until a header that is none of it. ESP hides what follows, so it is the protocol itself.
DropReason read_extensions(Walk& walk, std::uint8_t next, PacketMeta& meta) noexcept {
    bool fragment_seen = false;
    const std::uint32_t chain_begin = walk.position;
    for (int headers = 0; is_extension(next); ++headers) {
        if (headers == kMaxExtensionHeaders) return DropReason::kExtensionChain;
        // Hop-by-hop stands first or nowhere (RFC 8200 4.1); two fragment headers can't both be true.
        if (next == extension::kHopByHop && headers != 0) return DropReason::kExtensionChain;
        if (next == extension::kFragment && fragment_seen) return DropReason::kExtensionChain;
        if (!walk.has(8)) return DropReason::kTruncated;
        if (next == extension::kRouting && walk.complete() && walk.at()[2] == kSourceRouteHeader)
            return DropReason::kIpOption;

        std::uint32_t bytes = extension_bytes(next, walk.at()[1]);
        if (next == extension::kFragment) {
            bytes = 8;
            fragment_seen = true;
            if (const DropReason bad = read_fragment_header(walk, meta); bad != DropReason::kNone) return bad;
        }
        if (!walk.has(bytes)) return DropReason::kTruncated;
        next = walk.at()[0];
        walk.position += bytes;
        if (walk.position - chain_begin > kMaxExtensionBytes) return DropReason::kExtensionChain;
        if (meta.fragment == FragmentKind::kLater) break;  // what follows is payload, whatever `next` is called
    }
    meta.tuple.protocol = next;
    return DropReason::kNone;
}

DropReason read_ipv6(Walk walk, const Window& window, PacketMeta& meta) noexcept {
    if (!walk.has(kIPv6HeaderBytes)) return DropReason::kTruncated;
    const std::uint8_t* header = walk.at();
    if (header[0] >> 4 != 6) return DropReason::kBadHeader;
    const std::uint32_t total_bytes = kIPv6HeaderBytes + load_be16(header + 4);
    if (!set_end(walk, window, walk.position + total_bytes)) return DropReason::kTruncated;

    meta.tuple.family = Family::kIPv6;
    std::memcpy(meta.tuple.source.data(), header + 8, 16);
    std::memcpy(meta.tuple.destination.data(), header + 24, 16);
    meta.hop_limit = header[7];

    walk.position += kIPv6HeaderBytes;
    DropReason bad = read_extensions(walk, header[6], meta);
    if (bad == DropReason::kNone) bad = read_upper_layer(walk, meta);
    // Of a first fragment everything up to the upper-layer header has to be there (RFC 7112).
    return bad == DropReason::kTruncated && is_short_first(walk, meta) ? DropReason::kFragmentHeaders : bad;
}

}  // namespace

DropReason read_network_layer(const Window& window, Extent extent, PacketMeta& meta) noexcept {
    const Walk walk{window.data, meta.l3_offset, window.readable, window.length, extent};
    return meta.ether_type == ether_type::kIPv4 ? read_ipv4(walk, window, meta) : read_ipv6(walk, window, meta);
}

}  // namespace drywall::net
