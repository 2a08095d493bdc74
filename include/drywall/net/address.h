// Address and Prefix: IPv4 and IPv6 as equals, in network byte order.
//
// Threads: values. Text parsing is for the control side; the packet side only copies bytes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drywall::net {

enum class Family : std::uint8_t { kIPv4 = 4, kIPv6 = 6 };

// 128 bits in network order. An IPv4 address stands in bytes 0-3 and the rest is zero.
using AddressBytes = std::array<std::uint8_t, 16>;

struct Address {
    Family family = Family::kIPv4;
    AddressBytes bytes{};

    auto operator<=>(const Address&) const = default;

    [[nodiscard]] constexpr unsigned bits() const noexcept { return family == Family::kIPv4 ? 32 : 128; }
    [[nodiscard]] std::string text() const;

    static Address v4(std::uint32_t host_order) noexcept;
    // "10.0.0.1", "2001:db8::1"; nothing else (no port, no zone, no prefix length).
    static std::optional<Address> parse(std::string_view text);
};

struct Prefix {
    Address address;  // bits past the length are zero
    std::uint8_t length = 0;

    auto operator<=>(const Prefix&) const = default;

    [[nodiscard]] bool contains(const Address& other) const noexcept;
    [[nodiscard]] bool contains(const Prefix& other) const noexcept;
    [[nodiscard]] std::string text() const;

    // The prefix of `length` bits around `address`. REQUIRES: length <= address.bits()
    static Prefix around(const Address& address, std::uint8_t length) noexcept;
    static Prefix host(const Address& address) noexcept;
    // "10.0.0.0/8": a length is needed, and no host bits may be set (Calico's rule nets).
    static std::optional<Prefix> parse_strict(std::string_view text);
    // As above, but a bare address is a host prefix and host bits are masked off (Calico's network sets).
    static std::optional<Prefix> parse_loose(std::string_view text);
};

}  // namespace drywall::net
