// KeyedEntries: entries with different keys, numbered 0, 1, 2, ... in the order in which they came, and found again by
// hash. Every step of a lookup is a call of its own, so that a burst of them waits for memory once and not each for
// itself.
//
// Threads: one.
// Memory:  grows with what is put in; the index grows fourfold at a time, and every entry is then placed anew.
// Bounds:  a lookup reads at most two lines of the index, whoever chose the keys (flow::BucketIndex): the hash is
// seeded.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "drywall/flow/bucket_index.h"

namespace drywall::whatif {

// Entry: its `key` is compared with ==, and has no padding: every byte that is hashed was written.
template <typename Entry>
class KeyedEntries {
public:
    using Key = decltype(Entry::key);
    static constexpr std::uint32_t kNone = flow::BucketIndex::kNone;

    explicit KeyedEntries(std::uint64_t seed) : seed_(seed), index_(kAtFirst), room_(kAtFirst) {}

    [[nodiscard]] std::uint64_t hash_of(const Key& key) const noexcept {
        static_assert(std::has_unique_object_representations_v<Key>);
        return XXH3_64bits_withSeed(&key, sizeof(Key), seed_);
    }

    // Before find(): the place in the index is fetched,
    void prefetch(std::uint64_t hash) const noexcept { index_.prefetch(hash); }
    // then the entry that is most likely meant. kNone says nothing.
    [[nodiscard]] std::uint32_t candidate(std::uint64_t hash) const noexcept {
        const std::uint32_t number = index_.candidate(hash);
        if (number == kNone) {
            index_.prefetch_other(hash);
            return kNone;
        }
        const auto* first = reinterpret_cast<const char*>(&entries_[number]);
        __builtin_prefetch(first);
        __builtin_prefetch(first + sizeof(Entry) - 1);
        return number;
    }

    // The entry's number, or kNone. `candidate` is a hint, from when there may have been fewer entries.
    // REQUIRES: hash == hash_of(key); so it is of add()
    [[nodiscard]] std::uint32_t find(const Key& key, std::uint64_t hash,
                                     std::uint32_t candidate = kNone) const noexcept {
        if (candidate != kNone && entries_[candidate].key == key) return candidate;
        return index_.find(hash, [&](std::uint32_t number) { return entries_[number].key == key; });
    }

    // The entry's number; kNone, and nothing changed, if the index has no room for it.
    // REQUIRES: find(entry.key, hash) == kNone
    std::uint32_t add(const Entry& entry, std::uint64_t hash) {
        const auto number = static_cast<std::uint32_t>(entries_.size());
        if (number >= room_ && !grow()) return kNone;
        if (!index_.insert(hash, number) && !(grow() && index_.insert(hash, number))) return kNone;
        entries_.push_back(entry);
        return number;
    }

    [[nodiscard]] Entry& operator[](std::uint32_t number) noexcept { return entries_[number]; }
    [[nodiscard]] const Entry& operator[](std::uint32_t number) const noexcept { return entries_[number]; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    static constexpr std::size_t kAtFirst = 1024;
    static constexpr std::size_t kGrowth = 4;
    static constexpr std::size_t kMost = std::size_t{1} << 30U;
    static constexpr std::size_t kStep = 32;  // entries whose places are fetched together

    // False, and nothing changed, when the entries do not fit in more room either: then growing does not help.
    bool grow() {
        if (room_ >= kMost) return false;
        flow::BucketIndex larger(kGrowth * room_);
        std::array<std::uint64_t, kStep> hashes{};
        for (std::size_t first = 0; first < entries_.size(); first += kStep) {
            const std::size_t step = std::min(kStep, entries_.size() - first);
            for (std::size_t i = 0; i < step; ++i) {
                hashes[i] = hash_of(entries_[first + i].key);
                larger.prefetch(hashes[i]);
            }
            for (std::size_t i = 0; i < step; ++i)
                if (!larger.insert(hashes[i], static_cast<std::uint32_t>(first + i))) return false;
        }
        index_ = std::move(larger);
        room_ *= kGrowth;
        return true;
    }

    std::uint64_t seed_;
    flow::BucketIndex index_;
    std::size_t room_;  // entries that the index is made for
    std::vector<Entry> entries_;
};

}  // namespace drywall::whatif
