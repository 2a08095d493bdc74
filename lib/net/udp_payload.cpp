#include "drywall/net/udp_payload.h"

#include <algorithm>
#include <cassert>

#include "bytes.h"
#include "network_layer.h"

namespace drywall::net {

std::span<const std::uint8_t> udp_payload(const FrameView& frame, const PacketMeta& meta) noexcept {
    assert(meta.tuple.protocol == protocol::kUdp && meta.fragment == FragmentKind::kWhole);
    constexpr std::uint32_t kHeader = 8;
    const std::uint32_t begin = meta.l4_offset + kHeader;
    const std::uint32_t said = meta.l4_offset + load_be16(frame.data + meta.l4_offset + 4);
    const std::uint32_t end = std::min({packet_end(frame, meta), frame.contiguous, said});
    if (begin >= end) return {};
    return {frame.data + begin, end - begin};
}

}  // namespace drywall::net
