// IPv6 extension headers: their numbers and lengths.
#pragma once

#include <cstdint>

namespace drywall::net {

namespace extension {
inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kFragment = 44;
inline constexpr std::uint8_t kAuthentication = 51;
inline constexpr std::uint8_t kNoNextHeader = 59;
inline constexpr std::uint8_t kDestinationOptions = 60;
}  // namespace extension

inline constexpr std::uint32_t kFragmentHeaderBytes = 8;

// The length of an extension header that is neither a fragment header nor upper layer.
// Source: RFC 8200 4.3, 4.4, 4.6 (units of 8 bytes after the first 8); RFC 4302 2.2 (units of 4, minus 2).
constexpr std::uint32_t extension_bytes(std::uint8_t header, std::uint8_t length_field) noexcept {
    if (header == extension::kAuthentication) return (length_field + 2U) * 4;
    return (length_field + 1U) * 8;
}

constexpr bool is_extension(std::uint8_t header) noexcept {
    return header == extension::kHopByHop || header == extension::kRouting || header == extension::kFragment ||
           header == extension::kAuthentication || header == extension::kDestinationOptions;
}

}  // namespace drywall::net
