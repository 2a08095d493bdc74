#include <optional>

#include "api.h"
#include "api_requests.h"
#include "drywall/explain/requests.h"
#include "json.h"
#include "json_store.h"

namespace drywall::control {

namespace {

constexpr std::uint64_t kMostRows = 256;

}  // namespace

Result<ApiResponse> Api::status(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
    const State state = controller_.state();
    const auto counted = snapshot ? std::optional(*snapshot) : std::nullopt;
    Json out = json_of_status(state, counted, uptime);
    if (health_ != nullptr) out.update(json_of(health_->health()));
    out.update(guard_status_json(state, counted, controller_.guard()));
    if (const Result<store::GenerationStore*> store = controller_.store()) {
        out["policies"] = json_of(controller_.origin());
        out["store"] = json_of_store(**store);
    }
    return json_response(out);
}

Result<ApiResponse> Api::stats(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    if (!snapshot) return snapshot.error();
    Json out = json_of(*snapshot);
    mark_safety_nets(out, *snapshot, safety_nets(*controller_.state().inventory));
    return json_response(out);
}

Result<ApiResponse> Api::matrix(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<explain::MatrixRequest> asked = explain::matrix_request(request.query, kMostRows);
    if (!asked) return asked.error();
    return json_response(json_of(explain::connectivity(*controller_.state().ruleset, asked->query), asked->view));
}

Result<ApiResponse> Api::trace(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<explain::TraceQuery> query = explain::trace_request(request.query);
    if (!query) return query.error();
    const State state = controller_.state();
    const Result<explain::TraceAnswer> found = explain::explain(*state.ruleset, *query, state.inventory.get());
    if (!found) return found.error();
    return json_response(json_of(*found));
}

}  // namespace drywall::control
