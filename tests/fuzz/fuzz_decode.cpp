// The parser on arbitrary frames: it never reads outside them, and says what its slow twin says.
#include <cstdlib>

#include "drywall/net/address_check.h"
#include "drywall/net/fragment.h"
#include "drywall/net/packet_meta.h"
#include "parsers.h"

namespace {

using drywall::DropReason;
using drywall::net::FrameView;
using drywall::net::PacketMeta;

void require(bool condition) {
    if (!condition) std::abort();
}

void check(const FrameView& frame, const PacketMeta& meta) {
    switch (meta.malformed) {
        case DropReason::kNone:
        case DropReason::kTruncated:
        case DropReason::kBadHeader:
        case DropReason::kIpOption:
        case DropReason::kExtensionChain:
        case DropReason::kFragmentTiny:
        case DropReason::kFragmentHeaders:
        case DropReason::kFragmentOversize: break;
        default: require(false);
    }
    require(meta.l3_offset <= frame.contiguous && meta.l4_offset <= frame.contiguous);
    require(meta.tuple.ingress_port == frame.ingress_port);
}

void decode(const FrameView& frame) {
    const PacketMeta meta = drywall::fuzz::parse_alike(frame);
    check(frame, meta);
    if (meta.is_ip && meta.malformed == DropReason::kNone) {
        (void)drywall::net::has_right_checksum(frame, meta);
        (void)drywall::net::check_addresses(meta, drywall::net::AddressCheck::kStrict);
        if (meta.fragment != drywall::net::FragmentKind::kWhole) {
            const drywall::net::FragmentRange range = drywall::net::fragment_range(frame, meta);
            require(range.begin < range.end && range.end <= 65535 && range.end - range.begin <= frame.length);
        }
    }
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
