// NaiveHeaders: the parser's slow twin. The headers of a frame laid out one behind the other, then every rule asked of
// them, each by itself: not the first fault that is met, but all that there are.
//
// Shares nothing with lib/net but the names of things.
// Source: RFC 791, 8200, 4302 (headers); 7112, 5722, 1858, 3128 (fragments); 5095 (routing header 0); 6946 (atomic
// fragments).
#pragma once

#include <optional>
#include <set>

#include "drywall/net/fragment.h"
#include "drywall/net/packet_meta.h"

namespace drywall::test {

struct NaiveHeaders {
    std::set<DropReason> faults;
    // Only of a frame without faults:
    net::PacketMeta meta;
    std::optional<net::FragmentRange> range;  // of a fragment
};

[[nodiscard]] NaiveHeaders read_headers(const net::FrameView& frame);

// Whether `found`, which parse() said of the frame, is what its headers say: one of the faults, or exactly this.
[[nodiscard]] bool agrees(const net::PacketMeta& found, const NaiveHeaders& headers);

}  // namespace drywall::test
