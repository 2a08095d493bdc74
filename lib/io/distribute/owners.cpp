#include "drywall/io/owners.h"

#include <bit>
#include <cassert>
#include <cstring>
#include <optional>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "drywall/net/ethernet.h"

namespace drywall::io {

namespace {

constexpr std::uint32_t kLeastIPv4Bytes = 20;
constexpr std::uint32_t kLeastIPv6Bytes = 40;

// Of an address, in the order of memory. In a word of its own: one that is put together from bytes makes the next load
// wait.
template <std::size_t bytes>
std::uint64_t word_at(const std::uint8_t* address) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, address, bytes);
    return word;
}

}  // namespace

Owners::Owners(std::uint16_t workers, std::uint64_t seed) noexcept : workers_(workers), seed_(seed) {
    assert(workers > 0);
}

std::uint16_t Owners::of(const net::AddressBytes& one, const net::AddressBytes& other) const noexcept {
    return owner(std::bit_cast<Words>(one), std::bit_cast<Words>(other));
}

// A sum does not know which of the two came first.
std::uint16_t Owners::owner(const Words& one, const Words& other) const noexcept {
    const auto hash = [this](const Words& address) {
        return XXH3_64bits_withSeed(address.data(), sizeof(Words), seed_);
    };
    return static_cast<std::uint16_t>(((hash(one) + hash(other)) >> 32) * workers_ >> 32);
}

// Addresses lie at fixed places. Only what may be an ICMP error, or hide one behind extension headers, is read closely.
std::uint16_t Owners::of(const net::FrameView& frame) const noexcept {
    const std::optional<net::NetworkLayer> layer = net::network_layer(frame.data, frame.contiguous);
    if (!layer) return kAnybody;
    const std::uint8_t* ip = frame.data + layer->offset;
    const std::uint32_t readable = frame.contiguous - layer->offset;
    if (layer->ether_type == net::ether_type::kIPv4 && readable >= kLeastIPv4Bytes) {
        if (ip[9] == net::protocol::kIcmp) return by_parsing(frame);
        return owner({word_at<4>(ip + 12), 0}, {word_at<4>(ip + 16), 0});
    }
    if (layer->ether_type == net::ether_type::kIPv6 && readable >= kLeastIPv6Bytes) {
        if (!net::has_ports(ip[6])) return by_parsing(frame);
        return owner({word_at<8>(ip + 8), word_at<8>(ip + 16)}, {word_at<8>(ip + 24), word_at<8>(ip + 32)});
    }
    return kAnybody;
}

// An ICMP error goes to the flow that it quotes; but one in fragments stays with them: only the first has the quote.
std::uint16_t Owners::by_parsing(const net::FrameView& frame) const noexcept {
    const net::PacketMeta meta = net::parse(frame);
    if (meta.malformed != DropReason::kNone) return kAnybody;
    if (meta.fragment == net::FragmentKind::kWhole)
        if (const auto quote = net::parse_icmp_quote(frame, meta))
            return of(quote->tuple.source, quote->tuple.destination);
    return of(meta.tuple.source, meta.tuple.destination);
}

}  // namespace drywall::io
