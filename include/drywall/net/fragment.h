// FragmentRange: which bytes of its datagram a fragment carries.
//
// Threads: values and pure functions.
// Source:  RFC 791 (3.1), RFC 8200 (4.5).
#pragma once

#include <cstdint>

#include "drywall/net/packet_meta.h"

namespace drywall::net {

// Bytes [begin, end) of what was cut into pieces: on IPv4 what follows the header, on IPv6 what follows the fragment
// header.
struct FragmentRange {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool last = false;  // no more fragments behind it: `end` is the datagram's

    bool operator==(const FragmentRange&) const = default;
};

// REQUIRES: meta is parse(frame), well-formed, and a fragment
[[nodiscard]] FragmentRange fragment_range(const FrameView& frame, const PacketMeta& meta) noexcept;

// Whether an IPv6 packet has a fragment header, also when it is all of its datagram (an atomic fragment, which
// FragmentKind calls whole). REQUIRES: meta is parse(frame), well-formed, IPv6 and no later fragment
[[nodiscard]] bool has_fragment_header(const FrameView& frame, const PacketMeta& meta) noexcept;

}  // namespace drywall::net
