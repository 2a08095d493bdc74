// The seeded hash of flow and fragment keys.
#pragma once

#include <cstdint>
#include <type_traits>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace drywall::flow {

template <typename Key>
requires std::has_unique_object_representations_v<Key>  // no padding: every byte hashed is a byte that was written
    std::uint64_t hash(const Key& key, std::uint64_t seed)
noexcept { return XXH3_64bits_withSeed(&key, sizeof(Key), seed); }

}  // namespace drywall::flow
