// Session: what all measuring commands share: their options, devices, the self-test, trials, and the report at the end.
//
// Threads: the main thread's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench.h"
#include "drywall/base/result.h"
#include "drywall/generate/measurement.h"
#include "invocation.h"
#include "options.h"

namespace drywall::gen {

struct MeasureOptions {
    Options traffic;
    unsigned repeats = 3;
};
// Ports, traffic, repetitions, what is done with the result. `of_trial`: what -d means.
void declare_measure(CLI::App& command, MeasureOptions& options, const std::string& of_trial);

// "0.5%", "0.005"; 0 to 1.
[[nodiscard]] std::optional<double> parse_share(std::string_view text);

class Session {
public:
    // Starts the devices, measures the generator by itself. kInvalid with the option, or the place in the profile.
    [[nodiscard]] static Result<Session> begin(const std::string& command, const cli::Invocation& invocation,
                                               const MeasureOptions& options);

    // Sends what `request` says, for as long as the profile warms up, unless that was done before.
    [[nodiscard]] Status warm_up(generate::TrialRequest request);

    using Look = std::function<void(const generate::TrialView&)>;
    // One trial, after the warm-up if it is the first. kInvalid: it has no stream that tells lost packets, and no
    // connections.
    [[nodiscard]] Result<generate::TrialResult> trial(const generate::TrialRequest& request, const Look& look = {});
    // All streams at a rate. REQUIRES: has_common_rate()
    [[nodiscard]] generate::TrialRequest at(double packets_per_second, std::chrono::nanoseconds duration) const;
    // kInvalid: a stream goes its own way, so a search would not know what it changes.
    [[nodiscard]] Status has_common_rate() const;

    [[nodiscard]] const loader::TrafficProfile& profile() const noexcept { return profile_; }
    [[nodiscard]] const generate::MeasurementHead& head() const noexcept { return head_; }
    [[nodiscard]] const cli::Invocation& invocation() const noexcept { return *invocation_; }
    // A line for whoever waits; nothing with --quiet.
    void tell(const std::string& line) const;

    // Shows the report, and writes it where it was asked to be.
    [[nodiscard]] cli::Exit finish(const std::vector<generate::Figure>& figures, generate::Json details);

private:
    Session() = default;
    Status look_at_appliance();

    const cli::Invocation* invocation_ = nullptr;
    const MeasureOptions* options_ = nullptr;
    loader::TrafficProfile profile_;
    Bench bench_;
    generate::MeasurementHead head_;
    bool warm_ = false;
};

// Figures of the latencies of trials, one sample of each: p50, p99, p99.9 and the greatest. `suffix`: " at 50% of ...".
[[nodiscard]] std::vector<generate::Figure> latency_figures(const std::vector<generate::LatencyHistogram>& trials,
                                                            const std::string& suffix);

// "1.234 Mpps", "1.234 kcps"
[[nodiscard]] std::string rate_text(double packets_per_second);
[[nodiscard]] std::string connection_rate_text(double connections_per_second);

}  // namespace drywall::gen
