// FragmentTable: what was decided about datagrams whose first fragment went by, and which of their pieces have been
// there. A datagram of which two pieces overlap is spoilt: hosts disagree on which of them counts (RFC 5722 for IPv6;
// the same is done for IPv4).
//
// Threads: only the owning worker calls in; nothing here locks.
// Memory:  all reserved at start; it never grows. In a full table the oldest record makes room: whoever sends first
//          fragments and nothing else shortens the time that others' pieces have, and shuts nobody out. What policy
//          denies has records of its own, so that who may not send anything displaces nobody who may.
// Time:    a record lives for one timeout, counted from its first fragment; later ones don't prolong it. For another
//          timeout it is known that it is over, and what comes late dies of that. So records end in the order in which
//          they began, and the table is a ring (two: of datagrams that pass, and that die).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/base/drop_reason.h"
#include "drywall/base/ids.h"
#include "drywall/flow/bucket_index.h"
#include "drywall/flow/flow_table.h"
#include "drywall/net/fragment.h"
#include "drywall/net/packet_meta.h"

namespace drywall::flow {

// Fragments of one datagram (RFC 791, RFC 8200), as far as they enter by one port.
struct FragmentKey {
    net::AddressBytes source{};
    net::AddressBytes destination{};
    std::uint32_t id = 0;
    std::uint16_t ingress_port = 0;
    std::uint8_t protocol = 0;  // IPv4 only
    net::Family family = net::Family::kIPv4;

    bool operator==(const FragmentKey&) const = default;
};
static_assert(std::has_unique_object_representations_v<FragmentKey>, "hashed as bytes: no padding");

// REQUIRES: packet.fragment != kWhole
[[nodiscard]] FragmentKey fragment_key(const net::PacketMeta& packet) noexcept;

// The first fragment's fate, which the later ones share.
struct FragmentFate {
    net::Tuple judged;        // the tuple that policy judged: of the first fragment, or of its flow's initiator
    Generation generation{};  // that judged it,
    TraceId trace{};          // with this outcome
    DropReason drop = DropReason::kNone;
    bool unjudged = false;  // its flow was kept or reset, whatever the trace says
    Side sender = Side::kNear;
    Flow* flow = nullptr;  // the connection it belongs to, if any; alive only while its id is `flow_id`
    std::uint64_t flow_id = 0;
};

class FragmentTable {
public:
    // Room for `capacity` datagrams that pass, and for a quarter as many, at least one, that die.
    FragmentTable(std::uint32_t capacity, Nanos timeout, std::uint64_t hash_seed);

    static constexpr std::size_t kMaxPieces = 128;  // 65,535 bytes over a path of 576 take 119

    // Why a first fragment has to die, whatever policy says: kNone, kFragmentDuplicate or kFragmentOverlap (its
    // datagram is not complete, or is spoilt). A datagram that is complete gives its identification free.
    [[nodiscard]] DropReason check_first(const FragmentKey& key, const net::FragmentRange& range, Instant now) noexcept;

    // What was decided about a first fragment that may be remembered.
    enum class End : std::uint8_t { kPasses, kDies };

    // Room for the fate of a first fragment; it takes over from an earlier datagram with the same identification, and
    // from the oldest of its kind where there is no other room. Null: both buckets of its key are full, or there is no
    // capacity. REQUIRES: check_first() said kNone
    [[nodiscard]] FragmentFate* remember(const FragmentKey& key, const net::FragmentRange& range, End end,
                                         Instant now) noexcept;

    // A later fragment: the fate that it shares, or why it has none: kFragmentUnknown, kFragmentTimeout,
    // kFragmentDuplicate, kFragmentOverlap, kFragmentFlood.
    struct Followed {
        FragmentFate* fate = nullptr;
        DropReason drop = DropReason::kNone;
    };
    [[nodiscard]] Followed follow(const FragmentKey& key, const net::FragmentRange& range, Instant now) noexcept;

    // Frees up to `records` of each kind that timed out a timeout ago.
    void sweep(Instant now, std::size_t records) noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return rings_[0].size() + rings_[1].size(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return records_.size() * sizeof(Record) + index_.memory_bytes();
    }

private:
    struct Piece {
        std::uint16_t begin = 0;
        std::uint16_t end = 0;
        bool operator==(const Piece&) const = default;
    };
    struct Record {
        FragmentKey key;
        FragmentFate fate;
        Instant since;
        bool live = false;  // false inside the ring: its identification was used again
        bool spoilt = false;
        bool end_known = false;
        std::uint8_t count = 0;     // of pieces
        std::uint16_t end = 0;      // of the datagram, if known; else the furthest that any piece reached
        std::uint16_t covered = 0;  // bytes
        std::array<Piece, kMaxPieces> pieces;

        [[nodiscard]] bool complete() const noexcept { return end_known && covered == end; }
    };
    static_assert(kMaxPieces <= 255);

    [[nodiscard]] static DropReason add(Record& record, const net::FragmentRange& range) noexcept;

    // Consecutive records. Positions only grow; slot() folds them into the ring.
    struct Ring {
        std::uint32_t first = 0;
        std::uint32_t capacity = 0;
        std::uint64_t begin = 0;  // the oldest record's position,
        std::uint64_t end = 0;    // and one past the youngest's

        [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(end - begin); }
        [[nodiscard]] std::uint32_t slot(std::uint64_t position) const noexcept {
            return first + static_cast<std::uint32_t>(position % capacity);
        }
    };
    void sweep(Ring& ring, Instant now, std::size_t records) noexcept;
    void free_oldest(Ring& ring) noexcept;
    [[nodiscard]] std::uint32_t find_entry(const FragmentKey& key, std::uint64_t hash) const noexcept;

    std::vector<Record> records_;
    BucketIndex index_;
    Nanos timeout_;
    std::uint64_t hash_seed_;
    std::array<Ring, 2> rings_;  // by End
};

}  // namespace drywall::flow
