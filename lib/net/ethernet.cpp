#include "drywall/net/ethernet.h"

#include <algorithm>
#include <array>

namespace drywall::net {

namespace {

// A bridge protocol data unit: LLC by which only spanning tree goes, to the bridges' group address or, in a provider's
// network, to the provider bridges'. A frame with the right length and other contents is anything, such as IP in SNAP.
// Source: IEEE 802.1D-2004, 7.12.3, 7.12.5 and 9.2; IEEE 802.1Q, 8.6.3. Tagged frames have their length behind the
// tags.
bool is_spanning_tree(const FrameView& frame, const PacketMeta& meta) noexcept {
    constexpr std::array<std::uint8_t, 5> kReserved = {0x01, 0x80, 0xc2, 0x00, 0x00};
    constexpr std::uint8_t kBridges = 0x00;
    constexpr std::uint8_t kProviderBridges = 0x08;
    constexpr std::array<std::uint8_t, 3> kLlc = {0x42, 0x42, 0x03};
    constexpr std::uint32_t kSmallestUnit = 4;  // that says that the topology changed

    const std::uint32_t announced = meta.ether_type;
    if (announced < kLlc.size() + kSmallestUnit || announced > frame.length - meta.l3_offset) return false;
    if (frame.contiguous - meta.l3_offset < kLlc.size()) return false;
    const std::uint8_t group = frame.data[kReserved.size()];
    return (group == kBridges || group == kProviderBridges) &&
           std::equal(kReserved.begin(), kReserved.end(), frame.data) &&
           std::equal(kLlc.begin(), kLlc.end(), frame.data + meta.l3_offset);
}

}  // namespace

std::uint16_t non_ip_name(const FrameView& frame, const PacketMeta& meta) noexcept {
    if (meta.ether_type >= ether_type::kFirst) return meta.ether_type;
    return is_spanning_tree(frame, meta) ? non_ip::kSpanningTree : non_ip::kNameless;
}

}  // namespace drywall::net
