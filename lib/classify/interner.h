// Interner: gives each distinct sequence of numbers one small id. Hash-consing is what keeps classes, lists of rules,
// hits and blocks few; everything that the compiler shares, it shares through here.
//
// Threads: owned by one compilation.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace drywall::classify {

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}

// Open addressing over ids 0, 1, 2, ...; the owner knows what an id stands for, and compares.
class IdTable {
public:
    // The id whose content `equal(id)`; if there is none, `next` takes its place and is returned.
    template <typename Equal>
    std::uint32_t find_or_insert(std::uint64_t hash, std::uint32_t next, Equal&& equal) {
        if ((used_ + 1) * 2 > slots_.size()) grow();
        const auto tag = static_cast<std::uint32_t>(hash >> 32);
        for (std::size_t at = tag & mask();; at = (at + 1) & mask()) {
            Slot& slot = slots_[at];
            if (slot.id == kEmpty) {
                slot = {tag, next};
                ++used_;
                return next;
            }
            if (slot.tag == tag && equal(slot.id)) return slot.id;
        }
    }

private:
    static constexpr std::uint32_t kEmpty = 0xffffffff;
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t id = kEmpty;
    };

    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

    void grow() {
        std::vector<Slot> old(std::max<std::size_t>(16, slots_.size() * 2));
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.id == kEmpty) continue;
            std::size_t at = slot.tag & mask();
            while (slots_[at].id != kEmpty) at = (at + 1) & mask();
            slots_[at] = slot;
        }
    }

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

template <typename T>
requires std::is_unsigned_v<T>
class Interner {
public:
    // The id of `content`: ids count from 0 in the order of first appearance.
    std::uint32_t intern(std::span<const T> content) {
        std::uint64_t hash = content.size();
        for (const T item : content) hash = mix(hash, item);
        const auto next = static_cast<std::uint32_t>(size());
        const std::uint32_t id = index_.find_or_insert(
            hash, next, [&](std::uint32_t candidate) { return std::ranges::equal((*this)[candidate], content); });
        if (id == next) {
            pool_.insert(pool_.end(), content.begin(), content.end());
            ends_.push_back(pool_.size());
        }
        return id;
    }

    // Valid until the next intern().
    [[nodiscard]] std::span<const T> operator[](std::uint32_t id) const noexcept {
        const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
        return std::span(pool_).subspan(begin, ends_[id] - begin);
    }
    // All contents, one after the other.
    [[nodiscard]] std::span<const T> all() const noexcept { return pool_; }
    [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return pool_.size() * sizeof(T) + ends_.size() * (sizeof(std::size_t) + 2 * sizeof(std::uint64_t));
    }

private:
    IdTable index_;
    std::vector<T> pool_;
    std::vector<std::size_t> ends_;
};

// What was already computed for a few ids together. Keys lie in the slots themselves: a repeated question costs one
// line of memory, and a compilation asks millions.
template <std::size_t N>
class Memo {
public:
    using Key = std::array<std::uint32_t, N>;

    template <typename Compute>
    std::uint32_t get(const Key& key, Compute&& compute) {
        const std::size_t known = find(key);
        if (known < slots_.size() && slots_[known].used) return slots_[known].value;
        const std::uint32_t value = compute();  // may use this memo itself
        if ((used_ + 1) * 2 > slots_.size()) grow();
        slots_[find(key)] = {key, value, true};
        ++used_;
        return value;
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return slots_.size() * sizeof(Slot); }

private:
    struct Slot {
        Key key{};
        std::uint32_t value = 0;
        bool used = false;
    };

    // The key's slot, or the free one where it belongs.
    [[nodiscard]] std::size_t find(const Key& key) const noexcept {
        if (slots_.empty()) return 0;
        std::uint64_t hash = N;
        for (const std::uint32_t item : key) hash = mix(hash, item);
        std::size_t at = hash & (slots_.size() - 1);
        while (slots_[at].used && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
        return at;
    }

    void grow() {
        std::vector<Slot> old(std::max<std::size_t>(16, slots_.size() * 2));
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.used) slots_[find(slot.key)] = slot;
        }
    }

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

}  // namespace drywall::classify
