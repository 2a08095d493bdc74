// Link layers other than Ethernet: what stands in front of the IP packet in a capture, and which ether type it means.
//
// Threads: pure functions.
// Source:  the tcpdump group's list of link-layer header types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace drywall::io {

struct LinkLayer {
    int type = 0;                  // libpcap's DLT_ number
    std::size_t header_bytes = 0;  // in front of the packet
    // The ether type that the header (or the packet behind it) says; 0 when it says none. `bytes` has at least
    // `header_bytes`.
    std::uint16_t (*ether_type)(std::span<const std::uint8_t> bytes) = nullptr;  // null: this is Ethernet
};

[[nodiscard]] std::optional<LinkLayer> link_layer(int type) noexcept;

}  // namespace drywall::io
