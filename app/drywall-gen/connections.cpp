// cps: the greatest rate of new connections of which none fails.
#include <algorithm>

#include "measure.h"
#include "search_settings.h"

namespace drywall::gen {

using cli::Exit;
using cli::Invocation;
using generate::Better;
using generate::Figure;
using generate::Json;
using generate::Measured;
using generate::SearchResult;

namespace {

using std::chrono::milliseconds;

generate::TrialRequest connections_at(const Session& session, double per_second, milliseconds duration) {
    generate::TrialRequest request = generate::request_of(session.profile());
    request.connections_per_second = per_second;
    request.duration = duration;
    return request;
}

Result<SearchResult> search_connections(Session& session, const generate::SearchSettings& settings) {
    return generate::search_throughput(settings, [&](double rate, milliseconds duration) -> Result<Measured> {
        auto result = session.trial(connections_at(session, rate, duration));
        if (!result) return result.error();
        const Measured measured = generate::measured_connections_of(*result);
        session.tell(connection_rate_text(rate) + " for " + std::to_string(duration.count()) +
                     " ms: " + std::to_string(measured.lost) + " failed and " + std::to_string(measured.skipped) +
                     " were not opened, of " + std::to_string(measured.due));
        return measured;
    });
}

// What connections at the rate that was found were like: one sample of each trial.
struct Confirmed {
    std::vector<generate::LatencyHistogram> connect;
    std::vector<generate::LatencyHistogram> exchange;
    std::vector<double> open_at_most;

    void add(const generate::TrialResult& result) {
        generate::LatencyHistogram connecting;
        generate::LatencyHistogram exchanging;
        double open = 0;
        for (const generate::ConnectionsResult& one : result.connections) {
            if (one.expect == loader::Expect::kDeny) continue;
            connecting.add(one.connect_latency);
            exchanging.add(one.exchange_latency);
            open += static_cast<double>(one.open_at_most);
        }
        connect.push_back(std::move(connecting));
        exchange.push_back(std::move(exchanging));
        open_at_most.push_back(open);
    }
};

void add_latencies(const std::vector<generate::LatencyHistogram>& trials, const char* of, std::vector<Figure>& out) {
    for (Figure& figure : latency_figures(trials, of)) out.push_back(std::move(figure));
}

}  // namespace

void declare_cps(CLI::App& command, SearchOptions& options) {
    declare_measure(command, options.measure, "Of each trial that counts (1s)");
    declare_search(command, options, "cps");
}

Exit cps(const Invocation& invocation, const SearchOptions& options) {
    auto session = Session::begin("cps", invocation, options.measure);
    if (!session) return cli::report(invocation, session.error());
    const loader::TrafficProfile& profile = session->profile();
    if (profile.connections.empty() || !profile.streams.empty())
        return cli::report(invocation,
                           Error::of(ErrorKind::kInvalid, "cps makes connections, and the profile has none",
                                     "write `connections` into it; `drywall-gen ndr` searches with streams"));
    for (const loader::ConnectionsProfile& connections : profile.connections)
        if (connections.count)
            return cli::report(invocation, Error::invalid(connections.ends.place,
                                                          "connections '" + connections.ends.name +
                                                              "' end after a count, and cps makes them for a time",
                                                          "leave the count out, or use `drywall-gen run`"));
    auto settings = settings_of(options, *session);
    if (!settings) return cli::report(invocation, settings.error());
    settings->goals = {{"connections", 0.0}};
    Figure found{"connections without failure", "connections/s", Better::kHigher, settings->width, {}};
    Confirmed confirmed;
    Json searches = Json::array();
    bool stopped = false;
    for (unsigned i = 0; i < options.measure.repeats && !stopped; ++i) {
        auto result = search_connections(*session, *settings);
        if (!result) return cli::report(invocation, result.error());
        searches.push_back(generate::json_of(*result));
        stopped = result->stopped;
        if (stopped) break;
        const double rate = result->bounds[0].lower.value_or(0);
        found.samples.push_back(rate);
        if (rate == 0) continue;
        auto trial = session->trial(connections_at(*session, rate, settings->trial));
        if (!trial) return cli::report(invocation, trial.error());
        confirmed.add(*trial);
        stopped = trial->stopped;
    }
    std::vector<Figure> figures;
    if (!found.samples.empty()) figures.push_back(std::move(found));
    if (!confirmed.connect.empty()) {
        figures.push_back({"connections open at most", "connections", Better::kLower, 0, confirmed.open_at_most});
        add_latencies(confirmed.connect, " of connecting", figures);
        add_latencies(confirmed.exchange, " of an exchange", figures);
    }
    return session->finish(figures, details_of(*settings, stopped, std::move(searches)));
}

}  // namespace drywall::gen
