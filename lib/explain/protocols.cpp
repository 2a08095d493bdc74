#include "drywall/explain/protocols.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace drywall::explain {

namespace {

constexpr auto kNames = std::to_array<std::pair<std::uint8_t, std::string_view>>({
    {1, "icmp"},
    {6, "tcp"},
    {17, "udp"},
    {58, "icmpv6"},
    {132, "sctp"},
    {136, "udplite"},
});

bool same_letters(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::string protocol_name(std::uint8_t number) {
    for (const auto& [known, name] : kNames)
        if (known == number) return std::string(name);
    return std::to_string(number);
}

std::optional<std::uint8_t> protocol_number(std::string_view text) {
    for (const auto& [known, name] : kNames)
        if (same_letters(text, name)) return known;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number == 0 || number > 255) return std::nullopt;
    return static_cast<std::uint8_t>(number);
}

}  // namespace drywall::explain
