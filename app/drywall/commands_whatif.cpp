#include "commands_whatif.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

Result<std::vector<whatif::RecordedFlow>> flows_of_file(const Invocation& invocation, const std::string& file) {
    if (file == "-") return whatif::read_recorded_flows(invocation.in, "standard input");
    std::ifstream in(file, std::ios::binary);
    if (!in) return Error::invalid(Place{file}, "can't be read", "name a file of flow records");
    return whatif::read_recorded_flows(in, file);
}

// Why flows of a daemon may not be all that there were.
struct Gaps {
    std::string text;  // empty: they are all
    std::uint64_t lost = 0;
};

Gaps gaps_of(const Json& answer) {
    Gaps gaps{{}, number_at(answer, "/lost")};
    const auto add = [&](const std::string& text) { gaps.text += (gaps.text.empty() ? "" : "; ") + text; };
    if (gaps.lost > 0) add(std::to_string(gaps.lost) + " records were lost on the way to the log");
    if (const std::uint64_t unrecorded = number_at(answer, "/unrecorded"); unrecorded > 0)
        add(std::to_string(unrecorded) + " records were not written to disk");
    if (const std::string since = text_at(answer, "/reaches_back_to"); !since.empty())
        add("what was before " + since + " is not known");
    if (const std::string trouble = text_at(answer, "/archive_trouble"); !trouble.empty())
        add("the history on disk is in trouble: " + trouble);
    return gaps;
}

using TakeFlow = std::function<void(whatif::RecordedFlow)>;

// All flows of a span that ends now, a page at a time.
Result<Gaps> each_flow_of_daemon(const Invocation& invocation, const std::string& since, const TakeFlow& take) {
    constexpr const char* kAtOnce = "10000";  // the API's most
    const Client client(invocation.socket);
    Query query{{"since", since}, {"page", ""}, {"limit", kAtOnce}};
    while (true) {
        const Result<Json> answer = client.get(with_query("/v1/flows", query));
        if (!answer) return answer.error();
        for (const Json& record : at(*answer, "/flows")) {
            Result<whatif::RecordedFlow> flow = whatif::recorded_flow(record);
            if (!flow) return std::move(flow).error();
            take(*std::move(flow));
        }
        const std::string next = text_at(*answer, "/next_page");
        if (next.empty()) return gaps_of(*answer);
        query = {{"page", next}, {"limit", kAtOnce}};
    }
}

bool is_file(const std::string& flows) {
    std::error_code ignored;
    return flows == "-" || std::filesystem::exists(flows, ignored);
}

// "-" and what exists is a file; everything else is a time.
Result<Gaps> each_recorded_flow(const Invocation& invocation, const std::string& text, const TakeFlow& take) {
    if (is_file(text)) {
        Result<std::vector<whatif::RecordedFlow>> flows = flows_of_file(invocation, text);
        if (!flows) return std::move(flows).error();
        for (whatif::RecordedFlow& flow : *flows) take(std::move(flow));
        return Gaps{};
    }
    const bool is_path = text.find('/') != std::string::npos || text.ends_with(".json") || text.ends_with(".jsonl");
    if (is_path) return Error::invalid(Place{text}, "can't be read", "name a file of flow records, or a time: 24h");
    return each_flow_of_daemon(invocation, text, take);
}

Result<Json> replay_of_flows(const Invocation& invocation, const Candidate& candidate,
                             const ReplayArguments& arguments) {
    using Keep = whatif::FlowRejudge::Keep;
    const ruleset::Ruleset& ruleset = *candidate.site.ruleset;
    whatif::FlowRejudge rejudge(ruleset, arguments.all ? Keep::kAll : Keep::kDiffering);
    const auto gaps = each_recorded_flow(invocation, arguments.flows,
                                         [&](whatif::RecordedFlow flow) { rejudge.add(std::move(flow)); });
    if (!gaps) return gaps.error();
    if (!gaps->text.empty()) invocation.err << "not every flow is there: " << gaps->text << '\n';
    return whatif::json_of(rejudge.take(), ruleset, arguments.all ? whatif::Listed::kAll : whatif::Listed::kDiffering);
}

bool some(const Json& answer, const char* amount) {
    const Json& found = at(answer, amount);
    return number_at(found, "/connections") > 0 || number_at(found, "/packets") > 0;
}

bool fails(const Json& answer, const std::string& on) {
    const Json& requests = at(answer, "/requests");
    const bool newly_denied = some(answer, "/newly_denied") || some(answer, "/enforced_newly_denied") ||
                              number_at(requests, "/newly_denied") > 0;
    const bool newly_allowed = some(answer, "/newly_allowed") || some(answer, "/enforced_newly_allowed") ||
                               number_at(requests, "/newly_allowed") > 0;
    if (on == "newly-denied") return newly_denied;
    if (on == "newly-allowed") return newly_allowed;
    if (on == "difference")
        return newly_denied || newly_allowed || some(answer, "/uncertain") || some(answer, "/undecided");
    const bool request_denied =
        number_at(requests, "/enforced_denied") > 0 || number_at(requests, "/pending_denied") > 0;
    if (on == "denied") return some(answer, "/enforced/denied") || some(answer, "/pending/denied") || request_denied;
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
    std::vector<whatif::RecordedFlow> flows;
    const auto gaps = each_recorded_flow(invocation, arguments.flows,
                                         [&](whatif::RecordedFlow flow) { flows.push_back(std::move(flow)); });
    if (!gaps) return gaps.error();
    if (!gaps->text.empty()) invocation.err << "not every flow is there: " << gaps->text << '\n';
    whatif::RecommendOptions options{arguments.scope, {}, arguments.denied};
    if (!arguments.since.empty()) {
        const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        options.since = whatif::parse_since(arguments.since, now);
        if (!options.since)
            return Error::of(ErrorKind::kInvalid, "'" + arguments.since + "' is no time",
                             "write 15m, 24h, 7d, or 2026-11-22T12:00:00Z");
    }
    const explain::Site& site = candidate->site;
    const auto recommended = whatif::recommend(*site.inventory, *site.ruleset, flows, options);
    if (!recommended) return recommended.error();
    return whatif::json_of(*recommended, site.ruleset->generation(), gaps->lost);
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
