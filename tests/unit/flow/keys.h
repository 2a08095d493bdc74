// What flow tests say packets with: the parsed form, without frames.
#pragma once

#include <cstdint>
#include <ostream>
#include <random>
#include <vector>

#include "drywall/flow/flow_table.h"
#include "drywall/flow/key.h"
#include "drywall/net/packet_meta.h"

namespace drywall::flow {

inline constexpr PortId kLan{0};  // the pair of these tests
inline constexpr PortId kWan{1};

inline std::ostream& operator<<(std::ostream& out, const FlowKey& key) {
    return out << "protocol " << int{key.protocol} << " near " << key.near_port << " far " << key.far_port << " pair "
               << key.pair;
}

inline net::PacketMeta packet(std::uint8_t protocol, std::uint32_t from, std::uint16_t from_port, std::uint32_t to,
                              std::uint16_t to_port, PortId ingress = kLan) {
    net::PacketMeta meta;
    meta.is_ip = true;
    meta.tuple = {.source = net::Address::v4(from).bytes,
                  .destination = net::Address::v4(to).bytes,
                  .source_port = from_port,
                  .destination_port = to_port,
                  .protocol = protocol,
                  .family = net::Family::kIPv4,
                  .ingress_port = static_cast<std::uint16_t>(index(ingress))};
    return meta;
}

inline net::PacketMeta icmp(std::uint8_t type, std::uint16_t id, std::uint32_t from, std::uint32_t to, PortId ingress) {
    net::PacketMeta meta = packet(net::protocol::kIcmp, from, 0, to, static_cast<std::uint16_t>(type << 8), ingress);
    meta.icmp_id = id;
    return meta;
}

// What `sender` says next on the connection, with these flags: the number that is due, all acknowledged.
inline net::TcpSegment next_segment(const Flow& flow, Side sender, std::uint8_t flags, std::uint32_t payload = 0) {
    namespace flag = net::tcp_flag;
    const TcpSide& own = flow.tcp.of(sender);
    const bool syn = (flags & flag::kSyn) != 0;
    net::TcpSegment segment{.payload = payload, .window = 0xffff, .flags = flags};
    segment.sequence = own.heard ? own.end - (syn ? 1U : 0U) : 5000;
    if (segment.has(flag::kAck)) segment.acknowledged = flow.tcp.of(opposite(sender)).end;
    return segment;
}

// REQUIRES: the packet is trackable
inline Keyed keyed_across(const net::PacketMeta& meta) {
    return keyed(meta, index(kLan) == meta.tuple.ingress_port ? kWan : kLan).value();
}

inline FlowKey tcp_key(std::uint32_t client) {
    return keyed_across(packet(net::protocol::kTcp, client, 40000, 0x0a010009, 8080)).key;
}

inline std::vector<FlowKey> random_keys(std::uint64_t seed, std::size_t count) {
    std::mt19937_64 random(seed);
    std::vector<FlowKey> keys(count);
    for (FlowKey& key : keys) {
        const auto sender = static_cast<std::uint32_t>(random());
        const auto receiver = static_cast<std::uint32_t>(random());
        const auto ports = static_cast<std::uint32_t>(random());
        const std::uint8_t protocol = (random() & 1) != 0 ? net::protocol::kTcp : net::protocol::kUdp;
        key = keyed_across(packet(protocol, sender, static_cast<std::uint16_t>(ports), receiver,
                                  static_cast<std::uint16_t>(ports >> 16)))
                  .key;
    }
    return keys;
}

}  // namespace drywall::flow
