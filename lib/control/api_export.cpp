#include <chrono>
#include <optional>

#include "api.h"
#include "metrics.h"
#include "openapi.h"

namespace drywall::control {

Result<ApiResponse> Api::openapi(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    ApiResponse response;
    response.body = kOpenApiDocument;
    return response;
}

Result<ApiResponse> Api::metrics(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    const observe::FlowAnswer flows = flows_.query({.limit = 0, .latest = true});
    const State state = controller_.state();
    const GuardView guard = controller_.guard();
    ApiResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics_text(
        {.state = state,
         .snapshot = snapshot ? &*snapshot : nullptr,
         .flow_records_lost = flows.lost,
         .flow_groups_evicted = flows.evicted,
         .ipfix = ipfix_ != nullptr ? std::optional(ipfix_->counts()) : std::nullopt,
         .health = health_ != nullptr ? std::optional(health_->health()) : std::nullopt,
         .uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_),
         .changes_refused = changes_refused_,
         .guard = &guard,
         .limits = metrics_});
    return response;
}

}  // namespace drywall::control
