#include "packets.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "wire_format.h"

namespace drywall::test {

using namespace wire;

namespace {

constexpr std::uint8_t kFragmentHeader = 44;
constexpr std::uint8_t kRoutingHeader = 43;
constexpr std::uint8_t kAuthenticationHeader = 51;
constexpr std::size_t kMostQuotedV4 = 576 - 20 - 8;   // an ICMP error fits into 576 bytes (RFC 1812 4.3.2.3)
constexpr std::size_t kMostQuotedV6 = 1280 - 40 - 8;  // ... and an ICMPv6 error into 1280 (RFC 4443 2.4)

[[noreturn]] void misuse(const char* what) {
    std::fprintf(stderr, "test packet: %s\n", what);
    std::abort();
}

void require(bool condition, const char* what) {
    if (!condition) misuse(what);
}

Bytes pattern(std::size_t bytes) {
    Bytes out(bytes);
    for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>('a' + i % 26);
    return out;
}

// Locally administered, and telling the ends apart.
constexpr std::array<std::uint8_t, 6> kSourceMac{0x02, 0, 0, 0, 0, 0x0a};
constexpr std::array<std::uint8_t, 6> kDestinationMac{0x02, 0, 0, 0, 0, 0x0b};
constexpr std::array<std::uint8_t, 6> kBroadcastMac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

}  // namespace

net::Address address(std::string_view text) {
    const auto parsed = net::Address::parse(text);
    require(parsed.has_value(), "not an address");
    return *parsed;
}

Packet tcp() { return Packet(Packet::What::kTcp); }
Packet udp() { return Packet(Packet::What::kUdp); }
Packet sctp() { return Packet(Packet::What::kSctp); }
Packet icmp_echo() { return Packet(Packet::What::kEcho); }
Packet icmp_reply() { return Packet(Packet::What::kEchoReply); }
Packet arp() { return Packet(Packet::What::kArp); }

Packet icmp(std::uint8_t type, std::uint8_t code) {
    Packet out(Packet::What::kIcmpMessage);
    out.number_ = type;
    out.code_ = code;
    return out;
}

Packet icmp_error(std::uint8_t type, std::uint8_t code, const Packet& about) {
    require(about.is_ip(), "only IP packets can be quoted");
    Packet out = icmp(type, code);
    out.source_ = address(about.is_v6() ? "2001:db8:99::1" : "10.99.0.1");
    out.destination_ = about.source_;
    out.quote_ = about.ip_packet();
    out.quote_.resize(std::min(out.quote_.size(), about.is_v6() ? kMostQuotedV6 : kMostQuotedV4));
    return out;
}

Packet unreachable(const Packet& about) {
    const bool v6 = about.tuple().family == net::Family::kIPv6;
    return v6 ? icmp_error(1, 4, about) : icmp_error(3, 3, about);
}

Packet time_exceeded(const Packet& about) {
    return icmp_error(about.tuple().family == net::Family::kIPv6 ? 3 : 11, 0, about);
}

Packet packet_too_big(const Packet& about) {
    const bool v6 = about.tuple().family == net::Family::kIPv6;
    return v6 ? icmp_error(2, 0, about) : icmp_error(3, 4, about);
}

Packet other(std::uint8_t protocol) {
    Packet out(Packet::What::kOtherIp);
    out.number_ = protocol;
    return out;
}

Packet ether(std::uint16_t type) {
    Packet out(Packet::What::kOtherEther);
    out.ether_type_ = type;
    return out;
}

Packet Packet::from(std::string_view source, std::uint16_t port) const { return from(address(source), port); }
Packet Packet::to(std::string_view destination, std::uint16_t port) const { return to(address(destination), port); }

Packet Packet::from(const net::Address& source, std::uint16_t port) const {
    Packet out = *this;
    out.source_ = source;
    if (port != 0) out.source_port_ = port;
    return out;
}

Packet Packet::to(const net::Address& destination, std::uint16_t port) const {
    Packet out = *this;
    out.destination_ = destination;
    if (port != 0) out.destination_port_ = port;
    return out;
}

Packet Packet::entering(std::uint16_t port_index) const {
    Packet out = *this;
    out.ingress_port_ = port_index;
    return out;
}

Packet Packet::reply() const {
    Packet out = *this;
    std::swap(out.source_, out.destination_);
    std::swap(out.source_port_, out.destination_port_);
    if (what_ == What::kEcho) out.what_ = What::kEchoReply;
    if (what_ == What::kEchoReply) out.what_ = What::kEcho;
    return out;
}

Packet Packet::with_flag(std::uint8_t flag) const { return flags(flags_ | flag); }
Packet Packet::syn() const { return with_flag(net::tcp_flag::kSyn); }
Packet Packet::ack() const { return with_flag(net::tcp_flag::kAck); }
Packet Packet::fin() const { return with_flag(net::tcp_flag::kFin); }
Packet Packet::rst() const { return with_flag(net::tcp_flag::kRst); }

Packet Packet::flags(std::uint8_t all) const {
    Packet out = *this;
    out.flags_ = all;
    return out;
}

Packet Packet::sequence(std::uint32_t number, std::uint32_t acknowledged) const {
    Packet out = *this;
    out.numbers_ = {number, acknowledged};
    return out;
}

Packet Packet::window(std::uint16_t unscaled) const {
    Packet out = *this;
    out.window_ = unscaled;
    return out;
}

Packet Packet::window_scale(std::uint8_t shift) const {
    Packet out = *this;
    out.window_scale_ = shift;
    return out;
}

Packet Packet::mtu(std::uint32_t bytes) const {
    Packet out = *this;
    out.mtu_ = bytes;
    return out;
}

Packet Packet::tcp_options(unsigned bytes) const {
    require(bytes % 4 == 0 && bytes <= 40, "TCP options: a multiple of 4, at most 40 bytes");
    Packet out = *this;
    out.tcp_option_bytes_ = bytes;
    return out;
}

Packet Packet::id(std::uint16_t identifier) const {
    Packet out = *this;
    out.icmp_id_ = identifier;
    return out;
}

Packet Packet::payload(std::size_t bytes) const {
    Packet out = *this;
    out.payload_ = pattern(bytes);
    return out;
}

Packet Packet::payload(std::string_view text) const {
    Packet out = *this;
    out.payload_.assign(text.begin(), text.end());
    return out;
}

Packet Packet::hop_limit(std::uint8_t hops) const {
    Packet out = *this;
    out.hop_limit_ = hops;
    return out;
}

Packet Packet::ip_options(unsigned bytes) const {
    require(bytes % 4 == 0 && bytes <= 40, "IPv4 options: a multiple of 4, at most 40 bytes");
    Packet out = *this;
    out.ip_option_bytes_ = bytes;
    return out;
}

Packet Packet::extension(std::uint8_t type, unsigned bytes) const {
    const bool authentication = type == kAuthenticationHeader;
    require(authentication ? bytes % 4 == 0 && bytes >= 12 : bytes % 8 == 0 && bytes >= 8, "extension header size");
    Packet out = *this;
    out.extensions_.emplace_back(type, bytes);
    return out;
}

Packet Packet::fragment(std::uint16_t offset, bool more, std::uint32_t identification) const {
    require(offset % 8 == 0, "a fragment's offset is a multiple of 8");
    Packet out = *this;
    out.fragment_ = Fragment{offset, more, identification};
    return out;
}

std::vector<Packet> Packet::fragments(std::uint16_t bytes, std::uint32_t identification) const {
    require(bytes % 8 == 0 && bytes > 0, "a fragment's size is a multiple of 8");
    const Bytes whole = upper_layer();
    std::vector<Packet> out;
    for (std::size_t offset = 0; offset < whole.size(); offset += bytes) {
        const std::size_t end = std::min(whole.size(), offset + bytes);
        out.push_back(fragment(static_cast<std::uint16_t>(offset), end < whole.size(), identification));
        out.back().slice_ = Bytes(whole.begin() + static_cast<std::ptrdiff_t>(offset),
                                  whole.begin() + static_cast<std::ptrdiff_t>(end));
    }
    return out;
}

Packet Packet::vlan(std::uint16_t id) const {
    Packet out = *this;
    out.tags_.emplace_back(net::ether_type::kVlan, id);
    return out;
}

Packet Packet::qinq(std::uint16_t outer, std::uint16_t inner) const {
    Packet out = *this;
    out.tags_.emplace_back(net::ether_type::kQinQ, outer);
    return out.vlan(inner);
}

Packet Packet::padded(std::size_t frame_bytes) const {
    Packet out = *this;
    out.padded_to_ = frame_bytes;
    return out;
}

bool Packet::is_icmp() const noexcept {
    return what_ == What::kEcho || what_ == What::kEchoReply || what_ == What::kIcmpMessage;
}

std::uint8_t Packet::protocol() const noexcept {
    switch (what_) {
        case What::kTcp: return net::protocol::kTcp;
        case What::kUdp: return net::protocol::kUdp;
        case What::kSctp: return net::protocol::kSctp;
        case What::kOtherIp: return number_;
        default: return is_v6() ? net::protocol::kIcmpv6 : net::protocol::kIcmp;
    }
}

std::pair<std::uint8_t, std::uint8_t> Packet::icmp_type_code() const noexcept {
    if (what_ == What::kEcho) return {is_v6() ? 128 : 8, 0};
    if (what_ == What::kEchoReply) return {is_v6() ? 129 : 0, 0};
    return {number_, code_};
}

std::uint16_t Packet::ether_type() const noexcept {
    if (what_ == What::kArp) return net::ether_type::kArp;
    if (what_ == What::kOtherEther) return ether_type_;
    return is_v6() ? net::ether_type::kIPv6 : net::ether_type::kIPv4;
}

net::Tuple Packet::tuple() const {
    require(is_ip(), "only IP packets have a tuple");
    net::Tuple out;
    out.source = source_.bytes;
    out.destination = destination_.bytes;
    out.family = source_.family;
    out.ingress_port = ingress_port_;
    out.protocol = protocol();
    if (is_later_fragment()) return out;
    if (net::has_ports(out.protocol)) {
        out.source_port = source_port_;
        out.destination_port = destination_port_;
    }
    if (is_icmp()) {
        const auto [type, code] = icmp_type_code();
        out.destination_port = static_cast<std::uint16_t>(type << 8 | code);
    }
    return out;
}

Bytes Packet::tcp_header() const {
    Bytes out;
    put16(out, source_port_);
    put16(out, destination_port_);
    const bool syn = (flags_ & net::tcp_flag::kSyn) != 0;
    const bool acks = (flags_ & net::tcp_flag::kAck) != 0;
    const auto [sequence, acknowledged] = numbers_.value_or(std::pair{syn ? 0U : 1U, acks ? 1U : 0U});
    put32(out, sequence);
    put32(out, acknowledged);
    put8(out, (5 + tcp_option_bytes_ / 4 + (window_scale_ ? 1 : 0)) << 4);
    put8(out, flags_);
    put16(out, window_);
    put32(out, 0);  // checksum, urgent pointer
    out.insert(out.end(), tcp_option_bytes_, 1);
    if (window_scale_) put(out, std::array<std::uint8_t, 4>{3, 3, *window_scale_, 1});
    return out;
}

Bytes Packet::icmp_header() const {
    const auto [type, code] = icmp_type_code();
    Bytes out;
    put8(out, type);
    put8(out, code);
    put16(out, 0);  // checksum
    const bool query = quote_.empty();
    const bool v4_too_big = !is_v6() && type == 3 && code == 4;
    const bool v6_too_big = is_v6() && type == 2;
    if (query) {
        put16(out, icmp_id_);
        put16(out, 1);  // sequence number
    } else {
        put32(out, v4_too_big ? mtu_ & 0xffffU : v6_too_big ? mtu_ : 0);
    }
    put(out, quote_);
    return out;
}

// The upper-layer header and the payload, with the checksum.
Bytes Packet::upper_layer() const {
    if (slice_) return *slice_;
    if (is_later_fragment()) return payload_;
    Bytes out;
    if (what_ == What::kTcp) {
        out = tcp_header();
    } else if (what_ == What::kUdp) {
        put16(out, source_port_);
        put16(out, destination_port_);
        put16(out, static_cast<unsigned>(8 + payload_.size()));
        put16(out, 0);  // checksum
    } else if (what_ == What::kSctp) {
        put16(out, source_port_);
        put16(out, destination_port_);
        put32(out, 1);  // verification tag
        put32(out, 0);  // checksum
    } else if (is_icmp()) {
        out = icmp_header();
    }
    put(out, payload_);
    write_checksum(out);
    return out;
}

void Packet::write_checksum(Bytes& upper) const {
    if (what_ == What::kSctp) {
        const std::uint32_t crc = sctp_checksum(upper);
        set16(upper, 8, crc >> 16);
        set16(upper, 10, crc & 0xffff);
    }
    if (what_ != What::kTcp && what_ != What::kUdp && !is_icmp()) return;

    Bytes summed;
    if (!is_icmp() || is_v6()) {  // the pseudo header; ICMP for IPv4 has none
        put_address(summed, source_);
        put_address(summed, destination_);
        put32(summed, static_cast<std::uint32_t>(upper.size()));
        put32(summed, protocol());
    }
    put(summed, upper);
    std::uint16_t sum = internet_checksum(summed);
    if (what_ == What::kUdp && sum == 0) sum = 0xffff;  // 0 says "none" (RFC 768)
    set16(upper, what_ == What::kTcp ? 16 : what_ == What::kUdp ? 6 : 2, sum);
}

Bytes Packet::ipv4_packet(const Bytes& upper) const {
    Bytes out;
    const unsigned header_bytes = 20 + ip_option_bytes_;
    put8(out, 0x40 | header_bytes / 4);
    put8(out, 0);
    put16(out, static_cast<unsigned>(header_bytes + upper.size()));
    const Fragment fragment = fragment_.value_or(Fragment{});
    put16(out, fragment.identification & 0xffff);
    put16(out, fragment.offset / 8U | (fragment.more ? 0x2000U : 0U));
    put8(out, hop_limit_);
    put8(out, protocol());
    put16(out, 0);  // checksum
    put_address(out, source_);
    put_address(out, destination_);
    out.insert(out.end(), ip_option_bytes_, 1);
    set16(out, 10, internet_checksum(out));
    put(out, upper);
    return out;
}

Bytes Packet::ipv6_packet(const Bytes& upper) const {
    auto chain = extensions_;
    if (fragment_) chain.emplace_back(kFragmentHeader, 8);

    Bytes extensions;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const auto [type, bytes] = chain[i];
        const std::size_t start = extensions.size();
        put8(extensions, i + 1 < chain.size() ? chain[i + 1].first : protocol());
        if (type == kFragmentHeader && fragment_) {
            put8(extensions, 0);
            put16(extensions, fragment_->offset | (fragment_->more ? 1U : 0U));
            put32(extensions, fragment_->identification);
        } else {
            put8(extensions, type == kAuthenticationHeader ? bytes / 4 - 2 : bytes / 8 - 1);
            extensions.resize(start + bytes);                       // zeros: Pad1 options
            if (type == kRoutingHeader) extensions[start + 2] = 4;  // segment routing: type 0 is refused (RFC 5095)
        }
    }

    Bytes out;
    put32(out, 0x60000000);
    put16(out, static_cast<unsigned>(extensions.size() + upper.size()));
    put8(out, chain.empty() ? protocol() : chain.front().first);
    put8(out, hop_limit_);
    put_address(out, source_);
    put_address(out, destination_);
    put(out, extensions);
    put(out, upper);
    return out;
}

Bytes Packet::ip_packet() const {
    require(source_.family == destination_.family, "both ends of a packet are of one family");
    return is_v6() ? ipv6_packet(upper_layer()) : ipv4_packet(upper_layer());
}

Bytes Packet::arp_packet() const {
    Bytes out;
    put16(out, 1);  // Ethernet
    put16(out, net::ether_type::kIPv4);
    put16(out, 0x0604);  // address lengths
    put16(out, 1);       // request
    put(out, kSourceMac);
    put_address(out, source_);
    out.insert(out.end(), 6, 0);
    put_address(out, destination_);
    return out;
}

Bytes Packet::bytes() const {
    Bytes out;
    put(out, what_ == What::kArp ? kBroadcastMac : kDestinationMac);
    put(out, kSourceMac);
    for (const auto& [type, control] : tags_) {
        put16(out, type);
        put16(out, control);
    }
    put16(out, ether_type());
    put(out, what_ == What::kArp ? arp_packet() : what_ == What::kOtherEther ? payload_ : ip_packet());
    if (out.size() < padded_to_) out.resize(padded_to_);
    return Bytes(out.begin(), out.end());  // a copy has no spare capacity behind it
}

Frames::Frames(std::initializer_list<Packet> packets) : Frames(std::span(packets.begin(), packets.size())) {}

Frames::Frames(std::span<const Packet> packets) {
    for (const Packet& packet : packets) add(packet);
}

Frames& Frames::add(std::span<const std::uint8_t> frame, std::uint16_t ingress_port) {
    auto block = std::make_unique<std::uint8_t[]>(frame.size());
    std::copy(frame.begin(), frame.end(), block.get());
    views_.push_back(view({block.get(), frame.size()}, ingress_port));
    blocks_.push_back(std::move(block));
    return *this;
}

net::FrameView view(std::span<const std::uint8_t> frame, std::uint16_t ingress_port) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    return {frame.data(), size, size, ingress_port};
}

}  // namespace drywall::test
