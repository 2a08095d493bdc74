// KeyedEntries: entries with different keys, numbered 0, 1, 2, ... in the order in which they came, and found again by
// hash. Every step of a lookup is a call of its own, so that a burst of them waits for memory once and not each for
// itself.
//
// Threads: one.
// Memory:  grows with what is put in, fourfold at a time: every entry is then copied and placed anew. Memory that is
// new
//          to the process is what an entry costs most, so it lies in huge pages, which the kernel clears at once.
// Bounds:  a lookup reads at most two lines of the index, whoever chose the keys (flow::BucketIndex): the hash is
// seeded.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "drywall/base/prefetch.h"
#include "drywall/flow/bucket_index.h"
#include "drywall/whatif/chunks.h"

namespace drywall::whatif {

struct MemberKey {
    template <typename Entry>
    const auto& operator()(const Entry& entry) const noexcept {
        return entry.key;
    }
};

// KeyOf: says the key of an entry, which is compared with ==, and has no padding: every byte that is hashed was
// written.
template <typename Entry, typename KeyOf = MemberKey>
class KeyedEntries {
public:
    using Key = std::remove_cvref_t<std::invoke_result_t<KeyOf, const Entry&>>;
    static constexpr std::uint32_t kNone = flow::BucketIndex::kNone;

    explicit KeyedEntries(std::uint64_t seed) : seed_(seed), index_(capacity_for(kAtFirst)), room_(kAtFirst) {}

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
        drywall::prefetch(first);
        drywall::prefetch(first + sizeof(Entry) - 1);
        return number;
    }

    // The entry's number, or kNone. `candidate` is a hint, from when there may have been fewer entries.
    // REQUIRES: hash == hash_of(key); so it is of add()
    [[nodiscard]] std::uint32_t find(const Key& key, std::uint64_t hash,
                                     std::uint32_t candidate = kNone) const noexcept {
        if (candidate != kNone && KeyOf{}(entries_[candidate]) == key) return candidate;
        return index_.find(hash, [&](std::uint32_t number) { return KeyOf{}(entries_[number]) == key; });
    }

    // The entry's number; kNone, and nothing changed, if the index has no room for it.
    // REQUIRES: find(the entry's key, hash) == kNone
    std::uint32_t add(const Entry& entry, std::uint64_t hash) {
        const auto number = static_cast<std::uint32_t>(entries_.size());
        entries_.make_room();
        if (number >= room_ && !grow()) return kNone;
        if (!index_.insert(hash, number) && !(grow() && index_.insert(hash, number))) return kNone;
        entries_.push_back(entry);
        return number;
    }

    [[nodiscard]] Entry& operator[](std::uint32_t number) noexcept { return entries_[number]; }
    [[nodiscard]] const Entry& operator[](std::uint32_t number) const noexcept { return entries_[number]; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    // Nothing can be found or added afterwards.
    [[nodiscard]] Chunks<Entry> take() noexcept { return std::move(entries_); }

private:
    // The index is filled to four fifths and not, as others are, to the half: what it does not hold, it does not clear,
    // and one that finds no place for an entry grows before.
    static constexpr std::size_t kAtFirst = 819;
    static constexpr std::size_t kGrowth = 4;
    // That of an index of 5/4 slots, a power of two, for each entry: two slots are made for one of capacity.
    [[nodiscard]] static constexpr std::size_t capacity_for(std::size_t room) noexcept { return room * 5 / 8; }
    static constexpr std::size_t kMost = std::size_t{1} << 30U;
    static constexpr std::size_t kStep = 32;  // entries whose places are fetched together

    // False, and nothing changed, when the entries do not fit in more room either: then growing does not help.
    bool grow() {
        if (room_ >= kMost) return false;
        flow::BucketIndex larger(capacity_for(kGrowth * room_));
        std::array<std::uint64_t, kStep> hashes{};
        for (std::size_t first = 0; first < entries_.size(); first += kStep) {
            const std::size_t step = std::min(kStep, entries_.size() - first);
            for (std::size_t i = 0; i < step; ++i) {
                hashes[i] = hash_of(KeyOf{}(entries_[first + i]));
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
    Chunks<Entry> entries_;
};

}  // namespace drywall::whatif
