// FlowKey: what makes two packets part of the same connection.
//
// Threads: values; keyed() is a pure function.
// Order:   a key is written from the wire's point of view: first the party behind the lower-numbered port of the pair
//          ("near"), then the party behind the other ("far"). Both directions of a connection so give the same key, the
//          same 5-tuple on another pair gives another one, and so does a packet that comes from the wrong side: it
//          can't ride on a connection that was judged the other way round. VLAN tags take no part.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "drywall/base/ids.h"
#include "drywall/net/packet_meta.h"

namespace drywall::flow {

enum class Side : std::uint8_t { kNear = 0, kFar = 1 };

constexpr Side opposite(Side side) noexcept { return side == Side::kNear ? Side::kFar : Side::kNear; }

struct FlowKey {
    net::AddressBytes near_address{};
    net::AddressBytes far_address{};
    std::uint16_t near_port = 0;  // ICMP queries: the identifier
    std::uint16_t far_port = 0;   // ICMP queries: the request's type << 8 | the Side that asks
    std::uint16_t pair = 0;       // the lower PortId of the pair
    std::uint8_t protocol = 0;
    net::Family family = net::Family::kIPv4;

    // Compared as five words: member by member it would be two calls and a branch for each.
    friend bool operator==(const FlowKey& a, const FlowKey& b) noexcept {
        using Words = std::array<std::uint64_t, 5>;
        const auto x = std::bit_cast<Words>(a);
        const auto y = std::bit_cast<Words>(b);
        return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
    }
};
static_assert(sizeof(FlowKey) == 40);
static_assert(std::has_unique_object_representations_v<FlowKey>, "hashed as bytes: no padding");

// A packet's key, and which side of the wire sent it.
struct Keyed {
    FlowKey key;
    Side sender = Side::kNear;
};

// Nothing for what is never tracked:
//   - later fragments (they carry no ports; FragmentTable knows them),
//   - ICMP and ICMPv6 other than echo and timestamp queries: errors, redirects and the like are one-way, so an entry
//     would only let the other side answer something that has no answer. Policy judges each of them.
// A query and its reply share a key; a query in the opposite direction with the same identifier has another one.
// `egress` is the port by which the packet would leave. A port paired with itself orders by address.
[[nodiscard]] std::optional<Keyed> keyed(const net::PacketMeta& packet, PortId egress) noexcept;

// Which end of the pair comes first by address: the sender's side on a port that is paired with itself.
[[nodiscard]] Side side_by_address(const net::Tuple& tuple) noexcept;

// The same for what has ports, or is of a protocol without: the key goes into `key`, the answer is its sender.
// REQUIRES: not ICMP. Of a later fragment, which carries no ports, it is nobody's key.
inline Side write_key(const net::Tuple& tuple, PortId egress, FlowKey& key) noexcept {
    const auto egress_index = static_cast<std::uint16_t>(index(egress));
    const bool near_sends =
        tuple.ingress_port != egress_index ? tuple.ingress_port < egress_index : side_by_address(tuple) == Side::kNear;
    if (near_sends)
        key = {tuple.source,       tuple.destination, tuple.source_port, tuple.destination_port,
               tuple.ingress_port, tuple.protocol,    tuple.family};
    else
        key = {tuple.destination, tuple.source, tuple.destination_port, tuple.source_port, egress_index,
               tuple.protocol,    tuple.family};
    return near_sends ? Side::kNear : Side::kFar;
}

// An ICMP reply (echo, timestamp) answers a query, it never starts a connection. REQUIRES: net::is_icmp(tuple.protocol)
[[nodiscard]] bool is_icmp_reply(const net::Tuple& tuple) noexcept;

}  // namespace drywall::flow
