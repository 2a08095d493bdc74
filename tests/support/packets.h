// Packets by words: tcp().syn().from("10.0.0.1", 40000).to("10.1.0.9", 8080).vlan(7)
//
// Every word returns a new Packet, so a half-said one can be kept and finished in several ways. bytes() is a correct
// Ethernet frame: lengths, checksums, extension header chain. The family follows from the addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/net/packet_meta.h"

namespace drywall::test {

using Bytes = std::vector<std::uint8_t>;

// A net::Address from text; ends the test run when the text is none.
[[nodiscard]] net::Address address(std::string_view text);

class Packet {
public:
    // Ends. Ports are ignored by protocols that have none. A port of 0 in from()/to() keeps what was said before.
    [[nodiscard]] Packet from(std::string_view source, std::uint16_t port = 0) const;
    [[nodiscard]] Packet from(const net::Address& source, std::uint16_t port = 0) const;
    [[nodiscard]] Packet to(std::string_view destination, std::uint16_t port = 0) const;
    [[nodiscard]] Packet to(const net::Address& destination, std::uint16_t port = 0) const;
    [[nodiscard]] Packet entering(std::uint16_t port_index) const;  // the appliance's port; 0 unless said

    // The same conversation, the other way: ends swapped (an ICMP echo becomes its reply). The port stays.
    [[nodiscard]] Packet reply() const;

    // TCP. Each adds its flag.
    [[nodiscard]] Packet syn() const;
    [[nodiscard]] Packet ack() const;
    [[nodiscard]] Packet fin() const;
    [[nodiscard]] Packet rst() const;
    [[nodiscard]] Packet flags(std::uint8_t all) const;  // exactly these
    // Numbers. Unless said, those of a conversation in which both sides started at 0 and sent no data yet: a SYN is 0,
    // the rest is 1, and what has ACK acknowledges 1.
    [[nodiscard]] Packet sequence(std::uint32_t number, std::uint32_t acknowledged = 0) const;
    [[nodiscard]] Packet window(std::uint16_t unscaled) const;    // 0xffff unless said
    [[nodiscard]] Packet window_scale(std::uint8_t shift) const;  // the option, behind the others
    [[nodiscard]] Packet tcp_options(unsigned bytes) const;       // a multiple of 4, at most 40: NOPs

    // ICMP "packet too big". 1280 unless said.
    [[nodiscard]] Packet mtu(std::uint32_t bytes) const;

    // ICMP queries.
    [[nodiscard]] Packet id(std::uint16_t identifier) const;

    // Payload: n bytes of a pattern, or text. Behind the upper-layer header; of ICMP errors behind the quote.
    [[nodiscard]] Packet payload(std::size_t bytes) const;
    [[nodiscard]] Packet payload(std::string_view text) const;

    // IP.
    [[nodiscard]] Packet hop_limit(std::uint8_t hops) const;
    [[nodiscard]] Packet ip_options(unsigned bytes) const;  // IPv4; a multiple of 4, at most 40: NOPs
    // IPv6: one more extension header of `bytes` (a multiple of 8; of type 51, a multiple of 4 from 12), in this order.
    [[nodiscard]] Packet extension(std::uint8_t type, unsigned bytes = 8) const;
    // One fragment. offset in bytes, a multiple of 8; with an offset the payload alone follows the IP header. (0,
    // false) is an atomic fragment on IPv6, and on IPv4 a whole packet with that identification.
    [[nodiscard]] Packet fragment(std::uint16_t offset, bool more, std::uint32_t identification) const;
    // The whole packet cut into fragments with up to `bytes` (a multiple of 8) of the IP payload each.
    [[nodiscard]] std::vector<Packet> fragments(std::uint16_t bytes, std::uint32_t identification) const;

    // Ethernet.
    [[nodiscard]] Packet vlan(std::uint16_t id) const;                          // 802.1Q tag, inside those said before
    [[nodiscard]] Packet qinq(std::uint16_t outer, std::uint16_t inner) const;  // 802.1ad, then 802.1Q
    [[nodiscard]] Packet padded(std::size_t frame_bytes = 60) const;  // zeros behind the packet, up to that size

    [[nodiscard]] Bytes bytes() const;       // the frame; exactly sized
    [[nodiscard]] net::Tuple tuple() const;  // what parse() must say of it; REQUIRES: IP
    [[nodiscard]] std::uint16_t port() const noexcept { return ingress_port_; }

private:
    enum class What : std::uint8_t { kTcp, kUdp, kSctp, kEcho, kEchoReply, kIcmpMessage, kOtherIp, kArp, kOtherEther };
    friend Packet tcp();
    friend Packet udp();
    friend Packet sctp();
    friend Packet icmp_echo();
    friend Packet icmp_reply();
    friend Packet icmp(std::uint8_t type, std::uint8_t code);
    friend Packet icmp_error(std::uint8_t type, std::uint8_t code, const Packet& about);
    friend Packet other(std::uint8_t protocol);
    friend Packet arp();
    friend Packet ether(std::uint16_t type);

    struct Fragment {
        std::uint16_t offset = 0;
        bool more = false;
        std::uint32_t identification = 0;
    };

    explicit Packet(What what) : what_(what) {}
    [[nodiscard]] Packet with_flag(std::uint8_t flag) const;
    [[nodiscard]] bool is_ip() const noexcept { return what_ != What::kArp && what_ != What::kOtherEther; }
    [[nodiscard]] bool is_v6() const noexcept { return source_.family == net::Family::kIPv6; }
    [[nodiscard]] bool is_icmp() const noexcept;
    [[nodiscard]] bool is_later_fragment() const noexcept { return fragment_ && fragment_->offset != 0; }
    [[nodiscard]] std::uint8_t protocol() const noexcept;
    [[nodiscard]] std::pair<std::uint8_t, std::uint8_t> icmp_type_code() const noexcept;
    [[nodiscard]] std::uint16_t ether_type() const noexcept;
    [[nodiscard]] Bytes upper_layer() const;
    [[nodiscard]] Bytes tcp_header() const;
    [[nodiscard]] Bytes icmp_header() const;
    [[nodiscard]] Bytes ip_packet() const;
    [[nodiscard]] Bytes ipv4_packet(const Bytes& upper) const;
    [[nodiscard]] Bytes ipv6_packet(const Bytes& upper) const;
    [[nodiscard]] Bytes arp_packet() const;
    void write_checksum(Bytes& upper) const;

    What what_;
    std::uint8_t number_ = 0;  // kOtherIp: protocol; kIcmpMessage: type
    std::uint8_t code_ = 0;    // kIcmpMessage
    std::uint16_t ether_type_ = 0;
    net::Address source_ = net::Address::v4(0x0a000001);       // 10.0.0.1
    net::Address destination_ = net::Address::v4(0x0a010009);  // 10.1.0.9
    std::uint16_t source_port_ = 40000;
    std::uint16_t destination_port_ = 8080;
    std::uint16_t ingress_port_ = 0;
    std::uint8_t flags_ = 0;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> numbers_;  // sequence, acknowledged
    std::uint16_t window_ = 0xffff;
    std::optional<std::uint8_t> window_scale_;
    std::uint32_t mtu_ = 1280;
    std::uint16_t icmp_id_ = 1;
    std::uint8_t hop_limit_ = 64;
    unsigned tcp_option_bytes_ = 0;
    unsigned ip_option_bytes_ = 0;
    std::vector<std::pair<std::uint8_t, unsigned>> extensions_;
    std::optional<Fragment> fragment_;
    std::optional<Bytes> slice_;  // of the upper layer, header included: what this fragment carries
    std::vector<std::pair<std::uint16_t, std::uint16_t>> tags_;  // ether type, tag control
    std::size_t padded_to_ = 0;
    Bytes payload_;
    Bytes quote_;
};

[[nodiscard]] Packet tcp();
[[nodiscard]] Packet udp();
[[nodiscard]] Packet sctp();
[[nodiscard]] Packet icmp_echo();                                 // ICMP or ICMPv6, by the addresses
[[nodiscard]] Packet icmp_reply();                                // likewise
[[nodiscard]] Packet icmp(std::uint8_t type, std::uint8_t code);  // any other message without a quote; likewise
// An ICMP error that quotes the start of `about` (an IP packet), sent to its source by 10.99.0.1 or 2001:db8:99::1
// unless from() says another. The family is about's.
[[nodiscard]] Packet icmp_error(std::uint8_t type, std::uint8_t code, const Packet& about);
[[nodiscard]] Packet unreachable(const Packet& about);     // port unreachable: 3/3, on IPv6 1/4
[[nodiscard]] Packet time_exceeded(const Packet& about);   // 11/0, on IPv6 3/0
[[nodiscard]] Packet packet_too_big(const Packet& about);  // 3/4, on IPv6 2/0
[[nodiscard]] Packet other(std::uint8_t protocol);         // any other protocol number, the payload is its all
[[nodiscard]] Packet arp();                                // who has to()? tell from()
[[nodiscard]] Packet ether(std::uint16_t type);            // not IP: a frame of that ether type around the payload

// Frames at the end of exactly sized heap blocks (a read past the end is one that AddressSanitizer sees), and the views
// that the engine takes. The views live as long as this does.
class Frames {
public:
    Frames() = default;
    Frames(std::initializer_list<Packet> packets);
    explicit Frames(std::span<const Packet> packets);

    Frames& add(const Packet& packet) { return add(packet.bytes(), packet.port()); }
    Frames& add(std::span<const std::uint8_t> frame, std::uint16_t ingress_port = 0);

    [[nodiscard]] std::span<const net::FrameView> views() const noexcept { return views_; }
    [[nodiscard]] const net::FrameView& operator[](std::size_t i) const { return views_.at(i); }
    [[nodiscard]] std::size_t size() const noexcept { return views_.size(); }

private:
    std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
    std::vector<net::FrameView> views_;
};

// A view of bytes that someone else keeps.
[[nodiscard]] net::FrameView view(std::span<const std::uint8_t> frame, std::uint16_t ingress_port = 0);

}  // namespace drywall::test
