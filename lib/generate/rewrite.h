// Rewriting of packets that somebody else made: addresses, ports, MAC addresses, tags, and room for a signature, with
// every checksum following.
//
// Threads: pure functions.
// Bounds:  no byte outside `frame` is touched, whatever its headers claim; what is no well-formed IP packet keeps
// everything
//          but its Ethernet header.
#pragma once

#include <cstdint>
#include <vector>

#include "drywall/loader/traffic_profile.h"
#include "drywall/net/packet_meta.h"

namespace drywall::generate {

// As the mapping says, in `frame`.
void rewrite(const loader::ReplayProfile& how, std::vector<std::uint8_t>& frame);

// What is known of the frame's layers; also of what lib/net calls malformed.
[[nodiscard]] net::PacketMeta parsed(const std::vector<std::uint8_t>& frame) noexcept;

// Where the checksum of the packet's upper layer stands. 0: it has none that could be kept right (another protocol, a
// later fragment, UDP without one, not IP).
struct UpperChecksum {
    std::uint16_t offset = 0;
    bool zero_is_none = false;      // UDP
    bool covers_addresses = false;  // by its pseudo header
};
[[nodiscard]] UpperChecksum upper_checksum(const std::vector<std::uint8_t>& frame,
                                           const net::PacketMeta& meta) noexcept;

// Behind the packet's last byte (before padding, which goes), with the lengths of IP and UDP and their checksums made
// to fit; zeros. False, and nothing changed: not IP, a fragment, or not TCP, UDP or ICMP.
[[nodiscard]] bool append_room(std::vector<std::uint8_t>& frame, std::size_t bytes);

}  // namespace drywall::generate
