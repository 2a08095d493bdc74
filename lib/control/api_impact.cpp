// What promoting would do: GET /v1/impact, /v1/check and /v1/diff/semantic.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "api.h"
#include "api_requests.h"
#include "drywall/control/lockout.h"
#include "drywall/control/safety_net.h"
#include "drywall/explain/parameters.h"
#include "drywall/explain/semantic_diff.h"
#include "edit_log.h"
#include "json_impact.h"

namespace drywall::control {

namespace {

using explain::number_parameter;
using explain::Regime;
using policy::ResourceId;
using ruleset::PolicyRef;
using WallTime = std::chrono::system_clock::time_point;

constexpr std::uint64_t kUsualGroups = 20;
constexpr std::uint64_t kMostGroups = 10'000;
constexpr std::uint64_t kUsualRegions = 200;
constexpr std::uint64_t kMostRegions = 10'000;
constexpr std::size_t kEveryGroup = std::numeric_limits<std::uint32_t>::max();

// A staged policy, and how hits name it, before and after its promotion.
struct Candidate {
    ResourceId id;
    PolicyRef staged;
    PolicyRef enforced;
    policy::StagedAction action = policy::StagedAction::kSet;
};

std::optional<Candidate> candidate_of(const ResourceId& id, const policy::Resource& resource) {
    const auto made = [&](policy::StagedAction action, const std::string& tier) {
        const policy::Kind enforced = policy::enforced_twin(id.kind).value_or(id.kind);
        return Candidate{id, {id.kind, tier, id.ns, id.name, true}, {enforced, tier, id.ns, id.name, false}, action};
    };
    if (const auto* one = std::get_if<policy::Policy>(&resource); one != nullptr && one->staged())
        return made(*one->staged_action, one->tier);
    if (const auto* one = std::get_if<policy::KubernetesNetworkPolicy>(&resource); one != nullptr && one->staged_action)
        return made(*one->staged_action, std::string(policy::kDefaultTier));
    return std::nullopt;
}

// Those that would change something: all of them, or the one that is named.
Result<std::vector<Candidate>> candidates(const ApiRequest& request, const policy::Inventory& inventory) {
    std::vector<Candidate> out;
    const std::string name = explain::text_parameter(request.query, "name");
    if (name.empty()) {
        for (const auto& [id, resource] : inventory)
            if (auto one = candidate_of(id, *resource); one && one->action != policy::StagedAction::kIgnore)
                out.push_back(*std::move(one));
        return out;
    }
    Json wanted = {{"name", name}};
    for (const char* part : {"kind", "namespace"})
        if (const std::string text = explain::text_parameter(request.query, part); !text.empty()) wanted[part] = text;
    const Result<StagedName> named = staged_name(wanted);
    if (!named) return named.error();
    const Result<ResourceId> id = find_staged(inventory, *named);
    if (!id) return id.error();
    out.push_back(*candidate_of(*id, *inventory.at(*id)));
    return out;
}

// Everything that was recorded since then, and how complete that is.
struct Recorded {
    observe::FlowAnswer flows;
    std::optional<WallTime> since;  // absent: since each group was first seen
    [[nodiscard]] std::uint64_t lost() const noexcept { return flows.lost + flows.left_out; }
    // Groups that were forgotten are still in the spans.
    [[nodiscard]] std::uint64_t forgotten() const noexcept { return since ? 0 : flows.evicted; }
    [[nodiscard]] bool complete() const noexcept { return lost() == 0 && forgotten() == 0 && !flows.reaches_back_to; }
};

Recorded recorded_since(const observe::FlowLog& log, std::optional<WallTime> since) {
    observe::FlowQuery query;
    query.limit = kEveryGroup;
    query.since = since;
    Recorded out{log.query(query), since};
    if (out.flows.reaches_back_to) out.since = out.flows.reaches_back_to;
    return out;
}

// What was asked inside of connections since then, and how complete that is. Without a dataplane no names are known.
observe::RequestEvidence asked_since(Controller& controller, const observe::FlowLog& log,
                                     const runtime::Snapshot& snapshot, std::optional<WallTime> since) {
    observe::RequestEvidence out;
    out.requests = log.requests().everything(since.value_or(WallTime{}));
    if (auto names = controller.names()) out.names = *std::move(names);
    // Whose record found no room may have been of any time.
    if (snapshot.requests_untold > 0) return out;
    const auto forgotten = log.requests().forgotten();
    if (forgotten.requests == 0)
        out.complete_since = since.value_or(WallTime{});
    else
        out.complete_since = std::max(since.value_or(WallTime{}), forgotten.last + std::chrono::milliseconds(1));
    return out;
}

observe::Rehearsal in_combination(const ruleset::Ruleset& now, const Candidate& candidate) {
    return {
        {&now, World::kEnforced}, {&now, World::kPending}, candidate.staged, {candidate.staged, candidate.enforced}};
}

observe::Rehearsal alone(const ruleset::Ruleset& now, const ruleset::Ruleset& then, const Candidate& candidate) {
    return {{&now, World::kEnforced}, {&then, World::kEnforced}, std::nullopt, {candidate.enforced}};
}

bool is_by(const ruleset::HitDescriptor& hit, const PolicyRef& policy) {
    return hit.policy == policy && hit.kind == ruleset::HitKind::kRule;
}

// The staged policy's rules that no packet met, by the counters, which lose nothing.
Json never_hit(const runtime::Snapshot& snapshot, const Candidate& candidate) {
    Json out = Json::array();
    for (const runtime::RuleCounts& rule : snapshot.rules)
        if (rule.in_current_generation && is_by(rule.hit, candidate.staged) && rule.pending.packets == 0)
            out.push_back({{"rule", rule.hit.text()}, {"since_generation", index(rule.since)}});
    return out;
}

Json counted(const runtime::Snapshot& snapshot, const Candidate& candidate) {
    const auto found = std::ranges::find(snapshot.staged, candidate.staged, &runtime::PolicyCounts::policy);
    const runtime::PolicyCounts counts = found == snapshot.staged.end() ? runtime::PolicyCounts{} : *found;
    return {{"would_deny", json_of(counts.would_deny)},
            {"would_allow", json_of(counts.would_allow)},
            {"would_deny_requests", counts.would_deny_requests},
            {"would_allow_requests", counts.would_allow_requests}};
}

Json disagreement_rows(const std::vector<runtime::Disagreement>& disagreements) {
    Json out = Json::array();
    for (const runtime::Disagreement& one : disagreements)
        out.push_back({{"enforced", one.enforced_text}, {"pending", one.pending_text}, {"count", json_of(one.count)}});
    return out;
}

Json edit_json(const EditLog::Edit& edit) {
    return {{"resource", edit.id.name.empty() ? Json(nullptr) : Json(edit.id.text())},
            {"generation", index(edit.generation)},
            {"time", time_text(edit.time)}};
}

Result<std::optional<WallTime>> since_parameter(const ApiRequest& request) {
    const std::string text = explain::text_parameter(request.query, "since");
    if (text.empty()) return std::optional<WallTime>();
    const Result<WallTime> since = observe::moment(text, std::chrono::system_clock::now());
    if (!since) return since.error();
    return std::optional(*since);
}

Result<std::vector<std::uint64_t>> acknowledged(const ApiRequest& request) {
    std::vector<std::uint64_t> out;
    std::string text = explain::text_parameter(request.query, "ack");
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        const auto id = explain::parse_number(text.substr(0, comma));
        if (!id)
            return Error::of(ErrorKind::kInvalid, "'ack' holds '" + text.substr(0, comma) + "'",
                             "give ids of flows, with commas between them");
        out.push_back(*id);
        text = comma == std::string::npos ? std::string() : text.substr(comma + 1);
    }
    return out;
}

// Where nobody can be asked, nobody's connections are known, which is no reason to say nothing.
runtime::Census census_of(Controller& controller) {
    Result<runtime::Census> census = controller.census();
    if (census) return *std::move(census);
    return {.connections = {}, .began = std::chrono::system_clock::now(), .missing = census.error().text()};
}

Json live_of(const runtime::Census& census, const observe::Rehearsal& rehearsal, std::size_t limit) {
    return live_json(census, observe::rehearse(census.connections, rehearsal), rehearsal, limit);
}

std::string header_name(const Candidate& candidate) { return candidate.id.text(); }

Json head_of(const Candidate& candidate, const EditLog::Edit& edit) {
    return {{"policy", header_name(candidate)},
            {"kind", policy::name(candidate.id.kind)},
            {"namespace", candidate.id.ns},
            {"name", candidate.id.name},
            {"last_edit", edit_json(edit)}};
}

void add_completeness(Json& out, const Recorded& recorded) {
    out["since"] = recorded.since ? Json(time_text(*recorded.since)) : Json(nullptr);
    out["lost"] = recorded.lost();
    out["forgotten"] = recorded.forgotten();
    out["exact"] = recorded.complete();
}

}  // namespace

Result<ApiResponse> Api::impact(const ApiRequest& request, const Parts& /*parts*/) {
    const State state = controller_.state();
    const Result<std::vector<Candidate>> wanted = candidates(request, *state.inventory);
    if (!wanted) return wanted.error();
    const auto since = since_parameter(request);
    if (!since) return since.error();
    const auto limit = number_parameter(request.query, "limit", kUsualGroups, kMostGroups);
    if (!limit) return limit.error();
    const Result<runtime::Snapshot> counters = controller_.snapshot();
    const runtime::Snapshot snapshot = counters ? *counters : runtime::Snapshot{};
    const Recorded recorded = recorded_since(flows_, *since);
    const std::vector<observe::FlowGroup>& groups = recorded.flows.groups;
    const runtime::Census census = census_of(controller_);
    const observe::RequestEvidence asked = asked_since(controller_, flows_, snapshot, recorded.since);
    const auto rehearsed = [&](const observe::Rehearsal& rehearsal) {
        return json_of(observe::rehearse(groups, rehearsal, *limit, asked), *limit);
    };

    Json policies = Json::array();
    for (const Candidate& candidate : *wanted) {
        if (stopping_)  // with many of them this takes minutes
            return Error::of(ErrorKind::kUnavailable, "drywalld is stopping", "ask again when it runs");
        Json one = head_of(candidate, state.edits->last_that_concerns(*state.inventory, candidate.id));
        const auto then = controller_.rehearse_promotion(candidate.id);
        if (!then) return then.error();
        const observe::Rehearsal by_itself = alone(*state.ruleset, **then, candidate);
        one["alone"] = rehearsed(by_itself);
        one["live"] = live_of(census, by_itself, *limit);
        one["in_combination"] = rehearsed(in_combination(*state.ruleset, candidate));
        one["counted"] = counted(snapshot, candidate);
        one["rules_never_hit"] = never_hit(snapshot, candidate);
        policies.push_back(std::move(one));
    }
    Json out = {{"generation", index(state.ruleset->generation())}};
    add_completeness(out, recorded);
    const observe::Rehearsal all{
        {state.ruleset.get(), World::kEnforced}, {state.ruleset.get(), World::kPending}, std::nullopt, {}};
    out["policies"] = std::move(policies);
    out["together"] = rehearsed(all);
    out["live"] = live_of(census, all, *limit);
    out["disagreements"] = disagreement_rows(snapshot.disagreements);
    return json_response(out);
}

namespace {

struct CheckQuestion {
    observe::CheckLimits limits;
    std::uint64_t groups = kUsualGroups;
    std::vector<std::uint64_t> acknowledged;
    std::optional<WallTime> since;
};

Result<CheckQuestion> check_question(const ApiRequest& request, const observe::CheckLimits& usual) {
    const auto time = number_parameter(request.query, "min-time", static_cast<std::uint64_t>(usual.min_time.count()),
                                       std::numeric_limits<std::uint32_t>::max());
    if (!time) return time.error();
    const auto connections = number_parameter(request.query, "min-connections", usual.min_connections,
                                              std::numeric_limits<std::uint64_t>::max());
    if (!connections) return connections.error();
    const auto groups = number_parameter(request.query, "limit", kUsualGroups, kMostGroups);
    if (!groups) return groups.error();
    auto ack = acknowledged(request);
    if (!ack) return ack.error();
    const auto since = since_parameter(request);
    if (!since) return since.error();
    return CheckQuestion{{std::chrono::seconds(*time), *connections}, *groups, *std::move(ack), *since};
}

observe::Rehearsal together(const ruleset::Ruleset& now, const std::vector<Candidate>& all) {
    observe::Rehearsal rehearsal{{&now, World::kEnforced}, {&now, World::kPending}, std::nullopt, {}};
    for (const Candidate& each : all) {
        rehearsal.matched_by.push_back(each.staged);
        rehearsal.matched_by.push_back(each.enforced);
    }
    return rehearsal;
}

Json check_json(const observe::Evidence& evidence, const observe::Judgement& judgement,
                const observe::CheckLimits& limits) {
    return {{"verdict", name(judgement.safety)},
            {"reasons", judgement.reasons},
            {"observed_for_seconds", evidence.observed_for.count()},
            {"min_time_seconds", limits.min_time.count()},
            {"min_connections", limits.min_connections},
            {"acknowledged", judgement.acknowledged},
            {"would_deny_requests", judgement.would_deny_requests}};
}

// The paths by which the site is managed are not for sale: no acknowledgement makes their loss safe.
std::vector<std::string> objections_of(const Lockouts& lockouts) {
    std::vector<std::string> out;
    for (const LostFlow& lost : lockouts.management)
        out.push_back("a way by which the site is managed would be cut: " + lost.text());
    return out;
}

// How much of what was seen nothing but a safety net lets pass, now and then: what is still to be written.
Json caught_share(const ruleset::Ruleset& now, const ruleset::Ruleset& then, const std::vector<SafetyNet>& nets,
                  const std::vector<observe::FlowGroup>& groups) {
    std::uint64_t connections = 0;
    std::uint64_t caught_now = 0;
    std::uint64_t caught_then = 0;
    for (const observe::FlowGroup& group : groups) {
        const net::Tuple tuple = observe::first_packet(group);
        connections += group.connections_started;
        if (caught(now, nets, tuple) != nullptr) caught_now += group.connections_started;
        if (caught(then, nets, tuple) != nullptr) caught_then += group.connections_started;
    }
    return {{"policies", nets.size()}, {"connections", connections}, {"now", caught_now}, {"then", caught_then}};
}

void shorten(observe::Impact& impact, std::uint64_t limit) {
    if (impact.groups.size() <= limit) return;
    impact.left_out = impact.groups.size() - limit;
    impact.groups.resize(limit);
}

}  // namespace

Result<ApiResponse> Api::check(const ApiRequest& request, const Parts& /*parts*/) {
    const State state = controller_.state();
    const Result<std::vector<Candidate>> wanted = candidates(request, *state.inventory);
    if (!wanted) return wanted.error();
    const Result<CheckQuestion> question = check_question(request, check_limits_);
    if (!question) return question.error();
    if (wanted->empty())
        return Error::of(ErrorKind::kNotFound, "nothing is staged that could be promoted",
                         "`drywall stage -f FILE` stages a policy");

    const bool one = !explain::text_parameter(request.query, "name").empty();
    const Candidate& candidate = wanted->front();
    const EditLog::Edit edit =
        one ? state.edits->last_that_concerns(*state.inventory, candidate.id) : state.edits->last_of_any();
    Recorded recorded = recorded_since(flows_, std::max(edit.time, question->since.value_or(edit.time)));
    observe::FlowQuery known;
    known.limit = kEveryGroup;
    observe::add_open(recorded.flows.groups, flows_.query(known).groups);
    std::vector<ResourceId> ids;
    for (const Candidate& each : *wanted) ids.push_back(each.id);
    const Controller::Rehearsed then = controller_.rehearse_promotions(ids);
    if (!then) return then.error();

    const observe::Rehearsal rehearsal =
        one ? alone(*state.ruleset, **then, candidate) : together(*state.ruleset, *wanted);
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    observe::Evidence evidence;
    evidence.impact =
        observe::rehearse(recorded.flows.groups, rehearsal, kEveryGroup,
                          asked_since(controller_, flows_, snapshot ? *snapshot : runtime::Snapshot{}, recorded.since));
    evidence.observed_for =
        observe::observed_for(*recorded.since, std::chrono::system_clock::now(), monotonic_now() - edit.at);
    evidence.lost = recorded.lost();
    evidence.forgotten = recorded.forgotten();
    evidence.acknowledged = question->acknowledged;
    const Lockouts lockouts = find_lockouts(*state.ruleset, **then, recorded.flows.groups, controller_.management());
    evidence.objections = objections_of(lockouts);
    const runtime::Census census = census_of(controller_);
    const observe::LiveImpact live = observe::rehearse(census.connections, rehearsal);
    evidence.open_unforeseen = observe::unforeseen(live, evidence.impact, rehearsal, evidence.acknowledged);
    evidence.open_missing = census.missing;
    Json out = check_json(evidence, observe::judge(evidence, question->limits), question->limits);
    shorten(evidence.impact, question->groups);
    out["policy"] = one ? Json(header_name(candidate)) : Json(nullptr);
    out["mode"] = one ? "alone" : "together";
    out["generation"] = index(state.ruleset->generation());
    out["last_edit"] = edit_json(edit);
    add_completeness(out, recorded);
    out["live"] = live_json(census, live, rehearsal, question->groups);
    Json unhit = Json::array();
    if (snapshot)
        for (const Candidate& each : *wanted)
            for (Json& rule : never_hit(*snapshot, each)) unhit.push_back(std::move(rule));
    out["rules_never_hit"] = std::move(unhit);
    out["management"] = {{"seen", lockouts.management_seen}, {"cut", lockouts.management.size()}};
    out["safety_net"] = caught_share(*state.ruleset, **then, safety_nets(*state.inventory), recorded.flows.groups);
    out["impact"] = json_of(evidence.impact, question->groups);
    return json_response(out);
}

namespace {

Result<ApiResponse> compared(const Regime& before, const Regime& after, std::uint64_t limit) {
    const auto diff = explain::semantic_diff(before, after, {.regions = limit});
    if (!diff) return diff.error();
    return json_response(explain::json_of(*diff, before, after));
}

}  // namespace

Controller::Rehearsed Api::ruleset_of(const State& state, Generation generation) const {
    if (generation == state.ruleset->generation()) return state.ruleset;
    const Result<policy::Inventory> content = controller_.content(generation);
    if (!content) return content.error();
    return controller_.compile(generation, *content);
}

Result<ApiResponse> Api::semantic_diff(const ApiRequest& request, const Parts& /*parts*/) {
    const auto limit = number_parameter(request.query, "limit", kUsualRegions, kMostRegions);
    if (!limit) return limit.error();
    const State state = controller_.state();
    const std::uint64_t current = index(state.ruleset->generation());
    const auto from = number_parameter(request.query, "from", current, std::numeric_limits<std::uint64_t>::max());
    if (!from) return from.error();
    const auto to = number_parameter(request.query, "to", current, std::numeric_limits<std::uint64_t>::max());
    if (!to) return to.error();
    if (!request.query.contains("from") && !request.query.contains("to"))
        return compared({state.ruleset.get(), World::kEnforced}, {state.ruleset.get(), World::kPending}, *limit);
    const auto before = ruleset_of(state, Generation{*from});
    if (!before) return before.error();
    const auto after = ruleset_of(state, Generation{*to});
    if (!after) return after.error();
    return compared({before->get(), World::kEnforced}, {after->get(), World::kEnforced}, *limit);
}

Result<ApiResponse> Api::semantic_diff_of_files(const ApiRequest& request, const Parts& /*parts*/) {
    const auto limit = number_parameter(request.query, "limit", kUsualRegions, kMostRegions);
    if (!limit) return limit.error();
    const auto sources = sources_of(request);
    if (!sources) return sources.error();
    const State state = controller_.state();
    const auto then = controller_.rehearse_apply(*sources);
    if (!then) return then.error();
    // Where nothing enforced would change, the question is what the staged policies among them would do.
    const bool enforced = state.ruleset->enforced_image() != (*then)->enforced_image();
    return compared({state.ruleset.get(), World::kEnforced},
                    {then->get(), enforced ? World::kEnforced : World::kPending}, *limit);
}

}  // namespace drywall::control
