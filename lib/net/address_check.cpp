#include "drywall/net/address_check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "bytes.h"
#include "drywall/net/fragment.h"
#include "unicast.h"

namespace drywall::net {

namespace {

constexpr std::uint32_t kBroadcast = 0xffffffff;
constexpr std::uint16_t kDhcpServerPort = 67;
constexpr std::uint16_t kDhcpClientPort = 68;
constexpr std::uint16_t kDhcpv6ServerPort = 547;
constexpr std::uint16_t kDhcpv6ClientPort = 546;
constexpr AddressBytes kDhcpv6Servers = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2};  // ff02::1:2

enum class Kind : std::uint8_t {
    kUnicast,
    kLinkLocal,
    kUnspecified,  // 0.0.0.0/8: this host, this network; ::
    kMulticast,
    kEveryone,    // 255.255.255.255
    kImpossible,  // loopback, reserved, IPv4 in IPv6's clothes
    kUnassigned,  // IPv6 unicast that nobody was given
};

Kind kind_of_v4(const AddressBytes& bytes) noexcept {
    const std::uint32_t address = load_be32(bytes.data());
    if (is_routed_unicast_v4(address)) return Kind::kUnicast;
    const std::uint32_t first = address >> 24;
    if (first == 0) return Kind::kUnspecified;
    if (first == 127) return Kind::kImpossible;
    if (first < 224) return Kind::kLinkLocal;
    if (first < 240) return Kind::kMulticast;
    return address == kBroadcast ? Kind::kEveryone : Kind::kImpossible;
}

Kind kind_of_v6(const AddressBytes& bytes) noexcept {
    const std::uint8_t first = bytes[0];
    if (is_routed_unicast_v6(first)) return Kind::kUnicast;
    if (first == 0xff) return (bytes[1] & 0x0f) == 0 ? Kind::kImpossible : Kind::kMulticast;  // scope 0 is reserved
    if (first == 0xfe && (bytes[1] & 0xc0) == 0x80) return Kind::kLinkLocal;
    if (first != 0) return Kind::kUnassigned;
    const auto zero_until = [&](std::size_t end) {
        return std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                           [](std::uint8_t byte) { return byte == 0; });
    };
    if (zero_until(15) && bytes[15] <= 1) return bytes[15] == 0 ? Kind::kUnspecified : Kind::kImpossible;  // ::, ::1
    const bool mapped = zero_until(10) && ((bytes[10] == 0xff && bytes[11] == 0xff) || zero_until(12));
    return mapped ? Kind::kImpossible : Kind::kUnassigned;
}

Kind kind_of(const AddressBytes& bytes, Family family) noexcept {
    return family == Family::kIPv4 ? kind_of_v4(bytes) : kind_of_v6(bytes);
}

// A host that has no address yet.
bool may_be_unspecified(const PacketMeta& meta) noexcept {
    const Tuple& tuple = meta.tuple;
    if (tuple.family == Family::kIPv6) return is_link_control(meta);
    const bool all_zero = load_be32(tuple.source.data()) == 0;
    return all_zero && tuple.protocol == protocol::kUdp && tuple.source_port == kDhcpClientPort &&
           tuple.destination_port == kDhcpServerPort && load_be32(tuple.destination.data()) == kBroadcast;
}

bool source_can_be(Kind kind, const PacketMeta& meta) noexcept {
    switch (kind) {
        case Kind::kUnicast:
        case Kind::kLinkLocal:
        case Kind::kUnassigned: return true;
        case Kind::kUnspecified: return may_be_unspecified(meta);
        case Kind::kMulticast:
        case Kind::kEveryone:
        case Kind::kImpossible: return false;
    }
    return false;
}

bool destination_can_be(Kind kind) noexcept { return kind != Kind::kUnspecified && kind != Kind::kImpossible; }

bool is_for_neighbours(Kind kind) noexcept { return kind == Kind::kLinkLocal || kind == Kind::kUnassigned; }

// By type, and the hop limit that goes with it.
struct LinkControl {
    std::uint8_t first_type;
    std::uint8_t last_type;
    std::uint8_t hop_limit;
};

constexpr auto kLinkControl = std::to_array<LinkControl>({
    {133, 137, 255},  // router and neighbour discovery, redirect (RFC 4861)
    {130, 132, 1},    // multicast listener discovery (RFC 2710)
    {143, 143, 1},    // the same, version 2 (RFC 3810)
});

// The row of what calls itself link control; null: it does not. A later fragment does not say what it is.
const LinkControl* link_control_row(const PacketMeta& meta) noexcept {
    if (meta.tuple.protocol != protocol::kIcmpv6 || meta.tuple.family != Family::kIPv6) return nullptr;
    if (meta.fragment == FragmentKind::kLater) return nullptr;
    const unsigned type = meta.tuple.destination_port >> 8;
    const auto* const row = std::find_if(kLinkControl.begin(), kLinkControl.end(), [type](const LinkControl& r) {
        return type >= r.first_type && type <= r.last_type;
    });
    return row == kLinkControl.end() ? nullptr : row;
}

// As two words: std::array's == is a call.
bool same(const AddressBytes& a, const AddressBytes& b) noexcept {
    using Words = std::array<std::uint64_t, 2>;
    const auto x = std::bit_cast<Words>(a);
    const auto y = std::bit_cast<Words>(b);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

// On the link, before the client has another address: it asks all servers and relays, and is answered (RFC 8415, 7.1,
// 7.2). Policy judges it, as it judges DHCP for IPv4.
bool is_dhcpv6_on_the_link(const PacketMeta& meta) noexcept {
    const Tuple& tuple = meta.tuple;
    const bool from_the_link = tuple.family == Family::kIPv6 && tuple.protocol == protocol::kUdp &&
                               kind_of_v6(tuple.source) == Kind::kLinkLocal;
    if (!from_the_link) return false;
    if (tuple.source_port == kDhcpv6ClientPort && tuple.destination_port == kDhcpv6ServerPort)
        return same(tuple.destination, kDhcpv6Servers);
    return tuple.source_port == kDhcpv6ServerPort && tuple.destination_port == kDhcpv6ClientPort &&
           kind_of_v6(tuple.destination) == Kind::kLinkLocal;
}

}  // namespace

DropReason check_addresses(const PacketMeta& meta, AddressCheck check) noexcept {
    if (check == AddressCheck::kAny) return DropReason::kNone;
    const Tuple& tuple = meta.tuple;
    const Kind source = kind_of(tuple.source, tuple.family);
    const Kind destination = kind_of(tuple.destination, tuple.family);
    if (source == Kind::kUnicast && destination == Kind::kUnicast)
        return same(tuple.source, tuple.destination) ? DropReason::kAddressInvalid : DropReason::kNone;
    bool possible =
        source_can_be(source, meta) && destination_can_be(destination) && !same(tuple.source, tuple.destination);
    if (check == AddressCheck::kStrict && (is_for_neighbours(source) || is_for_neighbours(destination)))
        possible = possible && (is_link_control(meta) || is_dhcpv6_on_the_link(meta));
    return possible ? DropReason::kNone : DropReason::kAddressInvalid;
}

bool speaks_without_address(const PacketMeta& meta) noexcept {
    const Kind source = kind_of(meta.tuple.source, meta.tuple.family);
    if (source == Kind::kUnspecified) return may_be_unspecified(meta);
    return source == Kind::kLinkLocal && (is_link_control(meta) || is_dhcpv6_on_the_link(meta));
}

bool is_link_control(const PacketMeta& meta) noexcept {
    const LinkControl* row = link_control_row(meta);
    return row != nullptr && meta.hop_limit == row->hop_limit && meta.fragment == FragmentKind::kWhole;
}

bool is_forged_link_control(const FrameView& frame, const PacketMeta& meta) noexcept {
    const LinkControl* row = link_control_row(meta);
    return row != nullptr && (meta.hop_limit != row->hop_limit || has_fragment_header(frame, meta));
}

}  // namespace drywall::net
