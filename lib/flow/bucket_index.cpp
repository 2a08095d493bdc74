#include "drywall/flow/bucket_index.h"

#include <cassert>

namespace drywall::flow {

bool BucketIndex::insert(std::uint64_t hash, std::uint32_t value) noexcept {
    assert(value != kNone);
    const std::uint32_t signature = signature_of(hash);
    const std::size_t home = home_of(hash);
    if (put(home, signature, value) || put(other_of(home, signature), signature, value)) return true;
    return make_room(home) && put(home, signature, value);
}

void BucketIndex::erase(std::uint64_t hash, std::uint32_t value) noexcept {
    const std::uint32_t signature = signature_of(hash);
    const std::size_t home = home_of(hash);
    [[maybe_unused]] const bool taken =
        take(home, signature, value) || take(other_of(home, signature), signature, value);
    assert(taken);
}

bool BucketIndex::put(std::size_t place, std::uint32_t signature, std::uint32_t value) noexcept {
    Bucket& bucket = buckets_[place];
    const unsigned free = matching_slots(bucket.signatures, 0);
    if (free == 0) return false;
    const auto slot = static_cast<std::size_t>(std::countr_zero(free));
    bucket.signatures[slot] = signature;
    bucket.values[slot] = value;
    return true;
}

bool BucketIndex::take(std::size_t place, std::uint32_t signature, std::uint32_t value) noexcept {
    Bucket& bucket = buckets_[place];
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        if (bucket.signatures[slot] != signature || bucket.values[slot] != value) continue;
        bucket.signatures[slot] = 0;
        return true;
    }
    return false;
}

bool BucketIndex::make_room(std::size_t place) noexcept {
    Bucket& bucket = buckets_[place];
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
        const std::size_t other = other_of(place, bucket.signatures[slot]);
        if (other == place || !put(other, bucket.signatures[slot], bucket.values[slot])) continue;
        bucket.signatures[slot] = 0;
        return true;
    }
    return false;
}

}  // namespace drywall::flow
