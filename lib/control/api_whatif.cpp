// What would happen: recommendations out of what was seen.
#include <chrono>
#include <utility>
#include <vector>

#include "api.h"
#include "drywall/explain/parameters.h"
#include "drywall/whatif/json.h"
#include "drywall/whatif/recommend.h"
#include "json.h"

namespace drywall::control {

namespace {

constexpr std::size_t kMostFlowsAskedOf = 1'000'000;

whatif::WallTime now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

Result<whatif::RecommendOptions> recommend_options(const explain::Query& query) {
    whatif::RecommendOptions options;
    options.scope = explain::text_parameter(query, "for");
    const auto denied = explain::switch_parameter(query, "denied");
    if (!denied) return denied.error();
    options.denied = *denied;
    const std::string since = explain::text_parameter(query, "since");
    if (since.empty()) return options;
    options.since = whatif::parse_since(since, now());
    if (!options.since)
        return Error::of(ErrorKind::kInvalid, "parameter 'since' can't be '" + since + "'",
                         "give 15m, 24h, 7d, or a time: 2026-11-22T12:00:00Z");
    return options;
}

}  // namespace

Result<ApiResponse> Api::recommend(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<whatif::RecommendOptions> options = recommend_options(request.query);
    if (!options) return options.error();
    observe::FlowQuery query;
    query.limit = kMostFlowsAskedOf;
    if (options->since) query.since = *options->since;  // what is on disk too
    const observe::FlowAnswer seen = flows_.query(query);
    std::vector<whatif::RecordedFlow> flows;
    const Json records = json_of(seen);
    for (const Json& record : records.at("flows")) {
        Result<whatif::RecordedFlow> flow = whatif::recorded_flow(record);
        if (!flow) return std::move(flow).error();
        flows.push_back(*std::move(flow));
    }
    const State state = controller_.state();
    const auto recommended = whatif::recommend(*state.inventory, *state.ruleset, flows, *options);
    if (!recommended) return recommended.error();
    ApiResponse response;
    response.body =
        write(whatif::json_of(*recommended, state.ruleset->generation(), seen.lost + seen.evicted + seen.left_out));
    return response;
}

}  // namespace drywall::control
