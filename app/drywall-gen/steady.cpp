// rate: trials at the profile's rate. soak: one long one, told in intervals.
#include <algorithm>

#include "measure.h"

namespace drywall::gen {

using cli::Exit;
using cli::Invocation;
using generate::Better;
using generate::Figure;
using generate::Json;
using generate::Measured;

namespace {

constexpr auto kTrial = std::chrono::seconds(1);

double pps_of(const generate::TrialResult& result) {
    std::uint64_t sent = 0;
    for (const generate::StreamResult& stream : result.streams) sent += stream.sent.packets;
    return static_cast<double>(sent) / std::max(result.seconds, 1e-9);
}

std::uint64_t leaked(const generate::TrialResult& result) { return generate::outcome_of(result).leaked; }

Json json_of(const Measured& measured) {
    return {{"due", measured.due}, {"lost", measured.lost}, {"skipped", measured.skipped}};
}

// What was sent and received in one interval, of the streams that are not to be denied. What is under way at its end is
// received in the next one.
class Intervals {
public:
    Intervals(const Session& session, std::chrono::milliseconds length)
        : session_(session), length_(std::chrono::duration<double>(length).count()) {}

    void look(const generate::TrialView& view) {
        if (view.seconds < begin_ + length_) return;
        const auto now = sums(view);
        Json one = {{"from_seconds", begin_},
                    {"to_seconds", view.seconds},
                    {"sent", now.first - before_.first},
                    {"received", now.second - before_.second}};
        session_.tell(std::to_string(static_cast<long>(view.seconds)) + " s: sent " + one.at("sent").dump() +
                      ", received " + one.at("received").dump());
        all.push_back(std::move(one));
        begin_ = view.seconds;
        before_ = now;
    }

    Json all = Json::array();

private:
    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> sums(const generate::TrialView& view) const {
        std::pair<std::uint64_t, std::uint64_t> out{0, 0};
        for (std::size_t i = 0; i < view.streams.size(); ++i) {
            if (session_.profile().streams[i].expect == loader::Expect::kDeny) continue;
            out.first += view.streams[i].sent;
            out.second += view.streams[i].received;
        }
        return out;
    }

    const Session& session_;
    double length_;  // seconds
    double begin_ = 0;
    std::pair<std::uint64_t, std::uint64_t> before_{0, 0};
};

}  // namespace

void declare_rate(CLI::App& command, MeasureOptions& options) {
    declare_measure(command, options, "Of each trial (1s)");
}

Exit rate(const Invocation& invocation, const MeasureOptions& options) {
    auto session = Session::begin("rate", invocation, options);
    if (!session) return cli::report(invocation, session.error());
    generate::TrialRequest request = generate::request_of(session->profile());
    if (!request.duration) request.duration = kTrial;
    Figure sent{"sent", "packets/s", Better::kHigher, 0.001, {}};
    Figure loss{"loss ratio", "1", Better::kLower, 0, {}};
    std::vector<generate::LatencyHistogram> latencies;
    Json trials = Json::array();
    bool as_expected = true;
    for (unsigned i = 0; i < options.repeats && !interrupted(); ++i) {
        auto result = session->trial(request);
        if (!result) return cli::report(invocation, result.error());
        const Measured measured = generate::measured_of(*result);
        session->tell(std::to_string(i + 1) + "/" + std::to_string(options.repeats) + "  " +
                      rate_text(pps_of(*result)) + ": lost " + std::to_string(measured.lost) + " of " +
                      std::to_string(measured.due));
        sent.samples.push_back(pps_of(*result));
        loss.samples.push_back(measured.loss_ratio());
        latencies.push_back(generate::latency_of(*result));
        Json one = json_of(measured);
        one["leaked"] = leaked(*result);
        trials.push_back(std::move(one));
        as_expected = as_expected && measured.lost == 0 && leaked(*result) == 0;
    }
    std::vector<Figure> figures;
    if (!latencies.empty()) {
        figures = latency_figures(latencies, "");
        figures.insert(figures.begin(), {sent, loss});
    }
    const Exit exit =
        session->finish(figures, {{"rate", request.rate.text()},
                                  {"trial_seconds", std::chrono::duration<double>(*request.duration).count()},
                                  {"stopped", interrupted()},
                                  {"trials", std::move(trials)}});
    return exit == Exit::kOk && options.traffic.strict && !as_expected ? Exit::kNegative : exit;
}

void declare_soak(CLI::App& command, SoakOptions& options) {
    declare_measure(command, options.measure, "How long; without it: until Ctrl-C");
    command.get_option("--repeats")->description("Not of a soak, which is one trial");
    command.add_option("--interval", options.interval, "Tell what came so often")->capture_default_str();
}

Exit soak(const Invocation& invocation, const SoakOptions& options) {
    const auto interval = loader::parse_time(options.interval);
    if (!interval || interval->count() == 0) {
        cli::report(invocation, wrong_option("--interval", options.interval, "write 10s"));
        return Exit::kInvalid;
    }
    auto session = Session::begin("soak", invocation, options.measure);
    if (!session) return cli::report(invocation, session.error());
    const generate::TrialRequest request = generate::request_of(session->profile());
    Intervals intervals(*session, *interval);
    auto result = session->trial(request, [&intervals](const generate::TrialView& view) { intervals.look(view); });
    if (!result) return cli::report(invocation, result.error());
    const Measured measured = generate::measured_of(*result);
    std::vector<Figure> figures = latency_figures({generate::latency_of(*result)}, "");
    figures.insert(figures.begin(), {{"sent", "packets/s", Better::kHigher, 0.001, {pps_of(*result)}},
                                     {"loss ratio", "1", Better::kLower, 0, {measured.loss_ratio()}}});
    Json details = json_of(measured);
    details["leaked"] = leaked(*result);
    details["rate"] = request.rate.text();
    details["seconds"] = result->seconds;
    details["stopped"] = result->stopped;
    details["intervals"] = std::move(intervals.all);
    const Exit exit = session->finish(figures, std::move(details));
    const bool as_expected = measured.lost == 0 && leaked(*result) == 0;
    return exit == Exit::kOk && options.measure.traffic.strict && !as_expected ? Exit::kNegative : exit;
}

}  // namespace drywall::gen
