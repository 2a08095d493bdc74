// Every checksum of a frame, computed a second time.
#pragma once

#include <gtest/gtest.h>

#include "drywall/net/packet_meta.h"
#include "packets.h"
#include "wire_format.h"

namespace drywall::test {

// The sum over a layer 4 packet and its pseudo header is 0 when its checksum is right (RFC 1071). `meta` is
// parse(frame).
inline void expect_right_checksums(const Bytes& frame, const net::PacketMeta& meta) {
    EXPECT_TRUE(net::has_right_checksum(view(frame), meta));
    const bool v4 = meta.tuple.family == net::Family::kIPv4;
    const std::uint8_t* ip = &frame[meta.l3_offset];
    const std::size_t end = meta.l3_offset + (v4 ? ip[2] * 256U + ip[3] : 40U + ip[4] * 256U + ip[5]);
    ASSERT_LE(end, frame.size());
    Bytes covered;
    if (!v4 || meta.tuple.protocol != net::protocol::kIcmp) {
        const std::size_t bytes = v4 ? 4 : 16;
        wire::put(covered, std::span(meta.tuple.source).first(bytes));
        wire::put(covered, std::span(meta.tuple.destination).first(bytes));
        wire::put32(covered, static_cast<std::uint32_t>(end - meta.l4_offset));
        wire::put32(covered, meta.tuple.protocol);
    }
    covered.insert(covered.end(), frame.begin() + meta.l4_offset, frame.begin() + static_cast<std::ptrdiff_t>(end));
    EXPECT_EQ(wire::internet_checksum(covered), 0) << "protocol " << int{meta.tuple.protocol};
}

}  // namespace drywall::test
