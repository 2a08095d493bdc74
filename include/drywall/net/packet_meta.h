// PacketMeta: what the headers of one frame say, and nothing that they don't.
//
// Threads: values; parse() is a pure function, called by workers, tests and offline commands alike.
// Bounds:  no byte outside [data, data + contiguous) is read, whatever the headers claim.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "drywall/base/drop_reason.h"
#include "drywall/net/address.h"

namespace drywall::net {

namespace protocol {
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIcmpv6 = 58;
inline constexpr std::uint8_t kSctp = 132;
}  // namespace protocol

namespace ether_type {
inline constexpr std::uint16_t kIPv4 = 0x0800;
inline constexpr std::uint16_t kArp = 0x0806;
inline constexpr std::uint16_t kVlan = 0x8100;
inline constexpr std::uint16_t kIPv6 = 0x86dd;
inline constexpr std::uint16_t kQinQ = 0x88a8;
inline constexpr std::uint16_t kLacp = 0x8809;
inline constexpr std::uint16_t kEapol = 0x888e;
inline constexpr std::uint16_t kLldp = 0x88cc;
inline constexpr std::uint16_t kPtp = 0x88f7;
inline constexpr std::uint16_t kFirst = 0x600;  // below it, the field is the length of an 802.3 frame
}  // namespace ether_type

// TCP flag bits as on the wire (RFC 9293).
namespace tcp_flag {
inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kAck = 0x10;
inline constexpr std::uint8_t kUrg = 0x20;
}  // namespace tcp_flag

// What policy sees of a packet: the key of a classification. Plain bytes, comparable, hashable.
struct Tuple {
    AddressBytes source{};
    AddressBytes destination{};
    std::uint16_t source_port = 0;       // host order; 0 for protocols without ports
    std::uint16_t destination_port = 0;  // host order; ICMP and ICMPv6: type << 8 | code
    std::uint8_t protocol = 0;           // the upper-layer protocol, after IPv6 extension headers
    Family family = Family::kIPv4;
    std::uint16_t ingress_port = 0;  // index of the PortId by which the packet entered

    bool operator==(const Tuple&) const = default;
};
static_assert(sizeof(Tuple) == 40);

constexpr bool has_ports(std::uint8_t p) noexcept {
    return p == protocol::kTcp || p == protocol::kUdp || p == protocol::kSctp;
}
constexpr bool is_icmp(std::uint8_t p) noexcept { return p == protocol::kIcmp || p == protocol::kIcmpv6; }

enum class FragmentKind : std::uint8_t {
    kWhole,  // not a fragment (an atomic IPv6 fragment, RFC 6946, is whole)
    kFirst,  // offset 0, more to come: carries the ports
    // Offset > 0: carries none; `tuple`'s ports are 0 and must not be matched. On IPv6 the protocol is what the
    // fragment header calls next, which may be an extension header that only the first fragment carries.
    kLater,
};

struct PacketMeta {
    Tuple tuple;
    DropReason malformed = DropReason::kNone;  // why, if it is; then only ether_type may be relied on
    bool is_ip = false;
    FragmentKind fragment = FragmentKind::kWhole;
    std::uint8_t tcp_flags = 0;
    std::uint8_t hop_limit = 0;
    std::uint16_t ether_type = 0;   // after VLAN and QinQ tags; values below 0x600 are 802.3 lengths
    std::uint16_t l3_offset = 0;    // bytes from the frame's start
    std::uint16_t l4_offset = 0;    // 0 when there is no upper-layer header to look at
    std::uint16_t icmp_id = 0;      // identifier of ICMP queries (echo, timestamp); else 0
    std::uint32_t fragment_id = 0;  // IPv4 identification, IPv6 fragment header identification

    bool operator==(const PacketMeta&) const = default;
};

// A frame as it lies in memory. Multi-segment packets show their first segment.
struct FrameView {
    const std::uint8_t* data = nullptr;
    std::uint32_t contiguous = 0;  // bytes readable at data
    std::uint32_t length = 0;      // bytes of the whole frame, >= contiguous
    std::uint16_t ingress_port = 0;
};

// Reads Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with its extension header chain, TCP, UDP, SCTP, ICMP.
// Encapsulations (GRE, IP-in-IP, VXLAN) are judged by their outer header.
[[nodiscard]] PacketMeta parse(const FrameView& frame) noexcept;

// The same over a burst. Bit i of the answer: frames[i] is ordinary, as nearly all are. That is: not malformed, not a
// fragment, TCP or UDP right behind an IP header without options; and has_right_checksum(), check_addresses() (however
// strict) and is_possible() find nothing wrong with it.
// REQUIRES: frames.size() <= kMaxBurst, metas.size() >= frames.size()
std::uint64_t parse(std::span<const FrameView> frames, std::span<PacketMeta> metas) noexcept;

// Whether the checksum of the IPv4 header is right (RFC 791); IPv6 has none. REQUIRES: meta is well-formed and IP
[[nodiscard]] bool has_right_checksum(const FrameView& frame, const PacketMeta& meta) noexcept;

// An ICMP or ICMPv6 message about a packet that somebody sent (RFC 1122 3.2.2, RFC 4443 3). REQUIRES: not a later
// fragment
[[nodiscard]] bool is_icmp_error(const Tuple& tuple) noexcept;

// The packet that an ICMP error quotes (RFC 792, RFC 4443), as its sender sent it; nothing if `meta` is no ICMP error
// or quotes too little to name a flow. ingress_port is copied from `meta`.
[[nodiscard]] std::optional<PacketMeta> parse_icmp_quote(const FrameView& frame, const PacketMeta& meta) noexcept;

}  // namespace drywall::net
