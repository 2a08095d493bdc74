// Where a frame's network layer begins, and what it is: Ethernet and up to two VLAN tags (IEEE 802.1Q, 802.1ad). Of
// what is not IP, by which name a rule means it.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "drywall/net/packet_meta.h"

namespace drywall::net {

struct NetworkLayer {
    std::uint16_t ether_type = 0;  // behind the tags; a third tag stays what it says it is: a frame that is not IP
    std::uint16_t offset = 0;      // bytes from the frame's start
};

// Nothing: the frame ends before its ether type does.
[[nodiscard]] inline std::optional<NetworkLayer> network_layer(const std::uint8_t* data,
                                                               std::uint32_t readable) noexcept {
    constexpr std::uint32_t kEthernetBytes = 14;
    constexpr std::uint32_t kTagBytes = 4;
    constexpr int kMaxTags = 2;
    const auto type_before = [data](std::uint32_t end) {
        return static_cast<std::uint16_t>(data[end - 2] << 8 | data[end - 1]);
    };
    if (readable < kEthernetBytes) return std::nullopt;
    std::uint32_t end = kEthernetBytes;
    std::uint16_t type = type_before(end);
    for (int tags = 0; tags < kMaxTags && (type == ether_type::kVlan || type == ether_type::kQinQ); ++tags) {
        if (readable - end < kTagBytes) return std::nullopt;
        end += kTagBytes;
        type = type_before(end);
    }
    return NetworkLayer{type, static_cast<std::uint16_t>(end)};
}

// What a rule about frames that are not IP names: an ether type, or one of these for 802.3 frames, which have none.
// Both are below ether_type::kFirst.
namespace non_ip {
inline constexpr std::uint16_t kNameless = 0;
inline constexpr std::uint16_t kSpanningTree = 0x42;  // the address of its service access point in LLC
}  // namespace non_ip

// REQUIRES: meta is parse(frame), well-formed and not IP
[[nodiscard]] std::uint16_t non_ip_name(const FrameView& frame, const PacketMeta& meta) noexcept;

}  // namespace drywall::net
