// Seeded hashes of what comes from the wire: nobody outside can choose what lies together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace drywall::inspect {

[[nodiscard]] inline std::uint64_t hash(std::string_view text, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

template <typename Key>
requires std::has_unique_object_representations_v<Key>  // no padding: every byte hashed is a byte that was written
[[nodiscard]] std::uint64_t hash(const Key& key, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(&key, sizeof(Key), seed);
}

// One of `places`, evenly, by the upper half of the hash.
[[nodiscard]] inline std::size_t place_of(std::uint64_t hash, std::size_t places) noexcept {
    return static_cast<std::size_t>((hash >> 32U) * places >> 32U);
}

}  // namespace drywall::inspect
