// FlowBook: what the engine tells of connections, gathered into groups, with answers to denied connections counted
// where they belong.
//
// Threads: one.
// Bounds:  `most_flows` groups, `most_denied` denied connections.
// Speed:   a denied packet opens no connection, so each of them has to be found here: a burst's lookups go step by
// step,
//          and one lookup answers for both directions. What comes out is that of one event after the other.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/net/packet_meta.h"
#include "drywall/telemetry/event.h"
#include "drywall/whatif/replay.h"
#include "keyed_entries.h"

namespace drywall::whatif {

class FlowBook {
public:
    FlowBook(std::size_t traces, std::size_t most_flows, std::size_t most_denied, std::uint64_t hash_seed)
        : most_flows_(most_flows),
          most_denied_(most_denied),
          connections_(traces),
          flows_(hash_seed),
          denied_(hash_seed) {}

    // In the order in which they happened. REQUIRES: events.size() <= telemetry::kMaxEvents
    void enter(std::span<const telemetry::FlowEvent> events);

    // By TraceId.
    [[nodiscard]] const std::vector<std::uint64_t>& connections() const noexcept { return connections_; }
    [[nodiscard]] ReplayedFlows take_flows() noexcept { return flows_.take(); }
    [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }
    [[nodiscard]] bool exact() const noexcept { return exact_; }

private:
    static constexpr std::uint32_t kNoGroup = 0xffff'ffff;    // of a denied connection: no room was left for its group
    static constexpr std::uint32_t kNotDenied = 0xffff'fffe;  // nothing was denied in this direction

    struct Parties {
        net::AddressBytes source{};
        net::AddressBytes destination{};
        std::uint16_t source_port = 0;
        std::uint16_t destination_port = 0;
        std::uint8_t protocol = 0;
        net::Family family = net::Family::kIPv4;
        std::uint16_t unused = 0;

        // As five words: member by member it would be two calls and a branch for each.
        friend bool operator==(const Parties& a, const Parties& b) noexcept {
            using Words = std::array<std::uint64_t, 5>;
            const auto x = std::bit_cast<Words>(a);
            const auto y = std::bit_cast<Words>(b);
            return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
        }
    };
    struct GroupKey {
        Parties parties;  // without the source port
        TraceId trace{};
        bool operator==(const GroupKey&) const = default;
    };
    struct KeyOfFlow {
        GroupKey operator()(const ReplayedFlow& flow) const noexcept {
            return {{flow.source.bytes, flow.destination.bytes, 0, flow.destination_port, flow.protocol,
                     flow.source.family, 0},
                    flow.trace};
        }
    };
    // Two packets between the same parties, one of them denied, are of one connection. ICMP's identifier is not known
    // here. The key is that of both directions, each of which may have had a connection denied.
    struct Denied {
        Parties key;
        std::array<std::uint32_t, 2> groups{kNotDenied, kNotDenied};  // by the direction in which it began
    };
    // Where the connection of an event is to be found.
    struct Place {
        Parties key;
        std::uint64_t hash;
        std::uint64_t group_hash;  // only of events that may start a connection, as far as can be seen
        std::uint32_t candidate;
        std::uint8_t onward;  // the event's direction, in Denied::groups,
        std::uint8_t back;    // and that of the connection which it answers
    };

    [[nodiscard]] static Parties parties_of(const net::Tuple& tuple) noexcept;
    void place(const net::Tuple& tuple, Place& place) const noexcept;
    void find_ahead(std::span<const telemetry::FlowEvent> events) noexcept;
    [[nodiscard]] std::uint32_t denied_entry(const Place& place) const noexcept;
    [[nodiscard]] std::array<std::uint32_t, 2> denied_groups(std::uint32_t entry) const noexcept;
    [[nodiscard]] bool note_denied(const Place& place, std::uint32_t number, std::uint32_t group);
    void denied(const telemetry::FlowEvent& event, const Place& place);
    void opened(const telemetry::FlowEvent& event, const Place& place);
    void ended(const telemetry::FlowEvent& event, const Place& place);
    [[nodiscard]] static GroupKey group_key(const telemetry::FlowEvent& event) noexcept;
    // REQUIRES: key == group_key(event), hash == flows_.hash_of(key)
    std::uint32_t start_connection(const telemetry::FlowEvent& event, const GroupKey& key, std::uint64_t hash);
    [[nodiscard]] std::uint32_t group_of(const telemetry::FlowEvent& event, const GroupKey& key, std::uint64_t hash);
    void touch(std::uint32_t group, Nanos time, const telemetry::PacketsBytes& forward,
               const telemetry::PacketsBytes& reverse);

    std::size_t most_flows_;
    std::size_t most_denied_;
    std::vector<std::uint64_t> connections_;
    KeyedEntries<ReplayedFlow, KeyOfFlow> flows_;  // by group
    KeyedEntries<Denied> denied_;
    std::size_t denied_count_ = 0;                       // in both directions
    std::array<Place, telemetry::kMaxEvents> places_{};  // of the events at hand
    std::uint64_t left_out_ = 0;
    bool exact_ = true;
};

}  // namespace drywall::whatif
