// Numbers that look drawn and are not: the same seed and index give the same number, in any order of asking.
//
// Threads: pure functions.
// Source:  the finalizer of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#pragma once

#include <cstdint>

namespace drywall::generate {

[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t value) noexcept {
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

// The i-th draw of one of the seed's series.
[[nodiscard]] constexpr std::uint64_t drawn(std::uint64_t seed, std::uint64_t series, std::uint64_t i) noexcept {
    return mixed(mixed(seed ^ mixed(series)) ^ i);
}

// A draw as a number below `most`. REQUIRES: 0 < most <= 2^32; the bias is below 2^-32
[[nodiscard]] constexpr std::uint64_t below(std::uint64_t draw, std::uint64_t most) noexcept {
    return ((draw >> 32U) * most) >> 32U;
}

// A draw as a number in [0, 1).
[[nodiscard]] constexpr double unit_interval(std::uint64_t draw) noexcept {
    return static_cast<double>(draw >> 11U) * 0x1p-53;
}

}  // namespace drywall::generate
