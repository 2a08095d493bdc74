// Big-endian loads from a frame. The caller has checked the bounds.
#pragma once

#include <cstdint>

namespace drywall::net {

inline std::uint16_t load_be16(const std::uint8_t* p) noexcept { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }

inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
    return std::uint32_t{load_be16(p)} << 16 | load_be16(p + 2);
}

}  // namespace drywall::net
