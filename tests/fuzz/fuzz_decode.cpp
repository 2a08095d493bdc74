// The parser on arbitrary frames: it never reads outside them, and never says more than they hold.
#include <cstdlib>

#include "drywall/net/packet_meta.h"

namespace {

using drywall::DropReason;
using drywall::net::FrameView;
using drywall::net::PacketMeta;

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const FrameView& frame, const PacketMeta& meta) {
    require(meta.malformed == DropReason::kNone || meta.malformed == DropReason::kTruncated ||
            meta.malformed == DropReason::kBadHeader);
    require(meta.l3_offset <= frame.contiguous && meta.l4_offset <= frame.contiguous);
    require(meta.tuple.ingress_port == frame.ingress_port);
}

void decode(const FrameView& frame) {
    const PacketMeta meta = drywall::net::parse(frame);
    check(frame, meta);
    if (const auto quote = drywall::net::parse_icmp_quote(frame, meta)) {
        check(frame, *quote);
        require(quote->malformed == DropReason::kNone && quote->l3_offset > meta.l4_offset);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto length = static_cast<std::uint32_t>(size);
    decode({data, length, length, 1});
    // A packet of several segments: less can be read than there is. The bytes decide how much, so that runs repeat.
    const std::uint32_t contiguous = size == 0 ? 0 : data[size - 1] % (length + 1);
    decode({data, contiguous, length, 2});
    return 0;
}
