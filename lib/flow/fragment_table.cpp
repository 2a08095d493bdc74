#include "drywall/flow/fragment_table.h"

#include <algorithm>
#include <cassert>
#include <span>

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
    : records_(capacity == 0 ? 0 : std::size_t{capacity} + std::max<std::uint32_t>(1, capacity / 4)),
      index_(records_.size()),
      timeout_(timeout),
      hash_seed_(hash_seed) {
    rings_[0].capacity = rings_[1].first = capacity;
    rings_[1].capacity = static_cast<std::uint32_t>(records_.size()) - capacity;
}

std::uint32_t FragmentTable::find_entry(const FragmentKey& key, std::uint64_t hash) const noexcept {
    return index_.find(hash, [&](std::uint32_t e) { return records_[e].key == key; });
}

// A piece that fits to those that were there is entered; one that does not spoils the datagram, but for a mere copy.
DropReason FragmentTable::add(Record& record, const net::FragmentRange& range) noexcept {
    if (record.spoilt) return DropReason::kFragmentOverlap;
    const Piece piece{static_cast<std::uint16_t>(range.begin), static_cast<std::uint16_t>(range.end)};
    const std::span<const Piece> pieces = std::span(record.pieces).first(record.count);
    if (std::find(pieces.begin(), pieces.end(), piece) != pieces.end()) return DropReason::kFragmentDuplicate;

    const bool overlaps = std::any_of(pieces.begin(), pieces.end(), [&](const Piece& other) {
        return piece.begin < other.end && other.begin < piece.end;
    });
    // What lies behind the last piece can't belong to the same datagram.
    const bool beyond = record.end_known && piece.end > record.end;
    const bool cuts = range.last && (record.end_known ? piece.end != record.end : piece.end < record.end);
    if (overlaps || beyond || cuts) {
        record.spoilt = true;
        return DropReason::kFragmentOverlap;
    }
    if (record.count == kMaxPieces) return DropReason::kFragmentFlood;
    record.pieces[record.count++] = piece;
    record.covered = static_cast<std::uint16_t>(record.covered + (piece.end - piece.begin));
    record.end = std::max(record.end, piece.end);
    record.end_known |= range.last;
    return DropReason::kNone;
}

FragmentTable::Followed FragmentTable::follow(const FragmentKey& key, const net::FragmentRange& range,
                                              Instant now) noexcept {
    const std::uint32_t entry = find_entry(key, hash(key, hash_seed_));
    if (entry == BucketIndex::kNone) return {nullptr, DropReason::kFragmentUnknown};
    Record& record = records_[entry];
    if (now - record.since >= timeout_) return {nullptr, DropReason::kFragmentTimeout};
    const DropReason drop = add(record, range);
    return {drop == DropReason::kNone ? &record.fate : nullptr, drop};
}

DropReason FragmentTable::check_first(const FragmentKey& key, const net::FragmentRange& range, Instant now) noexcept {
    const std::uint32_t entry = find_entry(key, hash(key, hash_seed_));
    if (entry == BucketIndex::kNone) return DropReason::kNone;
    Record& record = records_[entry];
    const bool over = now - record.since >= timeout_ || (record.complete() && !record.spoilt);
    return over ? DropReason::kNone : add(record, range);
}

FragmentFate* FragmentTable::remember(const FragmentKey& key, const net::FragmentRange& range, End end,
                                      Instant now) noexcept {
    Ring& ring = rings_[static_cast<std::size_t>(end)];
    if (ring.capacity == 0) return nullptr;
    sweep(ring, now, 2);

    const std::uint64_t key_hash = hash(key, hash_seed_);
    if (const std::uint32_t earlier = find_entry(key, key_hash); earlier != BucketIndex::kNone) {
        index_.erase(key_hash, earlier);
        records_[earlier].live = false;
    }
    if (ring.size() == ring.capacity) free_oldest(ring);
    const std::uint32_t entry = ring.slot(ring.end);
    if (!index_.insert(key_hash, entry)) return nullptr;
    ++ring.end;
    Record& record = records_[entry];
    record.key = key;
    record.fate = {};
    record.since = now;
    record.live = true;
    record.spoilt = record.end_known = false;
    record.count = 0;
    record.end = record.covered = 0;
    [[maybe_unused]] const DropReason added = add(record, range);
    assert(added == DropReason::kNone);
    return &record.fate;
}

void FragmentTable::sweep(Instant now, std::size_t records) noexcept {
    for (Ring& ring : rings_) sweep(ring, now, records);
}

void FragmentTable::sweep(Ring& ring, Instant now, std::size_t records) noexcept {
    for (; records > 0 && ring.begin != ring.end; --records) {
        if (now - records_[ring.slot(ring.begin)].since < 2 * timeout_) return;
        free_oldest(ring);
    }
}

// REQUIRES: there is one
void FragmentTable::free_oldest(Ring& ring) noexcept {
    const std::uint32_t entry = ring.slot(ring.begin++);
    Record& record = records_[entry];
    if (record.live) index_.erase(hash(record.key, hash_seed_), entry);
    record.live = false;
}

}  // namespace drywall::flow
