// `drywall flows`: asked of drywalld, followed, or read from a file of flows.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <fstream>
#include <optional>
#include <thread>

#include "arguments.h"
#include "client.h"
#include "commands.h"
#include "drywall/observe/flow_filter.h"
#include "drywall/observe/flow_json.h"
#include "drywall/observe/request.h"
#include "fields.h"
#include "watching.h"

namespace drywall::cli {

namespace {

using observe::FlowFilter;

Query parameters_of(const FlowsArguments& arguments) {
    Query query = filter_query(arguments.terms);
    query["limit"] = std::to_string(arguments.limit);
    query["latest"] = "true";
    if (!arguments.since.empty()) query["since"] = arguments.since;
    if (!arguments.until.empty()) query["until"] = arguments.until;
    return query;
}

void print_lines(const Invocation& invocation, const Json& answer) {
    for (const Json& flow : at(answer, "/flows")) invocation.out << flow.dump() << '\n';
}

bool wants_lines(const Invocation& invocation) { return invocation.format == Format::kJsonLines; }

Style flow_style(const Invocation& invocation) { return {invocation.color, invocation.format == Format::kWide}; }

void say_losses(const Invocation& invocation, const Json& answer) {
    if (!invocation.quiet) invocation.err << render_flow_losses(answer);
}

void print_answer(const Invocation& invocation, const Json& answer) {
    if (invocation.format == Format::kJson) {
        invocation.out << answer.dump(2) << '\n';
        return;
    }
    if (wants_lines(invocation))
        print_lines(invocation, answer);
    else
        invocation.out << render_flows(answer, true, flow_style(invocation));
    invocation.out.flush();
    say_losses(invocation, answer);
}

// A line per group as it changes, so that a pipe can read them as they come.
Exit follow_flows(const Invocation& invocation, Query query) {
    using namespace std::chrono_literals;
    constexpr auto kPause = 250ms;  // changes that come closer together are shown together
    const Client client(invocation.socket);
    std::uint64_t lost = 0;
    for (bool first = true;; first = false) {
        const Result<Json> answer = client.get(with_query("/v1/flows", query));
        if (!answer) return report(invocation, answer.error());
        if (wants_lines(invocation) || invocation.format == Format::kJson)
            print_lines(invocation, *answer);
        else
            invocation.out << render_flows(*answer, first, flow_style(invocation));
        invocation.out.flush();
        const std::uint64_t now = number_at(*answer, "/lost");
        if (first || now != lost || number_at(*answer, "/missed") > 0) say_losses(invocation, *answer);
        lost = now;
        if (!invocation.out) return Exit::kOk;  // whoever read us has gone
        query["after"] = std::to_string(number_at(*answer, "/next"));
        query["wait"] = "20000";
        query.erase("latest");  // from here on nothing is skipped
        std::this_thread::sleep_for(kPause);
    }
}

// First what happened since then, then what changes.
Exit follow_since(const Invocation& invocation, const FlowsArguments& arguments) {
    Query query = parameters_of(arguments);
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/flows", query));
    if (!answer) return report(invocation, answer.error());
    print_answer(invocation, *answer);
    query.erase("since");
    query["after"] = std::to_string(number_at(*answer, "/next"));
    return follow_flows(invocation, std::move(query));
}

struct FileQuery {
    FlowFilter filter;
    std::optional<observe::WallTime> since;
    std::optional<observe::WallTime> until;
};

Result<FileQuery> file_query(const FlowsArguments& arguments) {
    FileQuery query;
    auto filter = FlowFilter::of(arguments.terms);
    if (!filter) return filter.error();
    query.filter = *std::move(filter);
    const auto now = std::chrono::system_clock::now();
    for (const auto& [text, when] :
         {std::pair(&arguments.since, &query.since), std::pair(&arguments.until, &query.until)}) {
        if (text->empty()) continue;
        const auto moment = observe::moment(*text, now);
        if (!moment) return moment.error();
        *when = *moment;
    }
    return query;
}

bool wanted(const observe::FlowGroup& flow, const FileQuery& query) {
    return query.filter.matches(flow) && (!query.since || flow.last_seen >= *query.since) &&
           (!query.until || flow.first_seen < *query.until);
}

// The last `limit` of the flows that are meant.
Result<Json> flows_of_file(const Invocation& invocation, const FlowsArguments& arguments, const FileQuery& query) {
    std::ifstream file;
    const bool standard = arguments.input_file == "-";
    if (!standard) file.open(arguments.input_file);
    if (!standard && !file)
        return Error::invalid({arguments.input_file, 0, 0}, std::strerror(errno), "name a file of flows, or -");
    std::istream& in = standard ? invocation.in : file;
    std::deque<Json> kept;
    std::uint64_t lost = 0;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        Json json = Json::parse(line, nullptr, false);
        if (observe::is_request_line(json)) continue;  // the flow file has both
        const auto flow = observe::flow_of_json(json);
        if (!flow)
            return Error::invalid({arguments.input_file, number, 0}, "this line is no flow",
                                  "a line is what `drywall flows -o jsonl` writes");
        if (!wanted(*flow, query)) continue;
        lost = std::max(lost, flow->lost);
        kept.push_back(std::move(json));
        if (kept.size() > arguments.limit) kept.pop_front();
    }
    Json flows = Json::array();
    for (Json& flow : kept) flows.push_back(std::move(flow));
    return Json{{"flows", std::move(flows)}, {"lost", lost}};
}

}  // namespace

Exit flows(const Invocation& invocation, const FlowsArguments& arguments) {
    if (!arguments.mistake.empty()) return misread(invocation, Error::of(ErrorKind::kInvalid, arguments.mistake));
    // What drywalld would refuse is refused before it is asked, and in the words of flags.
    const Result<FileQuery> query = file_query(arguments);
    if (!query) return misread(invocation, query.error());
    const bool span = !arguments.since.empty() || !arguments.until.empty();
    if (!arguments.input_file.empty()) {
        if (arguments.follow)
            return misread(invocation, Error::of(ErrorKind::kInvalid, "a file can't be followed",
                                                 "leave out --follow, or --input-file"));
        const Result<Json> answer = flows_of_file(invocation, arguments, *query);
        if (!answer) return report(invocation, answer.error());
        print_answer(invocation, *answer);
        return Exit::kOk;
    }
    if (arguments.follow && !arguments.until.empty())
        return misread(invocation,
                       Error::of(ErrorKind::kInvalid, "--follow has no --until", "what is still to come has no end"));
    if (arguments.follow && span) return follow_since(invocation, arguments);
    if (arguments.follow) return follow_flows(invocation, parameters_of(arguments));
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/flows", parameters_of(arguments)));
    if (!answer) return report(invocation, answer.error());
    print_answer(invocation, *answer);
    return Exit::kOk;
}

}  // namespace drywall::cli
