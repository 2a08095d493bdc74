#include "drywall/generate/measurement.h"

#include <algorithm>

#include "drywall/generate/self_test.h"

namespace drywall::generate {

namespace {

bool counts(const StreamResult& stream) noexcept { return stream.tracked && stream.expect != loader::Expect::kDeny; }

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

// A field of CSV (RFC 4180).
std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + '"';
}

// A cell of a Markdown table.
std::string cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

}  // namespace

Json measurement_of(const MeasurementHead& head, const std::vector<Figure>& figures, Json details) {
    Json listed = Json::array();
    for (const Figure& figure : figures) {
        Json one = json_of(figure);
        one["generator_limited"] = figure.unit == head.unit && figure.better == Better::kHigher &&
                                   one.at("median").get<double>() * kHeadroom > head.ceiling_of_all();
        listed.push_back(std::move(one));
    }
    Json json = {
        {"report", "drywall-gen-measurement/1"},
        {"command", head.command},
        {"started", head.started},
        {"fingerprint", json_of(head.fingerprint)},
        {"self_test",
         {{"per_second", head.ceiling}, {"unit", head.unit}, {"senders", head.senders}, {"headroom", kHeadroom}}},
        {"figures", std::move(listed)},
        {"details", std::move(details)}};
    if (head.ruleset) json["fingerprint"]["ruleset"] = *head.ruleset;
    return json;
}

Measured measured_of(const TrialResult& result) noexcept {
    Measured out;
    out.stopped = result.stopped;
    out.due = result.skipped;
    out.skipped = result.skipped;
    for (const StreamResult& stream : result.streams) {
        if (!counts(stream)) continue;
        out.due += stream.sent.packets;
        out.lost += stream.missing();
    }
    return out;
}

Measured measured_connections_of(const TrialResult& result) noexcept {
    Measured out;
    out.stopped = result.stopped;
    for (const ConnectionsResult& one : result.connections) {
        if (one.expect == loader::Expect::kDeny) continue;
        out.due += one.opened + one.skipped;
        out.skipped += one.skipped;
        out.lost += (one.opened - std::min(one.opened, one.established)) + one.reset + one.failed;
    }
    return out;
}

bool can_be_measured(const TrialResult& result) noexcept {
    return std::any_of(result.streams.begin(), result.streams.end(), counts);
}

LatencyHistogram latency_of(const TrialResult& result) {
    LatencyHistogram all;
    for (const StreamResult& stream : result.streams)
        if (counts(stream)) all.add(stream.latency);
    return all;
}

Json json_of(const SearchResult& search) {
    Json bounds = Json::array();
    for (const Bounds& one : search.bounds)
        bounds.push_back({{"goal", one.goal},
                          {"loss_ratio", one.loss_ratio},
                          {"lower", optional_number(one.lower)},
                          {"upper", optional_number(one.upper)}});
    Json trials = Json::array();
    for (const SearchTrial& one : search.trials)
        trials.push_back({{"per_second", one.rate},
                          {"seconds", one.seconds},
                          {"due", one.measured.due},
                          {"lost", one.measured.lost},
                          {"skipped", one.measured.skipped}});
    return {{"stopped", search.stopped}, {"bounds", std::move(bounds)}, {"trials", std::move(trials)}};
}

std::string markdown_of(const Json& report) {
    std::string out = "## drywall-gen " + report.at("command").get<std::string>() + ", " +
                      report.at("started").get<std::string>() + "\n\n";
    out += "| figure | unit | median | quartiles | range | samples | confidence |\n|---|---|---|---|---|---|---|\n";
    for (const Json& figure : report.at("figures")) {
        const auto of = [&figure](const char* key) { return number_text(figure.at(key).get<double>()); };
        out += "| " + cell(figure.at("name")) + " | " + cell(figure.at("unit")) + " | " + of("median") +
               (figure.at("generator_limited").get<bool>() ? " (generator-limited)" : "") + " | " +
               of("lower_quartile") + " - " + of("upper_quartile") + " | " + of("least") + " - " + of("greatest") +
               " | " + std::to_string(figure.at("samples").size()) + " | " + of("confidence") + " |\n";
    }
    out += "\nConfidence: that the true median lies in the range.\n\n| measured with | |\n|---|---|\n";
    const Json flat = report.at("fingerprint").flatten();
    for (const auto& [key, value] : flat.items())
        out += "| " + cell(key.substr(1)) + " | " + cell(text_of(value)) + " |\n";
    out += "| self-test, " + report.at("self_test").at("unit").get<std::string>() + " of a worker | " +
           number_text(report.at("self_test").at("per_second").get<double>()) + " |\n";
    return out;
}

std::string csv_of(const Json& report) {
    std::string out =
        "command,started,profile_hash,figure,unit,better,median,lower_quartile,upper_quartile,least,greatest,"
        "confidence,samples,generator_limited\r\n";
    for (const Json& figure : report.at("figures")) {
        for (const char* key : {"command", "started"}) out += quoted(report.at(key)) + ',';
        out += quoted(report.at("fingerprint").at("profile_hash")) + ',';
        for (const char* key : {"name", "unit", "better"}) out += quoted(figure.at(key)) + ',';
        for (const char* key : {"median", "lower_quartile", "upper_quartile", "least", "greatest", "confidence"})
            out += number_text(figure.at(key).get<double>()) + ',';
        out += std::to_string(figure.at("samples").size()) + ',' +
               (figure.at("generator_limited").get<bool>() ? "true" : "false") + "\r\n";
    }
    return out;
}

}  // namespace drywall::generate
