// SocketAddress: an address and an L4 port, as people write them: "127.0.0.1:9417", "[::1]:9417".
//
// Threads: a value; for the control side.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drywall/net/address.h"

namespace drywall::net {

struct SocketAddress {
    Address address;
    std::uint16_t port = 0;

    auto operator<=>(const SocketAddress&) const = default;
    [[nodiscard]] std::string text() const;
    // 127.0.0.0/8 and ::1: what no other machine can reach.
    [[nodiscard]] bool is_loopback() const noexcept;

    // An address, not a name, and a port from 1 to 65535.
    static std::optional<SocketAddress> parse(std::string_view text);
};

}  // namespace drywall::net
