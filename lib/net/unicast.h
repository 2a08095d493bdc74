// Addresses that a host has beyond its own link: what every other check of an address asks first.
#pragma once

#include <cstdint>

namespace drywall::net {

// 1.0.0.0 to 223.255.255.255 without loopback (127/8) and link-local addresses (169.254/16, RFC 3927). Host order.
constexpr bool is_routed_unicast_v4(std::uint32_t address) noexcept {
    constexpr std::uint32_t kFirst = 0x0100'0000;
    constexpr std::uint32_t kMulticast = 0xe000'0000;
    return address - kFirst < kMulticast - kFirst && address >> 24 != 127 && address >> 16 != 0xa9fe;
}

// 2000::/3 (RFC 4291) and fc00::/7 (RFC 4193), by the address's first byte.
constexpr bool is_routed_unicast_v6(std::uint8_t first_byte) noexcept {
    return (first_byte & 0xe0) == 0x20 || (first_byte & 0xfe) == 0xfc;
}

}  // namespace drywall::net
