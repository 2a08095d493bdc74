// swap: the same traffic without and with rulesets that are swapped under it, in turns.
#include <algorithm>
#include <cmath>

#include "appliance_counts.h"
#include "measure.h"
#include "swapper.h"

namespace drywall::gen {

using cli::Exit;
using cli::Invocation;
using generate::Better;
using generate::Figure;
using generate::Json;
using generate::TrialResult;

namespace {

constexpr auto kSwapTrial = std::chrono::seconds(10);

// Of one kind of trials, one sample of each.
struct Seen {
    std::vector<double> lost;
    std::vector<double> duplicates;
    std::vector<double> leaked;
    std::vector<double> unaccounted;
    std::vector<double> longest_gap;  // ns
    std::vector<generate::LatencyHistogram> latencies;
    Json trials = Json::array();
};

double longest_gap(const TrialResult& result) {
    std::uint64_t longest = 0;
    for (const generate::StreamResult& stream : result.streams)
        longest = std::max(longest, stream.longest_gap.value_or(0));
    return static_cast<double>(longest);
}

// Every packet that the appliance received left it, or is in one of its counts: else it was judged by no generation, or
// counted under two.
double unaccounted(const generate::ApplianceReport& appliance) {
    double rest = static_cast<double>(appliance.counts.received.packets) -
                  static_cast<double>(appliance.counts.transmitted.packets);
    for (const auto& [reason, packets] : appliance.counts.drops) rest -= static_cast<double>(packets);
    return std::abs(rest);
}

void note(const TrialResult& result, const generate::ApplianceReport& appliance, Seen& seen) {
    const generate::Measured measured = generate::measured_of(result);
    double duplicates = 0;
    for (const generate::StreamResult& stream : result.streams) duplicates += static_cast<double>(stream.duplicates);
    const auto leaked = static_cast<double>(generate::outcome_of(result).leaked);
    seen.lost.push_back(static_cast<double>(measured.lost));
    seen.duplicates.push_back(duplicates);
    seen.leaked.push_back(leaked);
    seen.unaccounted.push_back(unaccounted(appliance));
    seen.longest_gap.push_back(longest_gap(result));
    seen.latencies.push_back(generate::latency_of(result));
    Json drops = Json::object();
    for (const auto& [reason, packets] : appliance.counts.drops) drops[reason] = packets;
    seen.trials.push_back({{"due", measured.due},
                           {"lost", measured.lost},
                           {"skipped", measured.skipped},
                           {"duplicates", duplicates},
                           {"leaked", leaked},
                           {"longest_gap_ns", seen.longest_gap.back()},
                           {"appliance_received", appliance.counts.received.packets},
                           {"appliance_transmitted", appliance.counts.transmitted.packets},
                           {"appliance_drops", std::move(drops)}});
}

void add_figures(const Seen& seen, const std::string& suffix, std::vector<Figure>& out) {
    if (seen.lost.empty()) return;
    out.push_back({"lost" + suffix, "packets", Better::kLower, 0, seen.lost});
    out.push_back({"duplicated" + suffix, "packets", Better::kLower, 0, seen.duplicates});
    out.push_back({"leaked" + suffix, "packets", Better::kLower, 0, seen.leaked});
    out.push_back({"judged by neither or both" + suffix, "packets", Better::kLower, 0, seen.unaccounted});
    out.push_back({"longest gap of a flow" + suffix, "ns", Better::kLower, 0, seen.longest_gap});
    for (Figure& figure : latency_figures(seen.latencies, suffix)) out.push_back(std::move(figure));
}

Error wants(const char* what, const char* hint) {
    return Error::of(ErrorKind::kInvalid, std::string("swap wants ") + what, hint);
}

Status check(const SwapOptions& options) {
    if (options.measure.traffic.appliance.empty()) return wants("an appliance", "give --appliance SOCKET");
    if (options.between.size() != 2) return wants("two sets of files", "give --between A.yaml B.yaml");
    if (!(options.per_second > 0 && options.per_second <= 1000))
        return wants("a number of swaps a second", "give --swaps-per-second 10 (up to 1000)");
    return Done{};
}

Result<TrialResult> measured_trial(Session& session, const generate::TrialRequest& request, const std::string& socket,
                                   Seen& seen) {
    auto watch = ApplianceWatch::begin(socket);
    if (!watch) return watch.error();
    auto result = session.trial(request);
    if (!result) return result;
    auto appliance = watch->end();
    if (!appliance) return appliance.error();
    note(*result, *appliance, seen);
    return result;
}

}  // namespace

void declare_swap(CLI::App& command, SwapOptions& options) {
    declare_measure(command, options.measure, "Of each trial (10s)");
    command.add_option("--between", options.between, "Two files, or folders, with policies: applied in turns")
        ->expected(2);
    command.add_option("--swaps-per-second", options.per_second, "So often")->capture_default_str();
}

Exit swap(const Invocation& invocation, const SwapOptions& options) {
    if (auto checked = check(options); !checked) {
        cli::report(invocation, checked.error());
        return Exit::kInvalid;
    }
    const std::string& socket = options.measure.traffic.appliance;
    auto session = Session::begin("swap", invocation, options.measure);
    if (!session) return cli::report(invocation, session.error());
    auto swapper = Swapper::create(socket, options.between);
    if (!swapper) return cli::report(invocation, swapper.error());
    generate::TrialRequest request = generate::request_of(session->profile());
    if (!request.duration) request.duration = kSwapTrial;
    request.gaps = true;
    if (auto warm = session->warm_up(request); !warm) return cli::report(invocation, warm.error());
    Seen still;
    Seen swapped;
    std::vector<double> blocked;
    for (unsigned i = 0; i < options.measure.repeats && !interrupted(); ++i) {
        auto baseline = measured_trial(*session, request, socket, still);
        if (!baseline) return cli::report(invocation, baseline.error());
        if (interrupted()) break;
        const std::uint64_t before = (*swapper)->swaps();
        (*swapper)->start(options.per_second);
        auto result = measured_trial(*session, request, socket, swapped);
        (*swapper)->stop();
        if (!result) return cli::report(invocation, result.error());
        if ((*swapper)->error()) return cli::report(invocation, *(*swapper)->error());
        const std::uint64_t swaps = (*swapper)->swaps() - before;
        swapped.trials.back()["swaps"] = swaps;
        const generate::Measured measured = generate::measured_of(*result);
        const double rate = static_cast<double>(measured.due) / std::max(result->seconds, 1e-9);
        // CSIT's effective blocked time: how long nothing passed, if all that was lost had been lost at once.
        blocked.push_back(
            swaps == 0 || rate == 0 ? 0 : static_cast<double>(measured.lost) / rate * 1e9 / static_cast<double>(swaps));
        session->tell(std::to_string(i + 1) + "/" + std::to_string(options.measure.repeats) + "  " +
                      std::to_string(swaps) + " swaps: lost " + std::to_string(measured.lost) + " of " +
                      std::to_string(measured.due) + ", longest gap " +
                      std::to_string(static_cast<std::uint64_t>(swapped.longest_gap.back() / 1000)) + " us (" +
                      std::to_string(static_cast<std::uint64_t>(still.longest_gap.back() / 1000)) + " without swaps)");
    }
    std::vector<Figure> figures;
    add_figures(swapped, " while swapping", figures);
    if (!blocked.empty()) figures.push_back({"effective blocked time of a swap", "ns", Better::kLower, 0, blocked});
    add_figures(still, " without swaps", figures);
    if ((*swapper)->swaps() > 0)
        for (Figure& figure : latency_figures({(*swapper)->latency()}, " of a swap's request"))
            figures.push_back(std::move(figure));
    const Status back = (*swapper)->put_back();
    const auto nothing = [](const std::vector<double>& all) {
        return std::all_of(all.begin(), all.end(), [](double n) { return n == 0; });
    };
    const bool clean =
        nothing(swapped.lost) && nothing(swapped.duplicates) && nothing(swapped.leaked) && nothing(swapped.unaccounted);
    const Exit exit =
        session->finish(figures, {{"rate", request.rate.text()},
                                  {"trial_seconds", std::chrono::duration<double>(*request.duration).count()},
                                  {"swaps_per_second", options.per_second},
                                  {"swaps", (*swapper)->swaps()},
                                  {"between", options.between},
                                  {"stopped", interrupted()},
                                  {"while_swapping", std::move(swapped.trials)},
                                  {"without_swaps", std::move(still.trials)}});
    if (!back) return cli::report(invocation, back.error());  // what was measured is told all the same
    return exit == Exit::kOk && options.measure.traffic.strict && !clean ? Exit::kNegative : exit;
}

}  // namespace drywall::gen
