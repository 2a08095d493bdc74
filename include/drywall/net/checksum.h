// The Internet checksum in parts (RFC 1071, RFC 1624): sums of 16-bit words that are added up in any order and folded
// once.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace drywall::net {

[[nodiscard]] inline std::uint16_t load16(const std::uint8_t* at) noexcept {
    return static_cast<std::uint16_t>(at[0] << 8U | at[1]);
}
inline void store16(std::uint8_t* at, std::uint32_t value) noexcept {
    at[0] = static_cast<std::uint8_t>(value >> 8U);
    at[1] = static_cast<std::uint8_t>(value);
}
inline void store32(std::uint8_t* at, std::uint32_t value) noexcept {
    store16(at, value >> 16U);
    store16(at + 2, value & 0xffffU);
}

// Of big-endian words; an odd last byte counts as the word's upper half.
[[nodiscard]] inline std::uint64_t word_sum(const std::uint8_t* at, std::size_t bytes) noexcept {
    std::uint64_t sum = 0;
    for (; bytes >= 2; bytes -= 2, at += 2) sum += load16(at);
    return bytes == 0 ? sum : sum + (std::uint64_t{*at} << 8U);
}

[[nodiscard]] inline std::uint16_t folded(std::uint64_t sum) noexcept {
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(sum);
}

// What a sum becomes when its words begin at an odd place of the packet.
[[nodiscard]] inline std::uint64_t at_odd_place(std::uint64_t sum) noexcept {
    const std::uint16_t word = folded(sum);
    return static_cast<std::uint16_t>(word << 8U | word >> 8U);
}

[[nodiscard]] inline std::uint16_t checksum_of(std::uint64_t sum) noexcept {
    return static_cast<std::uint16_t>(~folded(sum));
}

}  // namespace drywall::net
