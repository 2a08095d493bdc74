#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

#include "drywall/control/guard.h"
#include "json.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;

// Objects are put together as text: a Json that holds others asks for memory when it is destroyed, and ends the process
// where there is none. These texts are made in the middle of a change.
std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string member(std::string_view name, const std::string& value) { return '"' + std::string(name) + "\":" + value; }
std::string member(std::string_view name, std::int64_t value) { return member(name, std::to_string(value)); }

std::string moment_text(const Moment& moment) {
    const auto wall = std::chrono::duration_cast<Nanos>(moment.wall.time_since_epoch());
    return '{' + member("wall_ns", wall.count()) + ',' + member("boot_ns", moment.boot.count()) + ',' +
           member("boot_id", quoted(moment.boot_id)) + '}';
}

std::string deadline_text(const Deadline& deadline) {
    return '{' + member("set", moment_text(deadline.set)) + ',' + member("after_ns", deadline.after.count()) + '}';
}

std::string peer_text(const Peer& peer) {
    return '{' + member("pid", peer.pid) + ',' + member("uid", peer.uid) + ',' + member("gid", peer.gid) + '}';
}

std::chrono::system_clock::time_point wall_at(const Json& ns) {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(Nanos(ns.get<std::int64_t>())));
}

Deadline deadline_at(const Json& json) {
    const Json& set = json.at("set");
    return {{wall_at(set.at("wall_ns")), Nanos(set.at("boot_ns").get<std::int64_t>()),
             set.at("boot_id").get<std::string>()},
            Nanos(json.at("after_ns").get<std::int64_t>())};
}

Peer peer_at(const Json& json) {
    return {json.at("pid").get<std::int64_t>(), json.at("uid").get<std::uint32_t>(),
            json.at("gid").get<std::uint32_t>()};
}

// What `read` makes of the text; nothing when a field is missing or of another type.
template <typename T, typename Read>
std::optional<T> parsed(std::string_view text, Read read) {
    try {
        return read(Json::parse(text));
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

struct Unit {
    std::string_view name;
    Nanos one;
};
constexpr std::array<Unit, 4> kUnits{{{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}}};

std::string short_text(Nanos time) {
    for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit)
        if (time % unit->one == Nanos{0}) return std::to_string(time / unit->one) + std::string(unit->name);
    return std::to_string(time / 1ms) + "ms";
}

}  // namespace

std::string text_of(const PendingChange& change) {
    std::string wires;
    for (const TripWire& wire : change.trip_wires) wires += (wires.empty() ? "" : ",") + quoted(wire.text());
    return '{' + member("generation", std::to_string(index(change.generation))) + ',' +
           member("previous", std::to_string(index(change.previous))) + ',' +
           member("deadline", deadline_text(change.deadline)) + ',' + member("who", peer_text(change.who)) + ',' +
           member("revert_if", '[' + wires + ']') + '}';
}

std::optional<PendingChange> pending_change_of(std::string_view text) {
    return parsed<PendingChange>(text, [](const Json& json) {
        PendingChange change{.generation = Generation{json.at("generation").get<std::uint64_t>()},
                             .previous = Generation{json.at("previous").get<std::uint64_t>()},
                             .deadline = deadline_at(json.at("deadline")),
                             .who = peer_at(json.at("who"))};
        for (const Json& wire : json.at("revert_if"))
            if (const auto known = parse_trip_wires(wire.get<std::string>()))
                change.trip_wires.push_back(known->front());
        return change;
    });
}

std::string text_of(const SafetyOpening& opening) {
    const auto since = std::chrono::duration_cast<Nanos>(opening.since.time_since_epoch()).count();
    std::string text = '{' + member("reason", quoted(opening.reason)) + ',' + member("who", peer_text(opening.who)) +
                       ',' + member("since_ns", since);
    if (opening.until) text += ',' + member("until", deadline_text(*opening.until));
    return text + '}';
}

std::optional<SafetyOpening> safety_opening_of(std::string_view text) {
    return parsed<SafetyOpening>(text, [](const Json& json) {
        SafetyOpening opening{json.at("reason").get<std::string>(), peer_at(json.at("who")), {}, {}};
        opening.since = wall_at(json.at("since_ns"));
        if (json.contains("until")) opening.until = deadline_at(json.at("until"));
        return opening;
    });
}

Result<Nanos> parse_time(std::string_view what, std::string_view text, Nanos least, Nanos most) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const Unit& unit : kUnits) {
        if (error != std::errc() || unit.name != name || count < 0 || count > most / unit.one) continue;
        if (const Nanos time = count * unit.one; time >= least && time <= most) return time;
    }
    return Error::of(
        ErrorKind::kInvalid, std::string(what) + " is '" + std::string(text) + "'",
        "write a whole number with a unit, from " + short_text(least) + " to " + short_text(most) + ": 30s, 5m, 1h");
}

std::string time_left_text(Nanos left) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
    if (seconds < 60) return std::to_string(seconds) + " s";
    const std::string rest = seconds % 60 == 0 ? "" : ' ' + std::to_string(seconds % 60) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min" + rest;
    return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
}

}  // namespace drywall::control
