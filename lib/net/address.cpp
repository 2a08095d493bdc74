#include "drywall/net/address.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include <arpa/inet.h>

namespace drywall::net {

namespace {

int af(Family family) noexcept { return family == Family::kIPv4 ? AF_INET : AF_INET6; }

struct SplitPrefix {
    Address address;
    std::optional<std::uint8_t> length;  // absent: the text was a bare address
};

std::optional<std::uint8_t> parse_length(std::string_view text, unsigned limit) {
    if (text.size() > 1 && text.front() == '0') return std::nullopt;  // "/08": octal to some readers, decimal to others
    unsigned length = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (failure != std::errc{} || end != text.data() + text.size() || length > limit) return std::nullopt;
    return static_cast<std::uint8_t>(length);
}

std::optional<SplitPrefix> split(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return SplitPrefix{*address, std::nullopt};
    const auto length = parse_length(text.substr(slash + 1), address->bits());
    if (!length) return std::nullopt;
    return SplitPrefix{*address, length};
}

// The bits of byte `i` that belong to a prefix of `length` bits.
std::uint8_t mask_of_byte(std::size_t i, unsigned length) noexcept {
    const unsigned first = static_cast<unsigned>(i) * 8;
    if (length >= first + 8) return 0xff;
    if (length <= first) return 0;
    return static_cast<std::uint8_t>(0xff << (8 - (length - first)));
}

}  // namespace

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    return inet_ntop(af(family), bytes.data(), buffer.data(), buffer.size());
}

Address Address::v4(std::uint32_t host_order) noexcept {
    Address out;
    for (std::size_t i = 0; i < 4; ++i) out.bytes[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return out;
}

std::optional<Address> Address::parse(std::string_view text) {
    // inet_pton wants a terminated string; a NUL inside would hide what follows it.
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::copy(text.begin(), text.end(), buffer.begin());

    Address out;
    out.family = text.find(':') == std::string_view::npos ? Family::kIPv4 : Family::kIPv6;
    if (inet_pton(af(out.family), buffer.data(), out.bytes.data()) != 1) return std::nullopt;
    return out;
}

bool Prefix::contains(const Address& other) const noexcept {
    return other.family == address.family && around(other, length).address == address;
}

bool Prefix::contains(const Prefix& other) const noexcept { return other.length >= length && contains(other.address); }

std::string Prefix::text() const { return address.text() + '/' + std::to_string(length); }

Prefix Prefix::around(const Address& address, std::uint8_t length) noexcept {
    assert(length <= address.bits());
    Prefix out{address, length};
    for (std::size_t i = 0; i < out.address.bytes.size(); ++i) out.address.bytes[i] &= mask_of_byte(i, length);
    return out;
}

Prefix Prefix::host(const Address& address) noexcept {
    return Prefix{address, static_cast<std::uint8_t>(address.bits())};
}

std::optional<Prefix> Prefix::parse_strict(std::string_view text) {
    const auto parts = split(text);
    if (!parts || !parts->length) return std::nullopt;
    const Prefix prefix = around(parts->address, *parts->length);
    if (prefix.address != parts->address) return std::nullopt;
    return prefix;
}

std::optional<Prefix> Prefix::parse_loose(std::string_view text) {
    const auto parts = split(text);
    if (!parts) return std::nullopt;
    return parts->length ? around(parts->address, *parts->length) : host(parts->address);
}

}  // namespace drywall::net
