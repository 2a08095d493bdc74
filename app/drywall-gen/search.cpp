// ndr: the throughput search, as often as it is repeated. latency: at shares of a rate, or of what a search found.
#include <algorithm>

#include "measure.h"
#include "search_settings.h"

namespace drywall::gen {

using cli::Exit;
using cli::Invocation;
using generate::Figure;
using generate::Json;
using generate::Measured;
using generate::SearchResult;
using generate::SearchSettings;

namespace {

using std::chrono::milliseconds;

Result<SearchResult> search(Session& session, const SearchSettings& settings, const std::string& of) {
    return generate::search_throughput(settings, [&](double rate, milliseconds duration) -> Result<Measured> {
        auto result = session.trial(session.at(rate, duration));
        if (!result) return result.error();
        const Measured measured = generate::measured_of(*result);
        session.tell(of + rate_text(rate) + " for " + std::to_string(duration.count()) + " ms: lost " +
                     std::to_string(measured.lost) + " and skipped " + std::to_string(measured.skipped) + " of " +
                     std::to_string(measured.due));
        return measured;
    });
}

double found(const SearchResult& result, std::size_t goal) { return result.bounds[goal].lower.value_or(0); }

}  // namespace

void declare_ndr(CLI::App& command, SearchOptions& options) {
    declare_measure(command, options.measure, "Of each trial that counts (1s)");
    declare_search(command, options, "pps");
    command.add_option("--loss", options.loss, "What the PDR may lose")->capture_default_str();
}

Exit ndr(const Invocation& invocation, const SearchOptions& options) {
    auto session = Session::begin("ndr", invocation, options.measure);
    if (!session) return cli::report(invocation, session.error());
    if (auto common = session->has_common_rate(); !common) return cli::report(invocation, common.error());
    const auto settings = settings_of(options, *session);
    if (!settings) return cli::report(invocation, settings.error());
    std::vector<Figure> figures;
    for (const auto& goal : settings->goals)
        figures.push_back({goal.name, "packets/s", generate::Better::kHigher, settings->width, {}});
    Json searches = Json::array();
    bool stopped = false;
    for (unsigned i = 0; i < options.measure.repeats && !stopped; ++i) {
        auto result =
            search(*session, *settings, std::to_string(i + 1) + "/" + std::to_string(options.measure.repeats) + "  ");
        if (!result) return cli::report(invocation, result.error());
        searches.push_back(generate::json_of(*result));
        stopped = result->stopped;
        // What was found of a search that was stopped is in the details, and no sample.
        for (std::size_t goal = 0; goal < figures.size() && !stopped; ++goal)
            figures[goal].samples.push_back(found(*result, goal));
    }
    std::erase_if(figures, [](const Figure& figure) { return figure.samples.empty(); });
    return session->finish(figures, details_of(*settings, stopped, std::move(searches)));
}

void declare_latency(CLI::App& command, LatencyOptions& options) {
    declare_measure(command, options.search.measure, "Of each trial (1s)");
    command.get_option("--rate")->description("100 %, in pps; unless given, the NDR, which is searched first");
    command.add_option("--at", options.shares, "Shares of that rate")->delimiter(',')->default_str("10%,50%,90%");
    declare_search(command, options.search, "pps");
}

Exit latency(const Invocation& invocation, const LatencyOptions& options) {
    std::vector<double> shares;
    for (const std::string& text : options.shares) {
        const auto share = parse_share(text);
        if (!share || *share == 0) {
            cli::report(invocation, wrong_option("--at", text, "write 10%,50%,90%"));
            return Exit::kInvalid;
        }
        shares.push_back(*share);
    }
    auto session = Session::begin("latency", invocation, options.search.measure);
    if (!session) return cli::report(invocation, session.error());
    if (auto common = session->has_common_rate(); !common) return cli::report(invocation, common.error());
    const auto settings = settings_of(options.search, *session);
    if (!settings) return cli::report(invocation, settings.error());
    Json details = {{"trial_seconds", std::chrono::duration<double>(settings->trial).count()}};
    double whole = session->profile().rate.per_second;
    if (session->profile().rate.unit != loader::TrafficRate::Unit::kPackets) {
        SearchSettings first = *settings;
        first.goals.resize(1);
        auto result = search(*session, first, "NDR  ");
        if (!result) return cli::report(invocation, result.error());
        whole = found(*result, 0);
        details["search"] = generate::json_of(*result);
        if (whole == 0)
            return cli::report(invocation,
                               Error::of(ErrorKind::kUnavailable, "packets are lost at any rate that was tried",
                                         "give a --rate, or a lower --least"));
    }
    details["rate"] = whole;
    std::vector<Figure> figures;
    Json trials = Json::array();
    for (std::size_t i = 0; i < shares.size() && !interrupted(); ++i) {
        std::vector<generate::LatencyHistogram> latencies;
        for (unsigned repeat = 0; repeat < options.search.measure.repeats && !interrupted(); ++repeat) {
            const double rate = shares[i] * whole;
            auto result = session->trial(session->at(rate, settings->trial));
            if (!result) return cli::report(invocation, result.error());
            const Measured measured = generate::measured_of(*result);
            session->tell(options.shares[i] + ", " + rate_text(rate) + ": lost " + std::to_string(measured.lost) +
                          " of " + std::to_string(measured.due));
            trials.push_back(
                {{"per_second", rate}, {"due", measured.due}, {"lost", measured.lost}, {"skipped", measured.skipped}});
            latencies.push_back(generate::latency_of(*result));
        }
        if (latencies.empty()) continue;
        for (Figure& figure : latency_figures(latencies, " at " + options.shares[i]))
            figures.push_back(std::move(figure));
    }
    details["trials"] = std::move(trials);
    details["stopped"] = interrupted();
    return session->finish(figures, std::move(details));
}

}  // namespace drywall::gen
