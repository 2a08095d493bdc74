#include "drywall/net/fragment.h"

#include <cassert>

#include "bytes.h"
#include "extension_headers.h"
#include "network_layer.h"

namespace drywall::net {

namespace {

FragmentRange ipv4_range(const std::uint8_t* header) noexcept {
    const std::uint16_t field = load_be16(header + 6);
    const std::uint32_t begin = (field & 0x1fffU) * 8;
    return {begin, begin + load_be16(header + 2) - (header[0] & 0x0fU) * 4, (field & 0x2000) == 0};
}

// The bytes from the IPv6 header to its fragment header; `limit`: there is none in front of it. parse() has walked this
// chain before, so it stays within the packet.
std::uint32_t fragment_header_offset(const std::uint8_t* header, std::uint32_t limit) noexcept {
    std::uint32_t position = kIPv6HeaderBytes;
    for (std::uint8_t next = header[6]; position < limit && next != extension::kFragment;) {
        const std::uint32_t bytes = extension_bytes(next, header[position + 1]);
        next = header[position];
        position += bytes;
    }
    return position;
}

FragmentRange ipv6_range(const std::uint8_t* header) noexcept {
    const std::uint32_t packet_end = kIPv6HeaderBytes + load_be16(header + 4);
    const std::uint32_t position = fragment_header_offset(header, packet_end);
    const std::uint16_t field = load_be16(header + position + 2);
    const std::uint32_t begin = field & 0xfff8U;
    return {begin, begin + packet_end - (position + kFragmentHeaderBytes), (field & 1) == 0};
}

}  // namespace

FragmentRange fragment_range(const FrameView& frame, const PacketMeta& meta) noexcept {
    assert(meta.malformed == DropReason::kNone && meta.fragment != FragmentKind::kWhole);
    const std::uint8_t* header = frame.data + meta.l3_offset;
    return meta.tuple.family == Family::kIPv4 ? ipv4_range(header) : ipv6_range(header);
}

bool has_fragment_header(const FrameView& frame, const PacketMeta& meta) noexcept {
    assert(meta.malformed == DropReason::kNone && meta.tuple.family == Family::kIPv6 && meta.l4_offset != 0);
    const auto chain_end = static_cast<std::uint32_t>(meta.l4_offset - meta.l3_offset);
    return fragment_header_offset(frame.data + meta.l3_offset, chain_end) < chain_end;
}

}  // namespace drywall::net
