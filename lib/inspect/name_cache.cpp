#include "drywall/inspect/name_cache.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "drywall/base/cache_line.h"
#include "drywall/base/huge_pages.h"
#include "drywall/telemetry/counters.h"
#include "seeded_hash.h"

namespace drywall::inspect {
namespace {

constexpr std::size_t kGroup = 64;  // entries among which one of an address may be

// What finds an entry among its group, in four cache lines instead of 64. 0: the entry is free.
std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash) | 1U; }

std::uint32_t meta_of(net::Family family, std::size_t size) noexcept {
    return static_cast<std::uint32_t>(family) << 8U | static_cast<std::uint32_t>(size);
}

// The writer makes the sequence odd, writes, and makes it even again. All of the entry are atomics, so that a reader
// who comes in between reads something old or new and not something undefined; it sees by the sequence that it has to
// throw it away. The stores are releases and the loads acquires, which keeps them in their order without a fence
// (ThreadSanitizer knows none); on x86 both are plain moves.
struct Entry {
    std::atomic<std::uint32_t> sequence{0};
    std::atomic<std::uint32_t> meta{0};  // family and length of the name
    std::array<std::atomic<std::uint64_t>, 2> address{};
    std::array<std::atomic<std::uint64_t>, (DnsName::kMost + 7) / 8> name{};
};

using AddressWords = std::array<std::uint64_t, 2>;

AddressWords words_of(const net::Address& address) noexcept { return std::bit_cast<AddressWords>(address.bytes); }

// Eight of its characters, with zeros behind its end.
std::uint64_t word_of(std::string_view name, std::size_t w) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + w * 8, std::min<std::size_t>(8, name.size() - w * 8));
    return word;
}

}  // namespace

struct alignas(kCacheLine) NameCache::Part {
    explicit Part(std::size_t number)
        : groups(number), tags(number * kGroup), expires(number * kGroup), entries(number * kGroup) {}

    [[nodiscard]] std::size_t group_of(std::uint64_t hash) const noexcept { return place_of(hash, groups) * kGroup; }

    // False: the entry is being replaced.
    bool copy(std::size_t i, Copy& out) const noexcept {
        const Entry& entry = entries[i];
        const std::uint32_t before = entry.sequence.load(std::memory_order_acquire);
        const std::uint32_t meta = entry.meta.load(std::memory_order_acquire);
        AddressWords address;
        for (std::size_t w = 0; w < address.size(); ++w) address[w] = entry.address[w].load(std::memory_order_acquire);
        out.address = {.family = static_cast<net::Family>(meta >> 8U),
                       .bytes = std::bit_cast<net::AddressBytes>(address)};
        out.expires = {Nanos(expires[i].load(std::memory_order_acquire))};
        out.size = std::min<std::size_t>(meta & 0xffU, DnsName::kMost);
        for (std::size_t w = 0; w * 8 < out.size; ++w) {
            const std::uint64_t word = entry.name[w].load(std::memory_order_acquire);
            std::memcpy(out.name.data() + w * 8, &word, sizeof(word));
        }
        return (before & 1U) == 0 && entry.sequence.load(std::memory_order_relaxed) == before;
    }

    // Its worker only.
    void write(std::size_t i, std::uint32_t tag, const net::Address& address, std::string_view name,
               Instant until) noexcept {
        Entry& entry = entries[i];
        const std::uint32_t before = entry.sequence.load(std::memory_order_relaxed);
        entry.sequence.store(before + 1, std::memory_order_relaxed);
        entry.meta.store(meta_of(address.family, name.size()), std::memory_order_release);
        const AddressWords words = words_of(address);
        for (std::size_t w = 0; w < words.size(); ++w) entry.address[w].store(words[w], std::memory_order_release);
        for (std::size_t w = 0; w * 8 < name.size(); ++w)
            entry.name[w].store(word_of(name, w), std::memory_order_release);
        expires[i].store(until.since_start.count(), std::memory_order_release);
        tags[i].store(tag, std::memory_order_release);
        entry.sequence.store(before + 2, std::memory_order_release);
    }

    // Its worker only: nobody else writes, so what is read is whole.
    [[nodiscard]] bool holds(std::size_t i, const net::Address& address, std::string_view name) const noexcept {
        const Entry& entry = entries[i];
        if (entry.meta.load(std::memory_order_relaxed) != meta_of(address.family, name.size())) return false;
        const AddressWords words = words_of(address);
        for (std::size_t w = 0; w < words.size(); ++w)
            if (entry.address[w].load(std::memory_order_relaxed) != words[w]) return false;
        for (std::size_t w = 0; w * 8 < name.size(); ++w)
            if (entry.name[w].load(std::memory_order_relaxed) != word_of(name, w)) return false;
        return true;
    }

    const std::size_t groups;
    std::vector<std::atomic<std::uint32_t>> tags;
    std::vector<std::atomic<std::int64_t>> expires;  // of Instant
    std::vector<Entry, HugePageAllocator<Entry>> entries;
    telemetry::Counter learned;
    telemetry::Counter refreshed;
    telemetry::Counter evicted;
};

NameCache::NameCache(const NameCacheSettings& settings) : settings_(settings) {
    assert(settings.workers > 0);
    const std::size_t each = kGroup * settings.workers;
    const std::size_t groups = std::max<std::size_t>(1, (settings.entries + each - 1) / each);
    for (std::size_t i = 0; i < settings.workers; ++i) parts_.push_back(std::make_unique<Part>(groups));
}

NameCache::~NameCache() = default;

std::uint64_t NameCache::hash_of(const net::Address& address) const noexcept {
    return hash(address, settings_.hash_seed);
}

void NameCache::learn(std::size_t worker, const net::Address& address, const DnsName& name, std::uint32_t ttl,
                      Instant now) noexcept {
    Part& part = *parts_[worker];
    const auto clamped =
        std::clamp(std::chrono::seconds(ttl), settings_.min_ttl, std::max(settings_.min_ttl, settings_.max_ttl));
    const Instant until = now + Nanos(clamped + settings_.extra_ttl);
    const std::uint64_t hash = hash_of(address);
    const std::uint32_t tag = tag_of(hash);
    const std::size_t group = part.group_of(hash);
    std::size_t place = group;
    std::int64_t soonest = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = group; i < group + kGroup; ++i) {
        const std::uint32_t there = part.tags[i].load(std::memory_order_relaxed);
        const std::int64_t ends =
            there == 0 ? std::numeric_limits<std::int64_t>::min() : part.expires[i].load(std::memory_order_relaxed);
        if (there == tag && part.holds(i, address, name.text())) {
            part.expires[i].store(std::max(ends, until.since_start.count()), std::memory_order_release);
            part.refreshed.add(1);
            return;
        }
        if (ends < soonest) {
            soonest = ends;
            place = i;
        }
    }
    const bool in_force = part.tags[place].load(std::memory_order_relaxed) != 0 && soonest > now.since_start.count();
    part.write(place, tag, address, name.text(), until);
    part.learned.add(1);
    if (in_force) part.evicted.add(1);
}

NameCacheCounts NameCache::counts() const noexcept {
    NameCacheCounts sum;
    for (const auto& part : parts_) {
        sum.learned += part->learned.read();
        sum.refreshed += part->refreshed.read();
        sum.evicted += part->evicted.read();
    }
    return sum;
}

std::size_t NameCache::capacity() const noexcept { return parts_.size() * parts_.front()->groups * kGroup; }

std::size_t NameCache::memory_bytes() const noexcept {
    return capacity() * (sizeof(Entry) + sizeof(std::uint32_t) + sizeof(std::int64_t)) + parts_.size() * sizeof(Part);
}

std::vector<KnownName> NameCache::known(Instant now) const {
    std::map<std::pair<std::string, net::Address>, Nanos> longest;
    Copy entry;
    for (const auto& part : parts_) {
        for (std::size_t i = 0; i < part->groups * kGroup; ++i) {
            if (part->tags[i].load(std::memory_order_acquire) == 0 || !part->copy(i, entry)) continue;
            if (entry.expires <= now) continue;
            Nanos& left = longest[{std::string(entry.text()), entry.address}];
            left = std::max(left, entry.expires - now);
        }
    }
    std::vector<KnownName> names;
    names.reserve(longest.size());
    for (const auto& [pair, left] : longest)
        names.push_back({.name = pair.first, .address = pair.second, .left = left});
    return names;
}

NameCache::Search::Search(const NameCache& cache, const net::Address& address, Instant now) noexcept
    : cache_(cache), address_(address), now_(now), hash_(cache.hash_of(address)) {}

bool NameCache::Search::next() noexcept {
    const std::uint32_t tag = tag_of(hash_);
    for (; part_ < cache_.parts_.size(); ++part_, way_ = 0) {
        const Part& part = *cache_.parts_[part_];
        const std::size_t group = part.group_of(hash_);
        while (way_ < kGroup) {
            const std::size_t i = group + way_++;
            if (part.tags[i].load(std::memory_order_acquire) != tag || !part.copy(i, entry_)) continue;
            if (entry_.address == address_ && entry_.expires > now_) return true;
        }
    }
    return false;
}

}  // namespace drywall::inspect
