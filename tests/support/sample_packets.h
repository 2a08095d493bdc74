// One packet of every kind that parse() looks into, for tests that hold for all of them.
#pragma once

#include <string>
#include <vector>

#include "packets.h"

namespace drywall::test {

struct Sample {
    std::string name;
    Packet packet;
};

inline std::vector<Sample> ip_samples() {
    const auto v6 = [](const Packet& packet) { return packet.from("2001:db8::1", 40000).to("2001:db8:1::9", 8080); };
    std::vector<Sample> out{
        {"tcp", tcp().syn()},
        {"tcp with options", tcp().ack().tcp_options(12).payload(20)},
        {"udp", udp().payload(30)},
        {"sctp", sctp().payload(16)},
        {"icmp echo", icmp_echo().payload(8)},
        {"icmp error", unreachable(udp().payload(40))},
        {"gre", other(47).payload(24)},
        {"ip options", tcp().syn().ip_options(40)},
        {"vlan", udp().payload(5).vlan(7)},
        {"qinq", tcp().syn().qinq(100, 7)},
        {"first fragment", udp().payload(64).fragment(0, true, 77)},
        {"later fragment", udp().payload(64).fragment(64, false, 77)},
        {"tcp6", v6(tcp().syn())},
        {"udp6", v6(udp().payload(30))},
        {"sctp6", v6(sctp().payload(16))},
        {"icmpv6 echo", v6(icmp_echo().payload(8))},
        {"icmpv6 error", unreachable(v6(tcp().syn()))},
        {"esp6", v6(other(50).payload(24))},
        {"extension chain",
         v6(tcp().syn()).extension(0).extension(60, 16).extension(43, 24).extension(51, 12).extension(60)},
        {"first fragment6", v6(udp().payload(64)).extension(0).fragment(0, true, 0xdeadbeef)},
        {"later fragment6", v6(udp().payload(64)).fragment(64, true, 0xdeadbeef)},
        {"atomic fragment6", v6(tcp().syn()).vlan(7).fragment(0, false, 5)},
    };
    return out;
}

inline Frames only(std::span<const std::uint8_t> frame, std::uint16_t ingress_port = 0) {
    Frames frames;
    frames.add(frame, ingress_port);
    return frames;
}

inline net::PacketMeta parsed(const Packet& packet) { return net::parse(Frames{packet}[0]); }

inline net::PacketMeta parsed(std::span<const std::uint8_t> frame) { return net::parse(only(frame)[0]); }

// The packet's frame after `change` was done to its bytes.
template <typename Change>
net::PacketMeta parsed_after(const Packet& packet, Change change) {
    Bytes frame = packet.bytes();
    change(frame);
    return parsed(Bytes(frame));
}

}  // namespace drywall::test
