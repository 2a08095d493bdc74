// Moments as people write them: how long ago, or when.
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

#include "drywall/observe/flow_filter.h"

namespace drywall::observe {

namespace {

using namespace std::chrono_literals;

constexpr auto kLongestAgo = std::chrono::hours(24 * 3660);

// "90s", "1h30m"; nothing when it is no duration.
std::optional<std::chrono::milliseconds> duration(std::string_view text) {
    constexpr auto kUnits = std::to_array<std::pair<std::string_view, std::chrono::milliseconds>>(
        {{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}});
    std::chrono::milliseconds total{0};
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        std::uint32_t count = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (error != std::errc{}) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const std::string_view unit = text.substr(0, text.find_first_of("0123456789"));
        bool known = false;
        for (const auto& [name, length] : kUnits) {
            if (name != unit) continue;
            known = true;
            total += count * length;
        }
        if (!known || total > kLongestAgo) return std::nullopt;
        text.remove_prefix(unit.size());
    }
    return total;
}

// "2026-11-22T12:15:07Z", with or without a fraction.
std::optional<WallTime> date(const std::string& text) {
    std::tm utc{};
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    if (rest == nullptr) return std::nullopt;
    std::chrono::milliseconds fraction{0};
    if (*rest == '.') {
        int digits = 0;
        int value = 0;
        for (++rest; *rest >= '0' && *rest <= '9'; ++rest)
            if (digits < 3) value = value * 10 + (*rest - '0'), ++digits;
        if (digits == 0) return std::nullopt;
        for (; digits < 3; ++digits) value *= 10;
        fraction = std::chrono::milliseconds(value);
    }
    if (std::string_view(rest) != "Z") return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&utc)) + fraction;
}

}  // namespace

Result<WallTime> moment(const std::string& text, WallTime now) {
    if (const auto ago = duration(text)) return now - *ago;
    if (const auto when = date(text)) return *when;
    return Error::of(ErrorKind::kInvalid, "'" + text + "' is no moment",
                     "write how long ago (10m, 1h30m, 2d), or when in UTC (2026-11-22T12:15:07Z)");
}

}  // namespace drywall::observe
