#include "drywall/flow/fragment_table.h"

#include <cassert>

#include "hash.h"

namespace drywall::flow {

FragmentKey fragment_key(const net::PacketMeta& packet) noexcept {
    assert(packet.fragment != net::FragmentKind::kWhole);
    // An IPv6 datagram is named without its protocol (RFC 8200, 4.5), which its later fragments may not even show:
    // after the fragment header the first one may carry more extension headers, and the others name only the next of
    // them.
    const bool named_by_protocol = packet.tuple.family == net::Family::kIPv4;
    return {.source = packet.tuple.source,
            .destination = packet.tuple.destination,
            .id = packet.fragment_id,
            .ingress_port = packet.tuple.ingress_port,
            .protocol = named_by_protocol ? packet.tuple.protocol : std::uint8_t{0},
            .family = packet.tuple.family};
}

FragmentTable::FragmentTable(std::uint32_t capacity, Nanos timeout, std::uint64_t hash_seed)
    : records_(capacity), index_(capacity), timeout_(timeout), hash_seed_(hash_seed) {}

std::uint32_t FragmentTable::find_entry(const FragmentKey& key, std::uint64_t hash) const noexcept {
    return index_.find(hash, [&](std::uint32_t e) { return records_[e].key == key; });
}

FragmentFate* FragmentTable::find(const FragmentKey& key, Instant now) noexcept {
    const std::uint32_t entry = find_entry(key, hash(key, hash_seed_));
    if (entry == BucketIndex::kNone || now - records_[entry].since >= timeout_) return nullptr;
    return &records_[entry].fate;
}

FragmentFate* FragmentTable::remember(const FragmentKey& key, Instant now) noexcept {
    sweep(now, 2);  // old records leave faster than new ones come: the ring is full of living ones, or has room
    if (size() == records_.size()) return nullptr;

    const std::uint64_t key_hash = hash(key, hash_seed_);
    if (const std::uint32_t earlier = find_entry(key, key_hash); earlier != BucketIndex::kNone) {
        index_.erase(key_hash, earlier);
        records_[earlier].live = false;
    }
    const std::uint32_t entry = slot(end_);
    if (!index_.insert(key_hash, entry)) return nullptr;
    ++end_;
    records_[entry] = {.key = key, .fate = {}, .since = now, .live = true};
    return &records_[entry].fate;
}

void FragmentTable::sweep(Instant now, std::size_t records) noexcept {
    for (; records > 0 && begin_ != end_; --records, ++begin_) {
        const std::uint32_t entry = slot(begin_);
        Record& record = records_[entry];
        if (now - record.since < timeout_) return;
        if (record.live) index_.erase(hash(record.key, hash_seed_), entry);
        record.live = false;
    }
}

}  // namespace drywall::flow
