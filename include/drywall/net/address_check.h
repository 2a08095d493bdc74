// AddressCheck: sources and destinations that no packet between hosts can have, whatever policy says.
//
// Threads: values and pure functions.
// Source:  RFC 1122 (3.2.1.3), RFC 6890 (special purpose addresses), RFC 4291 (2.5-2.7); the firewall module of Common
//          Criteria, FFW_RUL_EXT.1.6 and 1.7.
#pragma once

#include <cstdint>

#include "drywall/net/packet_meta.h"

namespace drywall::net {

enum class AddressCheck : std::uint8_t {
    kAny,  // nothing is checked
    // What can't be: unspecified, loopback, reserved and mapped addresses on either side, a multicast or broadcast
    // source, a source that is the destination. A host that has no address yet may ask for one (DHCP), ask whether it
    // is taken, and join groups.
    kUsual,
    // And what has no business between two segments: link-local addresses (but for neighbour discovery, multicast
    // listener messages and DHCPv6), and IPv6 unicast outside of 2000::/3 and fc00::/7.
    kStrict,
};

// kNone or kAddressInvalid. REQUIRES: meta is well-formed and IP
[[nodiscard]] DropReason check_addresses(const PacketMeta& meta, AddressCheck check) noexcept;

// A host speaks that has no address beyond its link: neighbours among each other by link-local or unspecified sources,
// and who asks for an address (DHCP), or answers on the link (DHCPv6).
[[nodiscard]] bool speaks_without_address(const PacketMeta& meta) noexcept;

// ICMPv6 by which neighbours on one link find each other, with the hop limit that proves that no router forwarded it:
// router and neighbour discovery, redirect (RFC 4861), multicast listener discovery (RFC 2710, RFC 3810). Never
// fragmented (RFC 6980).
[[nodiscard]] bool is_link_control(const PacketMeta& meta) noexcept;

// A packet of is_link_control()'s types that no neighbour sent: its hop limit is another one, or it has a fragment
// header, be it all of its datagram. Hosts ignore it. REQUIRES: meta is parse(frame), well-formed and IP
[[nodiscard]] bool is_forged_link_control(const FrameView& frame, const PacketMeta& meta) noexcept;

}  // namespace drywall::net
