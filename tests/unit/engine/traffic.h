// Traffic: random packets out of a universe so small that they meet: the same connections, identifications and ports
// again and again, in all orders and from both sides. What is random about them comes from a generator, or from the
// input of a fuzzer.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <utility>

#include "packets.h"

namespace drywall::engine {

// Random: numbers by a call, as the generators of <random> give them.
template <typename Random>
class TrafficFrom {
public:
    explicit TrafficFrom(Random random) : random_(std::move(random)) {}

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    test::Packet packet() {
        switch (below(12)) {
            case 0: return test::arp().entering(port());
            case 1: return error();
            case 2: return fragment();
            case 3: return from_any(test::icmp_echo().id(id()));
            case 4: return from_any(test::icmp_reply().id(id()));
            case 5: return from_any(test::other(47));
            case 6: return neighbour();
            default: return conversation();
        }
    }

private:
    static constexpr std::array<std::string_view, 3> kLan = {"10.0.0.1", "10.0.0.2", "2001:db8::1"};
    static constexpr std::array<std::string_view, 3> kWan = {"10.1.0.9", "10.1.0.8", "2001:db8:1::9"};
    static constexpr std::array<std::uint16_t, 3> kServices = {8080, 53, 22};
    static constexpr std::array<std::uint8_t, 12> kFlags = {0x02, 0x02, 0x02, 0x12, 0x12, 0x10,
                                                            0x10, 0x10, 0x11, 0x04, 0x14, 0x00};

    std::uint16_t id() { return static_cast<std::uint16_t>(1 + below(2)); }
    std::uint16_t port() { return static_cast<std::uint16_t>(below(20) == 0 ? 2 : below(2)); }
    std::uint8_t hops() { return below(2) == 0 ? 255 : 64; }

    // Between a host of each side, now and then from the wrong one.
    test::Packet from_any(const test::Packet& packet, std::uint16_t client = 0, std::uint16_t service = 0) {
        const bool v6 = below(4) == 0;
        const std::string_view lan = v6 ? kLan[2] : kLan[below(2)];
        const std::string_view wan = v6 ? kWan[2] : kWan[below(2)];
        const bool outwards = below(2) == 0;
        const bool astray = below(10) == 0;
        const auto entry = static_cast<std::uint16_t>(outwards == astray ? 1 : 0);
        const test::Packet asked = packet.from(lan, client).to(wan, service);
        return (outwards ? asked : packet.from(wan, service).to(lan, client)).entering(entry);
    }
    test::Packet conversation() {
        const auto client = static_cast<std::uint16_t>(40000 + below(2));
        const std::uint16_t service = kServices[below(kServices.size())];
        if (below(3) == 0) return from_any(below(4) == 0 ? test::sctp() : test::udp(), client, service);
        return from_any(segment(), client, service);
    }
    // Most with the numbers that are due as long as nobody sent much; some a little off, some far.
    test::Packet segment() {
        test::Packet packet = test::tcp().flags(kFlags[below(kFlags.size())]).window(window()).payload(below(3) * 100);
        if (below(2) == 0) packet = packet.window_scale(static_cast<std::uint8_t>(below(16)));
        switch (below(8)) {
            case 0: return packet.sequence(number(), number());
            case 1: return packet.sequence(number(), 1);
            case 2: return packet.sequence(1, number());
            case 3: return packet.sequence(77, 78);  // of somebody who begins anew
            default: return packet;
        }
    }
    std::uint16_t window() { return static_cast<std::uint16_t>(below(3) == 0 ? below(300) : 0xffff); }
    std::uint32_t number() {
        constexpr std::array<std::uint32_t, 4> kRanges = {4, 400, 200'000, 0xffff'ffff};
        const auto off = static_cast<std::uint32_t>(below(kRanges[below(kRanges.size())]));
        return below(3) == 0 ? 1 - off : off;
    }
    test::Packet fragment() {
        const test::Packet whole = from_any(test::udp().payload(100), 40000, below(2) == 0 ? 53 : 22);
        const std::vector<test::Packet> parts = whole.fragments(56, id());
        return parts[below(parts.size())];
    }
    // Of the link, or forwarded, or in a fragment: the first of two or the only one.
    test::Packet neighbour() {
        const test::Packet message =
            test::icmp(135, 0).from("fe80::1").to("ff02::1").hop_limit(hops()).entering(port());
        return below(4) == 0 ? message.fragment(0, below(2) == 0, id()) : message;
    }
    test::Packet error() {
        const test::Packet about = below(4) == 0 ? from_any(test::icmp_echo().id(id())) : conversation();
        const auto back = static_cast<std::uint16_t>(1 - about.port());
        const test::Packet kind = below(3) == 0
                                      ? test::packet_too_big(about).mtu(static_cast<std::uint32_t>(below(2) * 1300))
                                      : test::unreachable(about);
        const test::Packet error = kind.entering(below(10) == 0 ? about.port() : back);
        return below(10) == 0 && about.tuple().family == net::Family::kIPv4 ? error.to("10.0.0.2") : error;
    }

    Random random_;
};

class Traffic : public TrafficFrom<std::mt19937_64> {
public:
    explicit Traffic(std::uint64_t seed) : TrafficFrom(std::mt19937_64(seed)) {}
};

}  // namespace drywall::engine
