#include <algorithm>
#include <limits>
#include <optional>

#include "api.h"
#include "drywall/explain/matrix.h"
#include "drywall/explain/protocols.h"
#include "drywall/explain/trace.h"
#include "json.h"
#include "query.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMostFlows = 10'000;
constexpr std::chrono::milliseconds kLongestWait = 30s;
constexpr std::chrono::milliseconds kWaitStep = 200ms;  // how soon a waiting request notices that the server stops
constexpr std::uint64_t kMostRows = 256;
constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();

ApiResponse answer(const Json& json) {
    ApiResponse response;
    response.body = write(json);
    return response;
}

Result<explain::MatrixView> view_of(const std::string& text) {
    if (text == "enforced") return explain::MatrixView::kEnforced;
    if (text == "pending") return explain::MatrixView::kPending;
    if (text == "diff") return explain::MatrixView::kDiff;
    return Error::of(ErrorKind::kInvalid, "there is no view '" + text + "'", "give enforced, pending or diff");
}

Result<observe::FlowQuery> flow_query(const Query& query) {
    observe::FlowQuery out;
    const auto pending = verdict_parameter(query, "pending");
    if (!pending) return pending.error();
    const auto enforced = verdict_parameter(query, "enforced");
    if (!enforced) return enforced.error();
    const auto differing = switch_parameter(query, "differing");
    if (!differing) return differing.error();
    const auto after = number_parameter(query, "after", 0, kAnyNumber);
    if (!after) return after.error();
    const auto limit = number_parameter(query, "limit", 1000, kMostFlows);
    if (!limit) return limit.error();
    const auto latest = switch_parameter(query, "latest");
    if (!latest) return latest.error();
    out.pending = *pending;
    out.enforced = *enforced;
    out.only_differing = *differing;
    out.after_sequence = *after;
    out.limit = *limit;
    out.latest = *latest;
    return out;
}

// What the destination port field of the key holds: a port, or ICMP's type and code.
Result<std::uint16_t> destination_port(const Query& query, std::uint8_t protocol) {
    if (!net::is_icmp(protocol)) {
        const auto port = number_parameter(query, "port", 0, 65535);
        if (!port) return port.error();
        return static_cast<std::uint16_t>(*port);
    }
    const auto type = number_parameter(query, "type", protocol == net::protocol::kIcmp ? 8 : 128, 255);
    if (!type) return type.error();
    const auto code = number_parameter(query, "code", 0, 255);
    if (!code) return code.error();
    return static_cast<std::uint16_t>(*type << 8 | *code);
}

Result<explain::TraceQuery> trace_query(const Query& query) {
    explain::TraceQuery out;
    const std::string protocol = text_parameter(query, "protocol", "tcp");
    const std::optional<std::uint8_t> number = explain::protocol_number(protocol);
    if (!number)
        return Error::of(ErrorKind::kInvalid, "'" + protocol + "' is not a protocol",
                         "give tcp, udp, sctp, icmp, icmpv6 or a number from 1 to 255");
    out.protocol = *number;
    out.source = text_parameter(query, "source");
    out.destination = text_parameter(query, "destination");
    if (out.source.empty() || out.destination.empty())
        return Error::of(ErrorKind::kInvalid, "source and destination are needed", "give addresses or endpoints");
    const auto source_port = number_parameter(query, "source-port", explain::kEphemeralPort, 65535);
    if (!source_port) return source_port.error();
    out.source_port = static_cast<std::uint16_t>(*source_port);
    const auto port = destination_port(query, out.protocol);
    if (!port) return port.error();
    out.destination_port = *port;
    out.ingress_port = text_parameter(query, "in");
    return out;
}

}  // namespace

Result<ApiResponse> Api::status(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
    return answer(json_of_status(controller_.state(), snapshot ? std::optional(*snapshot) : std::nullopt, uptime));
}

Result<ApiResponse> Api::stats(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    if (!snapshot) return snapshot.error();
    return answer(json_of(*snapshot));
}

Result<ApiResponse> Api::flows(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<observe::FlowQuery> query = flow_query(request.query);
    if (!query) return query.error();
    const auto wait = number_parameter(request.query, "wait", 0, static_cast<std::uint64_t>(kLongestWait.count()));
    if (!wait) return wait.error();
    if (*wait == 0) return answer(json_of(flows_.query(*query)));
    return answer(json_of(wait_for_flows(*query, std::chrono::milliseconds(*wait))));
}

observe::FlowAnswer Api::wait_for_flows(const observe::FlowQuery& query, std::chrono::milliseconds timeout) const {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    observe::FlowQuery next = query;
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        observe::FlowAnswer found = flows_.wait(next, std::clamp(left, 0ms, kWaitStep));
        if (!found.groups.empty() || left <= 0ms || stopping_) return found;
        next.after_sequence = found.next_sequence;
    }
}

Result<ApiResponse> Api::matrix(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<explain::MatrixView> view = view_of(text_parameter(request.query, "view", "enforced"));
    if (!view) return view.error();
    explain::MatrixQuery query;
    if (const std::string text = text_parameter(request.query, "service"); !text.empty()) {
        const Result<explain::Service> service = explain::parse_service(text);
        if (!service) return service.error();
        query.service = *service;
    }
    const auto limit = number_parameter(request.query, "limit", query.max_endpoints, kMostRows);
    if (!limit) return limit.error();
    query.max_endpoints = *limit;
    return answer(json_of(explain::connectivity(*controller_.state().ruleset, query), *view));
}

Result<ApiResponse> Api::trace(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<explain::TraceQuery> query = trace_query(request.query);
    if (!query) return query.error();
    const Result<explain::TraceAnswer> found = explain::explain(*controller_.state().ruleset, *query);
    if (!found) return found.error();
    return answer(json_of(*found));
}

}  // namespace drywall::control
