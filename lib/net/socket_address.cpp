#include "drywall/net/socket_address.h"

#include <algorithm>
#include <charconv>

namespace drywall::net {

namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    if (text.empty() || text.front() == '0') return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

}  // namespace

std::string SocketAddress::text() const {
    const bool bracketed = address.family == Family::kIPv6;
    return (bracketed ? "[" : "") + address.text() + (bracketed ? "]:" : ":") + std::to_string(port);
}

bool SocketAddress::is_loopback() const noexcept {
    if (address.family == Family::kIPv4) return address.bytes[0] == 127;
    return address.bytes.back() == 1 &&
           std::all_of(address.bytes.begin(), address.bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const std::optional<Address> address = Address::parse(host);
    if (!port || !address || bracketed != (address->family == Family::kIPv6)) return std::nullopt;
    return SocketAddress{*address, *port};
}

}  // namespace drywall::net
