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

// parse() has walked this chain before, so it ends at a fragment header within the packet.
FragmentRange ipv6_range(const std::uint8_t* header) noexcept {
    const std::uint32_t packet_end = kIPv6HeaderBytes + load_be16(header + 4);
    std::uint32_t position = kIPv6HeaderBytes;
    for (std::uint8_t next = header[6]; next != extension::kFragment;) {
        const std::uint32_t bytes = extension_bytes(next, header[position + 1]);
        next = header[position];
        position += bytes;
    }
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

}  // namespace drywall::net
