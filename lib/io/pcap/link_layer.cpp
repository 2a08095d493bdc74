#include "link_layer.h"

#include <algorithm>
#include <array>

#include <pcap/pcap.h>

namespace drywall::io {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint16_t kIPv4Type = 0x0800;
constexpr std::uint16_t kIPv6Type = 0x86dd;

std::uint16_t big_endian(Bytes bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint16_t by_version(Bytes bytes) noexcept {
    if (bytes.empty()) return 0;
    const unsigned version = bytes[0] >> 4U;
    return version == 4 ? kIPv4Type : version == 6 ? kIPv6Type : std::uint16_t{0};
}

// The address family of the system that captured: 2 is IPv4 everywhere; IPv6 is 10, 24, 28 or 30. The byte order is
// that of the capturing machine (NULL) or of the network (LOOP).
std::uint16_t by_family(Bytes bytes) noexcept {
    const unsigned family = std::max(bytes[0], bytes[3]);
    if (family == 2) return kIPv4Type;
    return family == 10 || family == 24 || family == 28 || family == 30 ? kIPv6Type : std::uint16_t{0};
}

constexpr auto kLinkLayers = std::to_array<LinkLayer>({
    {DLT_EN10MB, 0, nullptr},
    {DLT_RAW, 0, by_version},
    {DLT_IPV4, 0, [](Bytes) noexcept -> std::uint16_t { return kIPv4Type; }},
    {DLT_IPV6, 0, [](Bytes) noexcept -> std::uint16_t { return kIPv6Type; }},
    {DLT_LINUX_SLL, 16, [](Bytes bytes) noexcept { return big_endian(bytes, 14); }},
    {DLT_LINUX_SLL2, 20, [](Bytes bytes) noexcept { return big_endian(bytes, 0); }},
    {DLT_NULL, 4, by_family},
    {DLT_LOOP, 4, by_family},
});

}  // namespace

std::optional<LinkLayer> link_layer(int type) noexcept {
    const auto* known =
        std::find_if(kLinkLayers.begin(), kLinkLayers.end(), [type](const LinkLayer& one) { return one.type == type; });
    if (known == kLinkLayers.end()) return std::nullopt;
    return *known;
}

}  // namespace drywall::io
