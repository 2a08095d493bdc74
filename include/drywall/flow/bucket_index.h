// BucketIndex: from the hash of a key to the number of an entry that lives elsewhere.
//
// Threads: one owner; nothing here locks.
// Memory:  all reserved by the constructor, at most half full. It never grows or rehashes.
// Bounds:  a value lies in one of two buckets, its home and its other, of 8 slots and one cache line each: a lookup
//          reads at most two lines, whoever chose the keys. An insertion that finds both full tries to move one
//          inhabitant of its home to that one's other bucket, once; if none can move, it refuses.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "drywall/base/cache_line.h"
#include "drywall/base/huge_pages.h"
#include "drywall/base/prefetch.h"

namespace drywall::flow {

// The signatures of one bucket.
using Signatures = std::array<std::uint32_t, 8>;

// A bit for each slot that holds `signature`: the plain version.
[[nodiscard]] inline unsigned matching_slots_plainly(const Signatures& signatures, std::uint32_t signature) noexcept {
    unsigned found = 0;
    for (std::size_t slot = 0; slot < signatures.size(); ++slot)
        found |= static_cast<unsigned>(signatures[slot] == signature) << slot;
    return found;
}

// The same with SSE2, which every x86-64 has: a fifth less time for a burst's lookup (perf/flow_benchmark).
// REQUIRES: `signatures` is aligned to 16 bytes
[[nodiscard]] inline unsigned matching_slots(const Signatures& signatures, std::uint32_t signature) noexcept {
#ifdef __SSE2__
    const auto* halves = reinterpret_cast<const __m128i*>(signatures.data());
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(signature));
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(halves), wanted);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(halves + 1), wanted);
    const __m128i packed = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());
    return static_cast<unsigned>(_mm_movemask_epi8(packed));
#else
    return matching_slots_plainly(signatures, signature);
#endif
}

class BucketIndex {
public:
    static constexpr std::uint32_t kNone = 0xffff'ffff;
    static constexpr std::size_t kSlots = std::tuple_size_v<Signatures>;

    explicit BucketIndex(std::size_t capacity)
        : buckets_(std::bit_ceil(std::max<std::size_t>(1, (capacity + 3) / 4))), mask_(buckets_.size() - 1) {}

    void prefetch(std::uint64_t hash) const noexcept { drywall::prefetch(&buckets_[home_of(hash)]); }

    // For those of which the home bucket says nothing: then find() looks into the other one too.
    void prefetch_other(std::uint64_t hash) const noexcept {
        drywall::prefetch(&buckets_[other_of(home_of(hash), signature_of(hash))]);
    }

    // The first value of the home bucket with this hash's signature: nearly always the right one, if there is one.
    // Only a hint, so that its entry can be fetched early; kNone says nothing about the other bucket.
    [[nodiscard]] std::uint32_t candidate(std::uint64_t hash) const noexcept {
        const Bucket& bucket = buckets_[home_of(hash)];
        const unsigned found = matching_slots(bucket.signatures, signature_of(hash));
        return found == 0 ? kNone : bucket.values[static_cast<std::size_t>(std::countr_zero(found))];
    }

    // Likewise, of the other bucket.
    [[nodiscard]] std::uint32_t candidate_elsewhere(std::uint64_t hash) const noexcept {
        const Bucket& bucket = buckets_[other_of(home_of(hash), signature_of(hash))];
        const unsigned found = matching_slots(bucket.signatures, signature_of(hash));
        return found == 0 ? kNone : bucket.values[static_cast<std::size_t>(std::countr_zero(found))];
    }

    // The value for which `is_it(value)` holds among those with this hash's signature, or kNone.
    template <typename IsIt>
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt is_it) const noexcept {
        const std::uint32_t signature = signature_of(hash);
        const std::size_t home = home_of(hash);
        for (const std::size_t place : {home, other_of(home, signature)}) {
            const Bucket& bucket = buckets_[place];
            for (unsigned found = matching_slots(bucket.signatures, signature); found != 0; found &= found - 1) {
                const std::uint32_t value = bucket.values[static_cast<std::size_t>(std::countr_zero(found))];
                if (is_it(value)) return value;
            }
        }
        return kNone;
    }

    // False, and nothing changed, when there is no room within the bounds. REQUIRES: value != kNone, not yet in here
    bool insert(std::uint64_t hash, std::uint32_t value) noexcept;

    // REQUIRES: insert(hash, value) succeeded
    void erase(std::uint64_t hash, std::uint32_t value) noexcept;

    // Where values of this hash can lie: for who wants to know what collides.
    struct Places {
        std::size_t home = 0;
        std::size_t other = 0;
    };
    [[nodiscard]] Places places_of(std::uint64_t hash) const noexcept {
        return {home_of(hash), other_of(home_of(hash), signature_of(hash))};
    }
    [[nodiscard]] std::size_t bucket_count() const noexcept { return buckets_.size(); }

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return buckets_.size() * sizeof(Bucket); }

private:
    struct alignas(kCacheLine) Bucket {
        Signatures signatures{};  // 0: the slot is free
        std::array<std::uint32_t, kSlots> values{};
    };
    static_assert(sizeof(Bucket) == kCacheLine);

    static std::uint32_t signature_of(std::uint64_t hash) noexcept {
        return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(hash >> 32));
    }
    [[nodiscard]] std::size_t home_of(std::uint64_t hash) const noexcept {
        return static_cast<std::size_t>(hash) & mask_;
    }
    // Its own inverse, and a function of the signature alone: an inhabitant can be moved without knowing its hash.
    [[nodiscard]] std::size_t other_of(std::size_t place, std::uint32_t signature) const noexcept {
        return (place ^ (std::size_t{signature} * 0x9e37'79b1U | 1U)) & mask_;
    }
    bool put(std::size_t place, std::uint32_t signature, std::uint32_t value) noexcept;
    bool take(std::size_t place, std::uint32_t signature, std::uint32_t value) noexcept;
    bool make_room(std::size_t place) noexcept;

    std::vector<Bucket, HugePageAllocator<Bucket>> buckets_;  // a power of two of them
    std::size_t mask_;
};

}  // namespace drywall::flow
