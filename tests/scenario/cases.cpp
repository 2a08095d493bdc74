#include "cases.h"

#include <array>
#include <utility>

namespace drywall::test {

namespace {

constexpr std::uint16_t kInside = 0;
constexpr std::uint16_t kOutside = 1;
constexpr std::array<const char*, 2> kPortNames{"inside", "outside"};

// The cast. Inside: the frontend and the backend. Outside: the database, and a stranger; and inside again,
// a visitor. Nobody declared those two.
struct Host {
    const char* v4;
    const char* v6;
    std::uint16_t port;
};
constexpr Host kFrontend{"10.0.0.1", "2001:db8::1", kInside};
constexpr Host kBackend{"10.0.0.2", "2001:db8::2", kInside};
constexpr Host kDatabase{"10.1.0.9", "2001:db8:1::9", kOutside};
constexpr Host kStranger{"10.1.0.66", "2001:db8:1::66", kOutside};
constexpr Host kVisitor{"10.0.0.66", "2001:db8::66", kInside};

Packet between(const Packet& packet, const Host& source, const Host& destination) {
    return packet.from(source.v4).to(destination.v4).entering(source.port);
}

Packet between6(const Packet& packet, const Host& source, const Host& destination) {
    return packet.from(source.v6).to(destination.v6).entering(source.port);
}

Packet answer(const Packet& packet) { return packet.reply().entering(packet.port() == kInside ? kOutside : kInside); }

// An ICMP error by a router behind the port that the quoted packet would have left by.
Packet router_says(const Packet& error, const Packet& about) {
    return error.entering(about.port() == kInside ? kOutside : kInside);
}

Packet connect(std::uint16_t port) { return tcp().syn().to("10.1.0.9", port); }
Packet accepted(const Packet& syn) { return answer(syn).ack(); }

Story enforced_deny() {
    const Packet request = between(connect(8080), kBackend, kDatabase);
    return Story()
        .passes(request)
        .passes(accepted(request))
        .passes(request.flags(net::tcp_flag::kAck).payload("GET / HTTP/1.1\r\n\r\n"))
        .dropped(between(connect(8080), kFrontend, kDatabase))
        .dropped(between(connect(22), kBackend, kDatabase))
        .dropped(between(udp(), kBackend, kDatabase))
        .dropped(between(connect(8080), kVisitor, kDatabase));
}

Story staged_deny_changes_nothing() {
    // The backend lives outside here, so that the frontend's requests cross the wire.
    const Host backend{"10.1.0.2", "2001:db8:1::2", kOutside};
    const Packet request = between(connect(8080), kFrontend, backend);
    return Story()
        .passes(request)
        .passes(accepted(request))
        .passes(request.flags(net::tcp_flag::kAck).payload(100))
        .passes(between(connect(9090), kFrontend, backend))
        .passes(answer(between(connect(5432), kFrontend, backend)).flags(net::tcp_flag::kSyn));
}

Story vlan_preserved() {
    const Packet request = between(connect(8080), kBackend, kDatabase);
    const Packet denied = between(connect(22), kBackend, kDatabase);
    return Story()
        .passes(request.vlan(7))
        .passes(accepted(request).vlan(7))
        .passes(request.from("10.0.0.2", 40001).qinq(100, 0xe007))  // a priority is preserved, too
        .passes(arp().vlan(7))
        .dropped(denied.vlan(7))
        .dropped(denied.qinq(100, 7))
        .dropped(request.qinq(100, 7).vlan(9));  // a third tag: not IP
}

Story non_ip() {
    const Packet spanning_tree = ether(38).payload(38);
    return Story()
        .passes(between(arp(), kBackend, kDatabase).padded())
        .passes(between(arp(), kDatabase, kBackend).padded())
        .dropped(ether(net::ether_type::kLldp).payload(60))
        .dropped(ether(net::ether_type::kLldp).payload(60).entering(kOutside))
        .dropped(spanning_tree);
}

Story replies_pass() {
    const Packet request = between(connect(8080), kBackend, kDatabase);
    const Packet query = between(udp().to("10.1.0.9", 53).payload(30), kBackend, kDatabase);
    return Story()
        .dropped(accepted(request))  // nobody asked yet
        .passes(request)
        .passes(accepted(request))
        .dropped(answer(query))
        .passes(query)
        .passes(answer(query))
        .dropped(answer(query).to("10.0.0.2", 40001))  // another port than the one that asked
        .after(std::chrono::seconds(121))              // longer than UDP's timeout
        .dropped(answer(query));
}

Story icmp_echo_and_error() {
    const Packet ping = between(icmp_echo().id(7).payload(56), kBackend, kDatabase);
    const Packet request = between(connect(8080), kBackend, kDatabase);
    const Packet unknown = between(connect(22), kBackend, kDatabase);
    return Story()
        .passes(ping)
        .passes(answer(ping))
        .dropped(answer(ping).id(8))
        .dropped(between(icmp_echo(), kFrontend, kDatabase))
        .passes(request)
        .passes(router_says(time_exceeded(request), request))
        .passes(router_says(unreachable(request).from("10.1.0.9"), request))
        .dropped(router_says(unreachable(unknown), unknown));
}

Story ipv6_twin() {
    const Packet request = between6(tcp().syn().to("2001:db8:1::9", 8080), kBackend, kDatabase);
    const Packet ping = between6(icmp_echo().payload(56), kBackend, kDatabase);
    const Packet solicitation = between6(icmp(135, 0).payload(16), kBackend, kDatabase).hop_limit(255);
    return Story()
        .passes(request)
        .passes(accepted(request))
        .dropped(between6(request, kFrontend, kDatabase))
        .dropped(between6(tcp().syn().to("2001:db8:1::9", 22), kBackend, kDatabase))
        .passes(between6(request.from("2001:db8::2", 40001), kBackend, kDatabase).extension(0).extension(60, 16))
        .passes(router_says(packet_too_big(request), request))
        .passes(ping)
        .passes(answer(ping))
        .passes(solicitation)
        .dropped(solicitation.hop_limit(64));  // forwarded by a router: no neighbour sent it
}

Story fragments() {
    const Packet allowed = between(udp().to("10.1.0.9", 53).payload(200), kBackend, kDatabase);
    const Packet denied = between(udp().to("10.1.0.9", 54).payload(200), kBackend, kDatabase);
    const Packet allowed6 = between6(udp().to("2001:db8:1::9", 53).payload(200), kBackend, kDatabase);
    const auto strays = allowed.fragments(64, 3);
    const auto late = allowed.from("10.0.0.2", 40001).fragments(64, 4);
    return Story()
        .passes(allowed.fragments(64, 1))
        .dropped(denied.fragments(64, 2))
        .dropped(strays[1])  // before its first fragment
        .passes(allowed6.fragments(64, 1))
        .passes(late[0])
        .after(std::chrono::seconds(11))  // longer than the fragment timeout
        .dropped(late[1]);
}

Story unmatched(bool open) {
    const Packet unknown = between(connect(443), kVisitor, kStranger);
    const Packet known = between(connect(8080), kBackend, kDatabase);
    Story story;
    if (open) {
        story.passes(unknown).passes(accepted(unknown)).passes(between6(tcp().syn(), kVisitor, kStranger));
    } else {
        story.dropped(unknown).dropped(accepted(unknown)).dropped(between6(tcp().syn(), kVisitor, kStranger));
    }
    return story.passes(known).dropped(between(connect(22), kBackend, kDatabase));
}

Story malformed() {
    const Packet request = between(connect(8080), kBackend, kDatabase);
    Bytes cut = request.bytes();
    cut.resize(40);
    Bytes wrong_version = request.bytes();
    wrong_version[14] = 0x65;
    Bytes short_offset = request.bytes();
    short_offset[14 + 20 + 12] = 0x10;
    return Story()
        .passes(request)
        .dropped(cut, kInside)
        .dropped(wrong_version, kInside)
        .dropped(short_offset, kInside)
        .dropped(Bytes{1, 2, 3}, kInside);
}

}  // namespace

void Story::arrive(Bytes frame, std::uint16_t port, bool passes) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    const io::CapturedFrame captured{now_, std::move(frame), length};
    const std::string other = kPortNames[port == kInside ? kOutside : kInside];
    captures_["in-" + std::string(kPortNames[port]) + ".pcap"].push_back(captured);
    if (passes) captures_["out-" + other + ".pcap"].push_back(captured);
    now_ += std::chrono::milliseconds(1);
}

Story& Story::passes(const Packet& packet) { return arrive(packet.bytes(), packet.port(), true), *this; }
Story& Story::dropped(const Packet& packet) { return arrive(packet.bytes(), packet.port(), false), *this; }
Story& Story::dropped(Bytes frame, std::uint16_t port) { return arrive(std::move(frame), port, false), *this; }

Story& Story::passes(const std::vector<Packet>& packets) {
    for (const Packet& packet : packets) passes(packet);
    return *this;
}

Story& Story::dropped(const std::vector<Packet>& packets) {
    for (const Packet& packet : packets) dropped(packet);
    return *this;
}

Story& Story::after(std::chrono::seconds pause) {
    now_ += pause;
    return *this;
}

std::map<std::string, Story> all_cases() {
    return {
        {"enforced-deny", enforced_deny()},
        {"fragments", fragments()},
        {"icmp-echo-and-error", icmp_echo_and_error()},
        {"ipv6-twin", ipv6_twin()},
        {"malformed", malformed()},
        {"non-ip", non_ip()},
        {"replies-pass", replies_pass()},
        {"staged-deny-changes-nothing", staged_deny_changes_nothing()},
        {"unmatched-closed", unmatched(false)},
        {"unmatched-open", unmatched(true)},
        {"vlan-preserved", vlan_preserved()},
    };
}

}  // namespace drywall::test
