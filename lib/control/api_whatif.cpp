// What would happen: recommendations out of what was seen.
#include <algorithm>
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
    const auto when = observe::moment(since, now());
    if (!when) return when.error();
    options.since = std::chrono::floor<std::chrono::milliseconds>(*when);
    return options;
}

whatif::RecordedFlow recorded(const observe::FlowGroup& group) {
    whatif::RecordedFlow flow;
    flow.source = group.source;
    flow.destination = group.destination;
    flow.protocol = group.protocol;
    flow.source_port = net::has_ports(group.protocol) ? group.source_port : std::uint16_t{0};
    flow.destination_port = group.destination_port;
    flow.ingress_port = group.ingress_port;
    flow.action = group.enforced;
    // What lives since before its policies changed was not started under these.
    flow.connections = std::max(group.connections_started, group.connections_live);
    flow.forward = group.forward;
    flow.reverse = group.reverse;
    flow.first = std::chrono::floor<std::chrono::milliseconds>(group.first_seen);
    flow.last = std::chrono::floor<std::chrono::milliseconds>(group.last_seen);
    return flow;
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
    flows.reserve(seen.groups.size());
    for (const observe::FlowGroup& group : seen.groups) flows.push_back(recorded(group));
    const State state = controller_.state();
    const auto recommended = whatif::recommend(*state.inventory, *state.ruleset, flows, *options);
    if (!recommended) return recommended.error();
    ApiResponse response;
    response.body =
        write(whatif::json_of(*recommended, state.ruleset->generation(), seen.lost + seen.evicted + seen.left_out));
    return response;
}

}  // namespace drywall::control
