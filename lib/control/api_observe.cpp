#include <algorithm>
#include <limits>
#include <optional>

#include "api.h"
#include "drywall/explain/parameters.h"
#include "drywall/explain/requests.h"
#include "json.h"
#include "json_store.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;
using explain::number_parameter;
using explain::Query;
using explain::switch_parameter;
using explain::verdict_parameter;

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

}  // namespace

Result<ApiResponse> Api::status(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
    Json status = json_of_status(controller_.state(), snapshot ? std::optional(*snapshot) : std::nullopt, uptime);
    if (const Result<store::GenerationStore*> store = controller_.store()) {
        status["policies"] = json_of(controller_.origin());
        status["store"] = json_of_store(**store);
    }
    return answer(status);
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
    const Result<explain::MatrixRequest> asked = explain::matrix_request(request.query, kMostRows);
    if (!asked) return asked.error();
    return answer(json_of(explain::connectivity(*controller_.state().ruleset, asked->query), asked->view));
}

Result<ApiResponse> Api::trace(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<explain::TraceQuery> query = explain::trace_request(request.query);
    if (!query) return query.error();
    const State state = controller_.state();
    const Result<explain::TraceAnswer> found = explain::explain(*state.ruleset, *query, state.inventory.get());
    if (!found) return found.error();
    return answer(json_of(*found));
}

}  // namespace drywall::control
