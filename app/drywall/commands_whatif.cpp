#include "commands_whatif.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "client.h"
#include "drywall/whatif/json.h"
#include "drywall/whatif/recommend.h"
#include "drywall/whatif/recorded_flows.h"
#include "drywall/whatif/replay_captures.h"
#include "fields.h"
#include "offline.h"
#include "render_whatif.h"

namespace drywall::cli {

namespace {

struct Candidate {
    loader::Settings settings;
    explain::Site site;
};

Error as_invalid_input(Error error) {
    error.kind = ErrorKind::kInvalid;
    return error;
}

Exit wrong_usage(const Invocation& invocation, const std::string& message) {
    invocation.err << message << '\n';
    return Exit::kUsage;
}

Result<Candidate> read_candidate(const std::vector<std::string>& files, const std::string& config) {
    Result<loader::Settings> settings = read_settings(config);
    if (!settings) return std::move(settings).error();
    const Result<std::vector<loader::Source>> sources = read_all(files);
    if (!sources) return sources.error();
    Result<explain::Site> site = explain::build_site(*sources, *settings);
    if (!site) return as_invalid_input(std::move(site).error());
    return Candidate{*std::move(settings), *std::move(site)};
}

Result<PortId> port_called(const ruleset::Ruleset& ruleset, const std::string& name) {
    const std::vector<std::string>& ports = ruleset.surroundings().port_names;
    const auto found = std::find(ports.begin(), ports.end(), name);
    if (found != ports.end()) return PortId(found - ports.begin());
    std::string names;
    for (const std::string& port : ports) names += (names.empty() ? "" : ", ") + port;
    return Error::of(ErrorKind::kInvalid, "the appliance has no port '" + name + "'",
                     "its ports are " + names + "; --config names the file that says so");
}

// What --in says of the n-th capture: one PORT for all, one for each, or INTERFACE=PORT for the interfaces in them.
Result<whatif::Entry> entry_of(const ruleset::Ruleset& ruleset, const std::vector<std::string>& ports, std::size_t n) {
    whatif::Entry entry;
    for (const std::string& text : ports) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) continue;
        const Result<PortId> port = port_called(ruleset, text.substr(equals + 1));
        if (!port) return port.error();
        entry.interfaces[text.substr(0, equals)] = *port;
    }
    if (ports.empty() || !entry.interfaces.empty()) return entry;
    const Result<PortId> port = port_called(ruleset, ports.size() == 1 ? ports.front() : ports[n]);
    if (!port) return port.error();
    entry.port = *port;
    return entry;
}

// What is wrong with --in as it stands; empty when nothing.
std::string check_ports(const std::vector<std::string>& ports, std::size_t captures) {
    const auto mapped = static_cast<std::size_t>(std::count_if(
        ports.begin(), ports.end(), [](const std::string& text) { return text.find('=') != std::string::npos; }));
    if (mapped != 0 && mapped != ports.size()) return "--in PORT and --in INTERFACE=PORT don't go together";
    if (mapped == 0 && ports.size() > 1 && ports.size() != captures)
        return "give --in once, or once for each --pcap in the same order";
    return {};
}

Result<Json> replay_of_captures(const Candidate& candidate, const ReplayArguments& arguments) {
    const ruleset::Ruleset& ruleset = *candidate.site.ruleset;
    std::vector<whatif::CaptureInput> inputs;
    for (std::size_t i = 0; i < arguments.captures.size(); ++i) {
        Result<whatif::Entry> entry = entry_of(ruleset, arguments.ports, i);
        if (!entry) return std::move(entry).error();
        Result<io::CaptureReader> reader = io::CaptureReader::open(arguments.captures[i]);
        if (!reader) return as_invalid_input(std::move(reader).error());
        inputs.push_back({*std::move(reader), *std::move(entry)});
    }
    const auto replayed = whatif::replay_captures(candidate.site.ruleset, candidate.settings, std::move(inputs),
                                                  {arguments.write_to, arguments.until_damage});
    if (!replayed) return replayed.error();
    return whatif::json_of(*replayed, ruleset, arguments.all ? whatif::Listed::kAll : whatif::Listed::kDiffering);
}

struct Recorded {
    std::vector<whatif::RecordedFlow> flows;
    std::uint64_t left_out = 0;
};

Result<Recorded> flows_of_file(const Invocation& invocation, const std::string& file) {
    Result<std::vector<whatif::RecordedFlow>> flows = std::vector<whatif::RecordedFlow>{};
    if (file == "-") {
        flows = whatif::read_recorded_flows(invocation.in, "standard input");
    } else {
        std::ifstream in(file, std::ios::binary);
        if (!in) return Error::invalid(Place{file}, "can't be read", "name a file of flow records");
        flows = whatif::read_recorded_flows(in, file);
    }
    if (!flows) return std::move(flows).error();
    return Recorded{*std::move(flows), 0};
}

Result<Recorded> flows_of_daemon(const Invocation& invocation, const std::string& since) {
    constexpr std::size_t kMostAtOnce = 10'000;
    const Query query{{"since", since}, {"limit", std::to_string(kMostAtOnce)}};
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/flows", query));
    if (!answer) return answer.error();
    Recorded out;
    for (const Json& record : at(*answer, "/flows")) {
        Result<whatif::RecordedFlow> flow = whatif::recorded_flow(record);
        if (!flow) return std::move(flow).error();
        out.flows.push_back(*std::move(flow));
    }
    out.left_out = number_at(*answer, "/left_out") + number_at(*answer, "/lost") + number_at(*answer, "/evicted");
    if (out.flows.size() == kMostAtOnce && out.left_out == 0) out.left_out = 1;
    return out;
}

// "-" and what exists is a file; everything else is a time.
Result<Recorded> recorded_flows(const Invocation& invocation, const std::string& text) {
    std::error_code ignored;
    if (text == "-" || std::filesystem::exists(text, ignored)) return flows_of_file(invocation, text);
    const bool is_path = text.find('/') != std::string::npos || text.ends_with(".json") || text.ends_with(".jsonl");
    if (is_path) return Error::invalid(Place{text}, "can't be read", "name a file of flow records, or a time: 24h");
    return flows_of_daemon(invocation, text);
}

Result<Json> replay_of_flows(const Invocation& invocation, const Candidate& candidate,
                             const ReplayArguments& arguments) {
    Result<Recorded> recorded = recorded_flows(invocation, arguments.flows);
    if (!recorded) return std::move(recorded).error();
    if (recorded->left_out > 0)
        invocation.err << "not every flow is there: records were lost or forgotten, or did not fit in one answer\n";
    const ruleset::Ruleset& ruleset = *candidate.site.ruleset;
    return whatif::json_of(whatif::rejudge(ruleset, std::move(recorded->flows)), ruleset,
                           arguments.all ? whatif::Listed::kAll : whatif::Listed::kDiffering);
}

bool some(const Json& answer, const char* amount) {
    const Json& found = at(answer, amount);
    return number_at(found, "/connections") > 0 || number_at(found, "/packets") > 0;
}

bool fails(const Json& answer, const std::string& on) {
    const bool newly_denied = some(answer, "/newly_denied") || some(answer, "/enforced_newly_denied");
    const bool newly_allowed = some(answer, "/newly_allowed") || some(answer, "/enforced_newly_allowed");
    if (on == "newly-denied") return newly_denied;
    if (on == "newly-allowed") return newly_allowed;
    if (on == "difference") return newly_denied || newly_allowed || some(answer, "/uncertain");
    if (on == "denied") return some(answer, "/enforced/denied") || some(answer, "/pending/denied");
    return false;
}

// A line for each flow, and the summary last.
void write_lines(const Invocation& invocation, Json answer) {
    const Json flows = std::exchange(answer["flows"], Json::array());
    answer.erase("flows");
    for (const Json& flow : flows) invocation.out << flow.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    invocation.out << Json{{"summary", std::move(answer)}}.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

Result<Json> recommendation_of_files(const Invocation& invocation, const RecommendArguments& arguments) {
    const Result<Candidate> candidate = read_candidate(arguments.files, arguments.config);
    if (!candidate) return candidate.error();
    const Result<Recorded> recorded = recorded_flows(invocation, arguments.flows);
    if (!recorded) return recorded.error();
    whatif::RecommendOptions options{arguments.scope, {}, arguments.denied};
    if (!arguments.since.empty()) {
        const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        options.since = whatif::parse_since(arguments.since, now);
        if (!options.since)
            return Error::of(ErrorKind::kInvalid, "'" + arguments.since + "' is no time",
                             "write 15m, 24h, 7d, or 2026-11-22T12:00:00Z");
    }
    const explain::Site& site = candidate->site;
    const auto recommended = whatif::recommend(*site.inventory, *site.ruleset, recorded->flows, options);
    if (!recommended) return recommended.error();
    return whatif::json_of(*recommended, site.ruleset->generation(), recorded->left_out);
}

Result<Json> recommendation_of_daemon(const Invocation& invocation, const RecommendArguments& arguments) {
    Query query;
    if (!arguments.scope.empty()) query["for"] = arguments.scope;
    if (!arguments.since.empty()) query["since"] = arguments.since;
    if (arguments.denied) query["denied"] = "true";
    return Client(invocation.socket).get(with_query("/v1/recommend", query));
}

}  // namespace

Exit replay(const Invocation& invocation, const ReplayArguments& arguments) {
    if (arguments.captures.empty() == arguments.flows.empty())
        return wrong_usage(invocation, "give --pcap or --flows: what was recorded");
    if (const std::string wrong = check_ports(arguments.ports, arguments.captures.size()); !wrong.empty())
        return wrong_usage(invocation, wrong);
    const Result<Candidate> candidate = read_candidate(arguments.files, arguments.config);
    if (!candidate) return report(invocation, candidate.error());
    const Result<Json> answer = arguments.flows.empty() ? replay_of_captures(*candidate, arguments)
                                                        : replay_of_flows(invocation, *candidate, arguments);
    if (!answer) return report(invocation, answer.error());
    if (invocation.format == Format::kJson)
        invocation.out << answer->dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    else if (invocation.format == Format::kJsonLines)
        write_lines(invocation, *answer);
    else
        invocation.out << render_replay(*answer, {invocation.color, invocation.format == Format::kWide});
    return fails(*answer, arguments.fail_on) ? Exit::kNegative : Exit::kOk;
}

Exit recommend(const Invocation& invocation, const RecommendArguments& arguments) {
    if (arguments.files.empty() != arguments.flows.empty())
        return wrong_usage(invocation, "-f and --flows go together: policies, and what was seen under them");
    const Result<Json> answer = arguments.files.empty() ? recommendation_of_daemon(invocation, arguments)
                                                        : recommendation_of_files(invocation, arguments);
    if (!answer) return report(invocation, answer.error());
    if (invocation.format == Format::kJson) {
        invocation.out << answer->dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
        return Exit::kOk;
    }
    invocation.out << render_recommendation(*answer);
    if (!invocation.quiet) invocation.err << render_coverage(*answer);
    return Exit::kOk;
}

}  // namespace drywall::cli
