#include <array>
#include <cstdio>
#include <ctime>

#include "json.h"

namespace drywall::control {

std::string write(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n'; }

std::string time_text(std::chrono::system_clock::time_point time) {
    using std::chrono::milliseconds;
    const auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
    const std::time_t seconds = static_cast<std::time_t>(since.count() / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 32> date{};
    std::array<char, 8> fraction{};
    (void)std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(since.count() % 1000));
    return std::string(date.data()) + fraction.data();
}

Json json_of(const std::vector<Complaint>& complaints) {
    Json all = Json::array();
    for (const Complaint& complaint : complaints) {
        all.push_back({{"file", complaint.place.file},
                       {"line", complaint.place.line},
                       {"column", complaint.place.column},
                       {"message", complaint.message},
                       {"hint", complaint.hint},
                       {"kind", complaint.about.kind},
                       {"namespace", complaint.about.ns},
                       {"name", complaint.about.name}});
    }
    return all;
}

Json json_of(const Error& error) {
    return {{"code", name(error.kind)}, {"message", error.text()}, {"complaints", json_of(error.complaints)}};
}

Json json_of(const Applied& applied) {
    Json changes = Json::array();
    for (const Change& change : applied.changes) {
        Json one = {{"kind", policy::name(change.id.kind)}};
        if (!change.id.ns.empty()) one["namespace"] = change.id.ns;
        one["name"] = change.id.name;
        one["id"] = change.id.text();
        one["outcome"] = name(change.outcome);
        changes.push_back(std::move(one));
    }
    return {{"changes", std::move(changes)},
            {"generation_before", index(applied.before)},
            {"generation", index(applied.after)},
            {"enforced_changed", applied.enforced_changed},
            {"waits", applied.waits ? json_of(*applied.waits, read_clocks()) : Json(nullptr)},
            {"warnings", json_of(applied.warnings)}};
}

}  // namespace drywall::control
