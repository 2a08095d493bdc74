#include "session.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "appliance_counts.h"
#include "client.h"
#include "display.h"
#include "drywall/generate/self_test.h"
#include "table.h"

namespace drywall::gen {

using generate::Figure;
using generate::Json;

namespace {

using namespace std::chrono_literals;

constexpr auto kSelfTest = 300ms;

Json ruleset_of(const Json& status, const Json& generations) {
    Json out = {{"version", status.at("version")},
                {"resources", status.at("resources")},
                {"table_bytes", status.at("tables").at("bytes")},
                {"traces", status.at("tables").at("traces")}};
    for (const Json& generation : generations.at("generations"))
        if (generation.at("generation") == status.at("generation")) out["content_hash"] = generation.at("content_hash");
    return out;
}

std::string figures_table(const Json& report, bool color) {
    constexpr auto kRight = cli::Table::Align::kRight;
    cli::Table table(
        {{"FIGURE"}, {"MEDIAN", kRight}, {"LEAST", kRight}, {"GREATEST", kRight}, {"UNIT"}, {"SAMPLES", kRight}, {""}});
    const auto text = [](const Json& value) { return generate::number_text(value.get<double>()); };
    for (const Json& figure : report.at("figures"))
        table.add({{figure.at("name")},
                   {text(figure.at("median"))},
                   {text(figure.at("least"))},
                   {text(figure.at("greatest"))},
                   {figure.at("unit")},
                   {std::to_string(figure.at("samples").size())},
                   {figure.at("generator_limited").get<bool>() ? "generator-limited" : "", cli::Color::kDoubtful}});
    return table.text(color) +
           "\nThe generator by itself: " + short_number(report.at("self_test").at("per_second").get<double>()) +
           report.at("self_test").at("unit").get<std::string>() + " of each of " +
           std::to_string(report.at("self_test").at("senders").get<unsigned>()) + " sender(s), through memory.\n";
}

std::string shown(const Json& report, cli::Format format, bool color) {
    switch (format) {
        case cli::Format::kJson: return report.dump(2) + "\n";
        case cli::Format::kMarkdown: return generate::markdown_of(report);
        case cli::Format::kCsv: return generate::csv_of(report);
        default: return figures_table(report, color);
    }
}

unsigned senders_of(const loader::TrafficProfile& profile) {
    std::set<std::string> ports;
    for (const loader::StreamProfile& stream : profile.streams) ports.insert(stream.from);
    for (const loader::ConnectionsProfile& connections : profile.connections) ports.insert(connections.ends.from);
    return static_cast<unsigned>(std::min(ports.size(), profile.machine.worker_cores.size()));
}

}  // namespace

void declare_measure(CLI::App& command, MeasureOptions& options, const std::string& of_trial) {
    declare_run(command, options.traffic);
    command.get_option("--duration")->description(of_trial);
    command.add_option("--repeats", options.repeats, "Measure so often; the spread is told")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
}

std::optional<double> parse_share(std::string_view text) {
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (percent) value /= 100;
    if (!(value >= 0 && value <= 1)) return std::nullopt;
    return value;
}

Result<Session> Session::begin(const std::string& command, const cli::Invocation& invocation,
                               const MeasureOptions& options) {
    Session session;
    session.invocation_ = &invocation;
    session.options_ = &options;
    auto prepared = prepare(options.traffic);
    if (!prepared) return prepared.error();
    session.profile_ = std::move(prepared->profile);
    for (const generate::RuleWithoutTraffic& rule : prepared->without)
        session.tell("no traffic for " + rule.rule + ": " + rule.why);
    if (session.profile_.ramp)
        return Error::of(ErrorKind::kInvalid, command + " has no use for a ramp", "`drywall-gen run` sends one");
    auto bench = set_up(session.profile_);
    if (!bench) return bench.error();
    session.bench_ = *std::move(bench);
    session.head_.command = command;
    session.head_.started = utc_now();
    session.head_.fingerprint = fingerprint_of(session.profile_, options.traffic);
    session.head_.senders = senders_of(session.profile_);
    if (auto looked = session.look_at_appliance(); !looked) return looked.error();
    listen_for_interrupts();
    auto ceiling = generate::self_test(session.profile_, *session.bench_.launcher,
                                       session.profile_.machine.worker_cores.front(), kSelfTest);
    if (!ceiling) return ceiling.error();
    session.head_.ceiling = *ceiling;
    if (!session.profile_.connections.empty()) session.head_.unit = "connections/s";
    session.tell("self-test: " + short_number(*ceiling) + session.head_.unit + " through memory");
    return session;
}

// Its ruleset is part of what a result depends on.
Status Session::look_at_appliance() {
    const std::string& socket = options_->traffic.appliance;
    if (socket.empty()) return Done{};
    const cli::Client client(socket);
    auto status = client.get("/v1/status");
    if (!status) return status.error();
    auto generations = client.get("/v1/generations");
    if (!generations) return generations.error();
    try {
        head_.ruleset = ruleset_of(*status, *generations);
    } catch (const Json::exception& error) {
        return odd_answer(socket, error.what());
    }
    return Done{};
}

Status Session::warm_up(generate::TrialRequest request) {
    if (std::exchange(warm_, true) || profile_.warm_up.count() == 0) return Done{};
    request.duration = profile_.warm_up;
    auto warm = bench_.generator->run(request, [](const auto& /*view*/) { return !interrupted(); });
    if (!warm) return warm.error();
    return Done{};
}

Result<generate::TrialResult> Session::trial(const generate::TrialRequest& request, const Look& look) {
    if (auto warm = warm_up(request); !warm) return warm.error();
    auto result = bench_.generator->run(request, [&look](const generate::TrialView& view) {
        if (look) look(view);
        return !interrupted();
    });
    if (result && result->connections.empty() && !generate::can_be_measured(*result))
        return Error::of(
            ErrorKind::kInvalid,
            "no stream tells what is lost: all of them expect to be denied, or are recordings without a signature",
            "add a stream that is to be allowed, or `signature: true` to a replay");
    return result;
}

generate::TrialRequest Session::at(double packets_per_second, std::chrono::nanoseconds duration) const {
    generate::TrialRequest request = generate::request_of(profile_);
    request.rate = {loader::TrafficRate::Unit::kPackets, packets_per_second};
    request.duration = duration;
    return request;
}

Status Session::has_common_rate() const {
    if (profile_.streams.empty())
        return Error::of(ErrorKind::kInvalid, head_.command + " sends streams, and the profile has connections",
                         "`drywall-gen cps` searches how many can be made");
    for (const loader::StreamProfile& stream : profile_.streams) {
        const bool own_times = stream.replay && stream.replay->speed;
        if (!stream.rate && !stream.packets && !own_times) continue;
        return Error::invalid(stream.place,
                              "stream '" + stream.name + "' has " +
                                  (stream.rate ? "a rate of its own"
                                   : own_times ? "the times of its recording"
                                               : "an end of its own") +
                                  ", and " + head_.command + " sets the rate of all",
                              "leave it out, or use `drywall-gen run`");
    }
    return Done{};
}

void Session::tell(const std::string& line) const {
    if (!invocation_->quiet) invocation_->err << line << std::endl;
}

cli::Exit Session::finish(const std::vector<Figure>& figures, Json details) {
    const Json report = generate::measurement_of(head_, figures, std::move(details));
    if (!options_->traffic.report.empty())
        if (auto written = write_file(options_->traffic.report, report.dump(2) + "\n"); !written)
            return cli::report(*invocation_, written.error());
    invocation_->out << shown(report, invocation_->format, invocation_->color);
    return cli::Exit::kOk;
}

std::vector<Figure> latency_figures(const std::vector<generate::LatencyHistogram>& trials, const std::string& suffix) {
    constexpr std::array<std::pair<const char*, double>, 4> kShares{
        {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"greatest", 1.0}}};
    std::vector<Figure> out;
    for (const auto& [name, share] : kShares) {
        Figure figure{std::string("latency ") + name + suffix, "ns", generate::Better::kLower, 1.0 / 128, {}};
        for (const generate::LatencyHistogram& trial : trials)
            figure.samples.push_back(static_cast<double>(share == 1.0 ? trial.greatest() : trial.quantile(share)));
        out.push_back(std::move(figure));
    }
    return out;
}

std::string rate_text(double packets_per_second) { return short_number(packets_per_second) + "pps"; }

std::string connection_rate_text(double connections_per_second) { return short_number(connections_per_second) + "cps"; }

}  // namespace drywall::gen
