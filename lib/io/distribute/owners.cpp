#include "drywall/io/owners.h"

#include <cassert>
#include <cstring>

namespace drywall::io {

namespace {

constexpr std::uint32_t kHeaderBytes = 14;
constexpr std::uint32_t kTagBytes = 4;
constexpr int kMaxTags = 2;  // as net::parse: behind a third one nobody looks
constexpr std::uint32_t kLeastIPv4Bytes = 20;
constexpr std::uint32_t kLeastIPv6Bytes = 40;

// Odd, with as many ones as zeros (wyhash's first two).
constexpr std::uint64_t kSecret = 0xa0761d6478bd642fULL;
constexpr std::uint64_t kOtherSecret = 0xe7037ed1a0b428dbULL;

__extension__ using Wide = unsigned __int128;

std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <std::size_t bytes>
std::uint64_t number_at(const std::uint8_t* address) noexcept {
    std::uint64_t number = 0;
    std::memcpy(&number, address, bytes);
    return number;
}

std::uint16_t type_at(const std::uint8_t* bytes) noexcept {
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

}  // namespace

Owners::Owners(std::uint16_t workers, std::uint64_t seed) noexcept : workers_(workers), seed_(seed) {
    assert(workers > 0);
}

std::uint64_t Owners::mixed(std::uint64_t high, std::uint64_t low) const noexcept {
    return folded_product(high ^ seed_ ^ kSecret, low ^ kOtherSecret ^ (seed_ << 32 | seed_ >> 32));
}

// A sum does not know which of the two came first.
std::uint16_t Owners::owner(std::uint64_t one, std::uint64_t other) const noexcept {
    const std::uint64_t hash = folded_product((one + other) ^ seed_, kSecret);
    return static_cast<std::uint16_t>((hash >> 32) * workers_ >> 32);
}

std::uint16_t Owners::of(const net::AddressBytes& one, const net::AddressBytes& other) const noexcept {
    const auto hash = [this](const net::AddressBytes& address) {
        return mixed(number_at<8>(address.data()), number_at<8>(address.data() + 8));
    };
    return owner(hash(one), hash(other));
}

// Addresses lie at fixed places. Only what may be an ICMP error, or hide one behind extension headers, is read closely.
std::uint16_t Owners::of(const net::FrameView& frame) const noexcept {
    if (frame.contiguous < kHeaderBytes) return kAnybody;
    std::uint32_t at = kHeaderBytes;
    std::uint16_t type = type_at(frame.data + at - 2);
    for (int tags = 0; tags < kMaxTags && (type == net::ether_type::kVlan || type == net::ether_type::kQinQ); ++tags) {
        if (frame.contiguous - at < kTagBytes) return kAnybody;
        at += kTagBytes;
        type = type_at(frame.data + at - 2);
    }
    const std::uint8_t* ip = frame.data + at;
    const std::uint32_t readable = frame.contiguous - at;
    if (type == net::ether_type::kIPv4 && readable >= kLeastIPv4Bytes) {
        if (ip[9] == net::protocol::kIcmp) return by_parsing(frame);
        return owner(mixed(number_at<4>(ip + 12), 0), mixed(number_at<4>(ip + 16), 0));
    }
    if (type == net::ether_type::kIPv6 && readable >= kLeastIPv6Bytes) {
        if (!net::has_ports(ip[6])) return by_parsing(frame);
        return owner(mixed(number_at<8>(ip + 8), number_at<8>(ip + 16)),
                     mixed(number_at<8>(ip + 24), number_at<8>(ip + 32)));
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
