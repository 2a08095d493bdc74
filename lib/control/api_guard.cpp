#include "api.h"
#include "api_requests.h"
#include "drywall/explain/parameters.h"
#include "json.h"
#include "plan.h"

namespace drywall::control {

namespace {

constexpr Nanos kShortestOpening = std::chrono::seconds(1);
constexpr Nanos kLongestOpening = std::chrono::hours(24);
constexpr std::size_t kLongestReason = 1000;
constexpr std::size_t kCaughtShown = 50;  // groups of each safety net
constexpr std::size_t kMostCaughtGroups = 10'000;

// What it would catch again, newest first.
Json caught_json(const State& state, const SafetyNet& net, const std::vector<observe::FlowGroup>& groups) {
    Json out = Json::array();
    for (auto group = groups.rbegin(); group != groups.rend() && out.size() < kCaughtShown; ++group) {
        if (caught(*state.ruleset, {&net, 1}, observe::first_packet(*group)) == nullptr) continue;
        out.push_back(
            {{"source", group->source_name.empty() ? group->source.text() : group->source_name},
             {"destination", group->destination_name.empty() ? group->destination.text() : group->destination_name},
             {"service", service_text(*group)},
             {"connections", group->connections_started}});
    }
    return out;
}

}  // namespace

Result<ApiResponse> Api::confirmation(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const GuardView view = controller_.guard();
    Json out = confirmation_json(view);
    out["last_revert"] = reverted_json(view);
    return json_response(out);
}

Result<ApiResponse> Api::confirm(const ApiRequest& request, const Parts& /*parts*/) {
    std::optional<Generation> meant;
    if (const std::string text = explain::text_parameter(request.query, "generation"); !text.empty()) {
        const std::optional<std::uint64_t> number = explain::parse_number(text);
        if (!number)
            return Error::of(ErrorKind::kInvalid, "generation is '" + text + "'", "give the number of a generation");
        meant = static_cast<Generation>(*number);
    }
    const Result<PendingChange> confirmed = controller_.confirm(request.peer, request.connected, meant);
    if (!confirmed) return confirmed.error();
    return json_response({{"state", "confirmed"}, {"generation", index(confirmed->generation)}});
}

Result<ApiResponse> Api::safety(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    Json out = safety_json(controller_.guard());
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    observe::FlowQuery query;
    query.limit = kMostCaughtGroups;
    query.latest = true;
    const std::vector<observe::FlowGroup> groups = flows_.query(query).groups;
    const State state = controller_.state();
    Json nets = Json::array();
    for (const SafetyNet& net : safety_nets(*state.inventory)) {
        Json one = safety_net_json(net, snapshot ? &*snapshot : nullptr);
        one["flows"] = caught_json(state, net, groups);
        nets.push_back(std::move(one));
    }
    out["safety_nets"] = std::move(nets);
    return json_response(out);
}

Result<ApiResponse> Api::open_safety(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<Nanos> how_long =
        parse_time("for", explain::text_parameter(request.query, "for"), kShortestOpening, kLongestOpening);
    if (!how_long) return how_long.error();
    std::string reason = explain::text_parameter(request.query, "reason");
    if (reason.empty() || reason.size() > kLongestReason)
        return Error::of(ErrorKind::kInvalid, reason.empty() ? "there is no reason" : "the reason is too long",
                         "write why, in at most " + std::to_string(kLongestReason) + " characters: it is recorded");
    const Result<SafetyOpening> opened = controller_.open_safety(*how_long, std::move(reason), request.peer);
    if (!opened) return opened.error();
    return json_response(safety_json(controller_.guard()));
}

Result<ApiResponse> Api::close_safety(const ApiRequest& request, const Parts& /*parts*/) {
    if (Status closed = controller_.close_safety(request.peer); !closed) return std::move(closed).error();
    return json_response(safety_json(controller_.guard()));
}

Result<ApiResponse> Api::drill(const ApiRequest& request, const Parts& /*parts*/) {
    const std::string name = explain::text_parameter(request.query, "promote");
    if (!name.empty() && !request.body.empty())
        return Error::of(ErrorKind::kInvalid, "a drill of files and of a promotion at once", "ask for one of them");
    if (!name.empty()) {
        const Result<policy::ResourceId> staged =
            find_staged(*controller_.state().inventory, {.kind = {}, .ns = {}, .name = name});
        if (!staged) return staged.error();
        const Result<Drill> drill = controller_.drill_promotion(*staged);
        return drill ? Result<ApiResponse>(json_response(json_of(*drill))) : drill.error();
    }
    const bool built_in = request.body.empty();
    const Result<std::vector<loader::Source>> sources = built_in ? std::vector{deny_everything()} : sources_of(request);
    if (!sources) return sources.error();
    Result<Drill> drill = controller_.drill(*sources);
    if (!drill) return drill.error();
    drill->built_in = built_in;
    return json_response(json_of(*drill));
}

}  // namespace drywall::control
