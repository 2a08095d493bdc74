#include "drywall/control/trip_wire.h"

#include <array>
#include <charconv>
#include <utility>

namespace drywall::control {

namespace {

struct SignName {
    WatchedSign sign;
    std::string_view name;
    bool counted;  // needs ">N"
};

constexpr std::array<SignName, 3> kSigns{{{WatchedSign::kNewlyDenied, "newly-denied", true},
                                          {WatchedSign::kDrops, "drops", true},
                                          {WatchedSign::kWorkerStalled, "worker-stalled", false}}};

const SignName& row_of(WatchedSign sign) noexcept {
    for (const SignName& row : kSigns)
        if (row.sign == sign) return row;
    return kSigns.front();
}

std::optional<TripWire> parse_one(std::string_view text) {
    const std::size_t sign_end = text.find('>');
    for (const SignName& row : kSigns) {
        if (text.substr(0, sign_end) != row.name) continue;
        if ((sign_end != std::string_view::npos) != row.counted) return std::nullopt;
        TripWire wire{row.sign, 0};
        if (!row.counted) return wire;
        const std::string_view digits = text.substr(sign_end + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), wire.more_than);
        if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
        return wire;
    }
    return std::nullopt;
}

std::uint64_t seen(WatchedSign sign, const Signs& signs) noexcept {
    switch (sign) {
        case WatchedSign::kNewlyDenied: return signs.newly_denied;
        case WatchedSign::kDrops: return signs.drops;
        case WatchedSign::kWorkerStalled: return signs.workers_stalled;
    }
    return 0;
}

std::string in_words(WatchedSign sign, const Signs& signs) {
    const std::string count = std::to_string(seen(sign, signs));
    switch (sign) {
        case WatchedSign::kDrops: return count + " packets dropped since the change";
        case WatchedSign::kWorkerStalled: return count + " worker(s) without a heartbeat";
        case WatchedSign::kNewlyDenied: break;
    }
    std::string text = count + " connection(s) newly denied";
    for (const std::string& example : signs.examples) text += ", " + example;
    return text;
}

}  // namespace

std::string_view name(WatchedSign sign) noexcept { return row_of(sign).name; }

std::string TripWire::text() const {
    const SignName& row = row_of(sign);
    return std::string(row.name) + (row.counted ? '>' + std::to_string(more_than) : std::string());
}

Result<std::vector<TripWire>> parse_trip_wires(std::string_view text) {
    std::vector<TripWire> wires;
    for (bool more = true; more;) {
        const std::size_t comma = text.find(',');
        const std::string_view one = text.substr(0, comma);
        const std::optional<TripWire> wire = parse_one(one);
        if (!wire)
            return Error::of(ErrorKind::kInvalid,
                             "'" + std::string(one) + "' is nothing that a change can be taken back by",
                             "write newly-denied>N, drops>N or worker-stalled, with commas between");
        wires.push_back(*wire);
        more = comma != std::string_view::npos;
        if (more) text.remove_prefix(comma + 1);
    }
    return wires;
}

std::optional<std::string> torn(const std::vector<TripWire>& wires, const Signs& signs) {
    for (const TripWire& wire : wires)
        if (seen(wire.sign, signs) > wire.more_than) return wire.text() + ": " + in_words(wire.sign, signs);
    return std::nullopt;
}

}  // namespace drywall::control
