#include "search_settings.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace drywall::gen {

using generate::SearchSettings;

namespace {

constexpr double kLeastPackets = 1000;  // per second, likewise below
constexpr double kLeastConnections = 10;

Result<double> parse_search_rate(const char* option, const std::string& text, bool of_connections) {
    if (of_connections) {
        const auto rate = loader::parse_connection_rate(text);
        if (rate && *rate && **rate > 0) return **rate;
        return wrong_option(option, text, "write 100cps or 2.5kcps");
    }
    const auto rate = loader::parse_rate(text);
    if (rate && rate->unit == loader::TrafficRate::Unit::kPackets && rate->per_second > 0) return rate->per_second;
    return wrong_option(option, text, "write 1kpps or 2.5Mpps");
}

}  // namespace

void declare_search(CLI::App& command, SearchOptions& o, const std::string& unit) {
    command.add_option("--least", o.least,
                       "No trial is slower; unless given, " + std::string(unit == "cps" ? "10cps" : "1kpps"));
    command.add_option("--most", o.most,
                       "No trial is faster, in " + unit + "; unless given, what the self-test reached");
    command.add_option("--width", o.width, "End when the bounds are so near")->capture_default_str();
    command.add_option("--short-trial", o.short_trial, "Of the trials that come near")->capture_default_str();
    command.add_option("--trials", o.trials, "Trials at each rate; the majority decides")
        ->check(CLI::Range(1, 99))
        ->capture_default_str();
}

Result<SearchSettings> settings_of(const SearchOptions& options, const Session& session) {
    SearchSettings settings;
    const bool of_connections = session.head().unit == "connections/s";
    settings.least = of_connections ? kLeastConnections : kLeastPackets;
    if (!options.least.empty()) {
        auto least = parse_search_rate("--least", options.least, of_connections);
        if (!least) return least.error();
        settings.least = *least;
    }
    settings.most = std::max(settings.least, session.head().ceiling_of_all());
    if (!options.most.empty()) {
        auto most = parse_search_rate("--most", options.most, of_connections);
        if (!most) return most.error();
        settings.most = *most;
    }
    if (settings.most < settings.least) return wrong_option("--most", options.most, "it is below --least");
    const auto width = parse_share(options.width);
    if (!width || *width <= 0 || *width >= 1) return wrong_option("--width", options.width, "write 0.5%");
    settings.width = *width;
    const auto loss = parse_share(options.loss);
    if (!loss || *loss >= 1) return wrong_option("--loss", options.loss, "write 0.5%");
    settings.goals[1].loss_ratio = *loss;
    const auto near = loader::parse_time(options.short_trial);
    if (!near || near->count() == 0) return wrong_option("--short-trial", options.short_trial, "write 200ms");
    settings.short_trial = *near;
    if (session.profile().duration) settings.trial = *session.profile().duration;
    settings.trials = options.trials;
    return settings;
}

generate::Json details_of(const SearchSettings& settings, bool stopped, generate::Json searches) {
    return {{"least", settings.least},
            {"most", settings.most},
            {"width", settings.width},
            {"trial_seconds", std::chrono::duration<double>(settings.trial).count()},
            {"trials_per_rate", settings.trials},
            {"stopped", stopped},
            {"searches", std::move(searches)}};
}

}  // namespace drywall::gen
