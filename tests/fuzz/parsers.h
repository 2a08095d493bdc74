// The parser for one frame and the one for a burst, and what the latter promises of ordinary packets.
#pragma once

#include <array>
#include <span>

#include "drywall/net/address_check.h"
#include "drywall/net/packet_meta.h"
#include "drywall/net/tcp_segment.h"
#include "input.h"
#include "naive_headers.h"

namespace drywall::fuzz {

// What parse() says of the frame, which everybody else says too.
inline net::PacketMeta parse_alike(const net::FrameView& frame) {
    const net::PacketMeta meta = net::parse(frame);
    require(test::agrees(meta, test::read_headers(frame)), "the parser says what the headers say");
    std::array<net::PacketMeta, 1> metas;
    const bool ordinary = net::parse(std::span(&frame, 1), metas) != 0;
    require(metas[0] == meta, "in a burst, a frame is read as alone");
    if (!ordinary) return meta;
    require(meta.is_ip && meta.malformed == DropReason::kNone && meta.fragment == net::FragmentKind::kWhole,
            "an ordinary packet is whole");
    require(net::has_right_checksum(frame, meta), "an ordinary packet has the right checksum");
    require(net::check_addresses(meta, net::AddressCheck::kStrict) == DropReason::kNone,
            "an ordinary packet's addresses can be");
    const bool tcp = meta.tuple.protocol == net::protocol::kTcp;
    require(tcp ? net::is_possible(meta.tcp_flags) : meta.tuple.protocol == net::protocol::kUdp,
            "an ordinary packet is TCP with possible flags, or UDP");
    return meta;
}

}  // namespace drywall::fuzz
