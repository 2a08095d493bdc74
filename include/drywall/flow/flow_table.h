// FlowTable: the connections one worker owns.
//
// Threads: only the owning worker calls in; nothing here locks.
// Memory:  every entry is reserved at start; a full table refuses, it never grows. Entries stay where they are.
// Time:    handed in, and it does not go backwards. A connection that was silent for too long is over at that moment,
//          whether sweep() has come by or not: ask expired() before believing what find() returned.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/base/clock.h"
#include "drywall/base/drop_reason.h"
#include "drywall/base/huge_pages.h"
#include "drywall/base/ids.h"
#include "drywall/flow/bucket_index.h"
#include "drywall/flow/key.h"
#include "drywall/flow/source_table.h"
#include "drywall/flow/state.h"
#include "drywall/flow/tcp_track.h"
#include "drywall/net/packet_meta.h"
#include "drywall/net/tcp_segment.h"
#include "drywall/telemetry/counters.h"

namespace drywall::flow {

// One connection. The first cache line is all that finding and judging a packet reads, the second what following it
// writes.
struct alignas(kCacheLine) Flow {
    FlowKey key;
    Instant last_seen;
    Generation generation{};  // that judged it last, perhaps with kWatched,
    TraceId trace{};          // with this outcome
    FlowState state = FlowState::kFree;
    Side initiator = Side::kNear;
    std::uint16_t ingress_port = 0;  // by which the initiator's packets enter

    telemetry::PacketsBytes forward;  // initiator -> responder
    telemetry::PacketsBytes reverse;
    TcpTrack tcp;

    // Each of its packets is looked at before it passes: what it says decides. No ruleset's number has this bit, so to
    // whoever only compares, such a connection is never one that is settled.
    static constexpr std::uint64_t kWatched = std::uint64_t{1} << 63;
    [[nodiscard]] bool is_watched() const noexcept { return (index(generation) & kWatched) != 0; }
    [[nodiscard]] Generation judged_in() const noexcept { return Generation{index(generation) & ~kWatched}; }
    void watch() noexcept { generation = Generation{index(generation) | kWatched}; }
    void watch_no_more() noexcept { generation = judged_in(); }

    // What the initiator's first packet said: by this a connection is judged, whoever sent the packet at hand.
    [[nodiscard]] net::Tuple initiator_tuple() const noexcept;
};
static_assert(sizeof(Flow) == 2 * kCacheLine);

// What is seldom asked of a connection, beside its entry: no packet of an established one reads it.
struct FlowNotes {
    std::uint64_t id = 0;  // 1, 2, 3, ... unique per table
    Instant reported;      // by report(): packets up to here are known to whoever listens
    // Not 0: policy denies the connection since this generation, and it is kept; `generation` and `trace` are those
    // that last allowed it. The last ones: it is over, and is remembered so that no packet of it opens it again.
    Generation kept_in{};
    std::uint32_t path = 0;  // which rules decided: a fingerprint, equal across generations; 0: not known
    // The table's own: neighbours in the list of connections that wait for the same, by age; `younger` is the next of
    // the free entries in one that is free.
    std::uint32_t older = BucketIndex::kNone;
    std::uint32_t younger = BucketIndex::kNone;
    std::uint32_t asked_again = 0;  // TCP: behind the last SYN that was passed on to be challenged
    static constexpr std::uint32_t kNoReader = 0xffffffff;
    std::uint32_t reader = kNoReader;           // of a watched one: who reads what its initiator sends
    DropReason denied_for = DropReason::kNone;  // kWasDenied
    bool is_no_tls = false;                     // of a watched one: its first bytes are not those of TLS

    static constexpr Generation kWasReset{std::numeric_limits<std::uint64_t>::max()};
    static constexpr Generation kWasCut{std::numeric_limits<std::uint64_t>::max() - 1};
    static constexpr Generation kWasDenied{std::numeric_limits<std::uint64_t>::max() - 2};
    [[nodiscard]] bool was_reset() const noexcept { return kept_in == kWasReset; }    // whatever policy says
    [[nodiscard]] bool was_cut() const noexcept { return kept_in == kWasCut; }        // while policy denies it
    [[nodiscard]] bool was_denied() const noexcept { return kept_in == kWasDenied; }  // what it asked for
    [[nodiscard]] bool is_over() const noexcept { return was_reset() || was_cut() || was_denied(); }
};
static_assert(sizeof(FlowNotes) == 48);

// What a packet brings to its connection.
struct Arrival {
    Side sender = Side::kNear;
    std::uint32_t bytes = 0;
    Instant at;
    // Null, of TCP: it is counted and moves nothing: a later fragment, or one whose receiver will challenge it.
    const net::TcpSegment* tcp = nullptr;
};

class FlowTable {
public:
    // Connections are counted by their sources only where somebody will ask.
    enum class Sources : std::uint8_t { kNotCounted, kCounted };

    FlowTable(std::uint32_t capacity, const Timeouts& timeouts, std::uint64_t hash_seed,
              Sources sources = Sources::kNotCounted);

    // A burst, one step at a time over all keys. REQUIRES: keys.size() <= kMaxBurst, found.size() >= keys.size()
    void find(std::span<const FlowKey> keys, std::span<Flow*> found) noexcept;

    // One key: the plain twin.
    [[nodiscard]] Flow* find(const FlowKey& key) noexcept;

    // Is `flow`, found earlier, still the connection of `key`?
    [[nodiscard]] static bool holds(const Flow& flow, const FlowKey& key) noexcept {
        return flow.state != FlowState::kFree && flow.key == key;
    }

    // Is `flow`, known from earlier, still the connection with this id?
    [[nodiscard]] bool is(const Flow& flow, std::uint64_t id) const noexcept {
        return flow.state != FlowState::kFree && notes(flow).id == id;
    }

    // REQUIRES: the flow is of this table
    [[nodiscard]] FlowNotes& notes(const Flow& flow) noexcept { return notes_[entry_of(flow)]; }
    [[nodiscard]] const FlowNotes& notes(const Flow& flow) const noexcept { return notes_[entry_of(flow)]; }

    [[nodiscard]] bool expired(const Flow& flow, Instant now) const noexcept {
        return now - flow.last_seen >= timeout_of(flow);
    }

    // A SYN on a connection that is closing or closed: it asks for a new connection between the same ports.
    [[nodiscard]] static bool starts_anew(const Flow& flow, Side sender, std::uint8_t tcp_flags) noexcept {
        if (!is_over(flow.state) || flow.key.protocol != net::protocol::kTcp) return false;
        return tcp_step(flow.state, tcp_event(tcp_flags), sender == flow.initiator).starts_anew;
    }

    // What a TCP segment is to the connection that its ports name. REQUIRES: the flow is live, !expired, !starts_anew
    [[nodiscard]] static TcpFit fit(const Flow& flow, Side sender, const net::TcpSegment& segment) noexcept {
        return tcp_fit(flow.tcp, flow.state, sender, flow.initiator, segment);
    }

    // A SYN on a live connection was passed on for its receiver to challenge. REQUIRES: fit() said so
    void ask_again(Flow& flow, const net::TcpSegment& syn) noexcept { notes(flow).asked_again = syn.end(); }

    // Is it the answer of who does not challenge that SYN, but accepts or refuses it? Then the responder knows nothing
    // of the connection any more, and nor did the initiator: only the table does.
    [[nodiscard]] bool is_answered_anew(const Flow& flow, Side sender, const net::TcpSegment& segment) const noexcept;

    // The handshake goes on where that SYN left it, and `answer` belongs to the connection. Its SYN's window is not
    // known.
    void begin_again(Flow& flow, const net::TcpSegment& answer) noexcept;

    // The TCP connection whose handshake has been incomplete for the longest time; null: there is none.
    [[nodiscard]] Flow* oldest_half_open() noexcept { return oldest_of(waiting_[kForHandshake]); }

    // The connection to give up first, of those that have not come about: of TCP connections before the end of their
    // handshake and of all others that nobody answered, those which are more, and of these the one that was opened
    // first. So a flood of one kind displaces its own. Null: every connection was answered.
    [[nodiscard]] Flow* oldest_unanswered() noexcept {
        return oldest_of(
            waiting_[waiting_[kForHandshake].size >= waiting_[kForAnswer].size ? kForHandshake : kForAnswer]);
    }

    // How many connections the address has opened from which `sender` would open this one. REQUIRES: Sources::kCounted
    [[nodiscard]] std::uint32_t opened_by_source(const FlowKey& key, Side sender) const noexcept;

    // A new connection, started by `first` (which is not recorded yet); trace and generation are the caller's to fill
    // in. Null when the table has no room. TCP without `first.tcp`: nothing is known of its numbers.
    // REQUIRES: find(key) == nullptr
    [[nodiscard]] Flow* open(const FlowKey& key, std::uint16_t ingress_port, const Arrival& first) noexcept;

    // Counts a packet, moves the protocol's state, and keeps the connection alive.
    // REQUIRES: the flow is live, !expired, !starts_anew; packet.tcp, if any, belongs to it
    void record(Flow& flow, const Arrival& packet) noexcept {
        count(flow, packet);
        if (flow.key.protocol == net::protocol::kTcp) return record_tcp(flow, packet);
        flow.last_seen = packet.at;
        if (packet.sender != flow.initiator && flow.state != FlowState::kEstablished)
            move(flow, FlowState::kEstablished);
    }

    // Data or an acknowledgement within the windows of an established TCP connection, as nearly every segment is: does
    // what record() does, and fit() need not be asked. False: nothing happened, do both.
    // REQUIRES: as record(); TCP, and packet.tcp is not null
    [[nodiscard]] bool record_in_stride(Flow& flow, const Arrival& packet) noexcept {
        if (flow.state != FlowState::kEstablished || tcp_event(packet.tcp->flags) != TcpEvent::kOther ||
            !tcp_in_stride(flow.tcp, packet.sender, *packet.tcp))
            return false;
        count(flow, packet);
        flow.last_seen = packet.at;
        return true;
    }

    // REQUIRES: the flow is live
    void remove(Flow& flow) noexcept;

    // Looks at the next `entries` entries; `ended(flow)` hears of each that timed out, before it is removed. Calling it
    // capacity() / entries times (rounded up) looks at all of them.
    template <typename Ended>
    void sweep(Instant now, std::size_t entries, Ended ended) noexcept {
        for (std::size_t looked = std::min<std::size_t>(entries, used_); looked > 0; --looked) {
            if (cursor_ >= used_) cursor_ = 0;
            Flow& flow = flows_[cursor_++];
            if (flow.state == FlowState::kFree || !expired(flow, now)) continue;
            ended(static_cast<const Flow&>(flow));
            remove(flow);
        }
    }

    // Looks at entries so that all of them are looked at once per `interval`, and at most `entries` of them now;
    // `progressed(flow)` hears of each live one that a packet has reached since it was last heard of.
    template <typename Progressed>
    void report(Instant now, Nanos interval, std::size_t entries, Progressed progressed) noexcept {
        for (std::size_t looked = due_for_report(now, interval, entries); looked > 0; --looked) {
            Flow& flow = flows_[report_cursor_++];
            if (flow.state == FlowState::kFree || flow.last_seen < notes(flow).reported) continue;
            progressed(static_cast<const Flow&>(flow));
            notes(flow).reported = now + Nanos{1};
        }
    }

    // A walk over all connections, a few entries at a time. What is there from its beginning to its end is met exactly
    // once, since entries stay where they are; what opens or ends meanwhile may be met or not.
    struct Walk {
        std::uint32_t next = 0;
        std::uint32_t end = 0;
        [[nodiscard]] bool done() const noexcept { return next >= end; }
    };
    [[nodiscard]] Walk begin_walk() const noexcept { return {0, used_}; }

    // Looks at the next `entries` entries; `met(flow)` hears of each live one.
    template <typename Met>
    void walk(Walk& walk, Instant now, std::size_t entries, Met met) const noexcept {
        for (; entries > 0 && !walk.done(); --entries) {
            const Flow& flow = flows_[walk.next++];
            if (flow.state != FlowState::kFree && !expired(flow, now)) met(flow);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // Those that timed out and were not met by sweep() yet are among them, as in size().
    [[nodiscard]] const StateCounts& counts() const noexcept { return counts_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return flows_.size(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return flows_.size() * (sizeof(Flow) + sizeof(FlowNotes)) + index_.memory_bytes() +
               (sources_ ? sources_->memory_bytes() : 0);
    }

private:
    [[nodiscard]] std::uint64_t hash_of(const FlowKey& key) const noexcept;
    [[nodiscard]] std::uint32_t entry_of(const Flow& flow) const noexcept {
        return static_cast<std::uint32_t>(&flow - flows_.data());
    }
    static void count(Flow& flow, const Arrival& packet) noexcept {
        (packet.sender == flow.initiator ? flow.forward : flow.reverse) += {1, packet.bytes};
    }
    void move(Flow& flow, FlowState next) noexcept;
    void record_tcp(Flow& flow, const Arrival& packet) noexcept;
    // Connections that have not come about yet, by age.
    enum What : std::uint8_t { kForHandshake, kForAnswer, kForNothing };
    struct Waiting {
        std::uint32_t oldest = BucketIndex::kNone;
        std::uint32_t youngest = BucketIndex::kNone;
        std::uint32_t size = 0;
    };
    [[nodiscard]] static What waits(const Flow& flow, FlowState state) noexcept {
        if (flow.key.protocol == net::protocol::kTcp) return is_half_open(state) ? kForHandshake : kForNothing;
        return state == FlowState::kNew ? kForAnswer : kForNothing;
    }
    void join(Waiting& waiting, Flow& flow) noexcept;
    void leave(Waiting& waiting, Flow& flow) noexcept;
    [[nodiscard]] Flow* oldest_of(const Waiting& waiting) noexcept {
        return waiting.oldest == BucketIndex::kNone ? nullptr : &flows_[waiting.oldest];
    }
    [[nodiscard]] Flow* find(const FlowKey& key, std::uint64_t hash) noexcept;
    [[nodiscard]] std::uint32_t take_free_entry() noexcept;
    void give_back_entry(std::uint32_t entry) noexcept;
    [[nodiscard]] std::size_t due_for_report(Instant now, Nanos interval, std::size_t most) noexcept;

    [[nodiscard]] Nanos timeout_of(const Flow& flow) const noexcept {
        if (flow.key.protocol == net::protocol::kTcp) return tcp_timeouts_[static_cast<std::size_t>(flow.state)];
        return (flow.state == FlowState::kEstablished ? answered_timeouts_ : timeouts_)[flow.key.protocol];
    }

    std::vector<Flow, HugePageAllocator<Flow>> flows_;
    std::vector<FlowNotes, HugePageAllocator<FlowNotes>> notes_;  // by the same number
    BucketIndex index_;
    std::optional<SourceTable> sources_;
    std::array<Nanos, kFlowStates> tcp_timeouts_;
    std::array<Nanos, 256> timeouts_;  // by protocol, other than TCP: nobody has answered yet;
    std::array<Nanos, 256> answered_timeouts_;
    std::uint64_t hash_seed_;
    std::uint64_t last_id_ = 0;
    std::uint32_t first_free_ = BucketIndex::kNone;  // given back entries, a list through FlowNotes::younger
    std::uint32_t used_ = 0;                         // entries from here on were never given out
    std::array<Waiting, 2> waiting_;                 // by What
    std::size_t size_ = 0;
    StateCounts counts_;
    std::size_t cursor_ = 0;         // where sweep() goes on
    std::size_t report_cursor_ = 0;  // where report() goes on,
    Instant report_began_;           // in a round that began here
};

}  // namespace drywall::flow
