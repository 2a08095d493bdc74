// What can be cleaned up: GET /v1/review/{unused,shadowed,safety-net,empty-selectors}.
#include <algorithm>
#include <limits>

#include "api.h"
#include "api_requests.h"
#include "drywall/control/safety_net.h"
#include "drywall/explain/review.h"
#include "drywall/explain/semantic_diff.h"
#include "edit_log.h"
#include "json_impact.h"

namespace drywall::control {

namespace {

using policy::Policy;
using ruleset::HitDescriptor;
using ruleset::HitKind;

constexpr std::size_t kMostCaught = 1000;

// Since when a rule is counted: counters begin with the process, and with the first generation that had the rule.
Json baseline(const EditLog& edits, Generation since) {
    const auto time = edits.time_of(since);
    return {{"generation", index(since)}, {"time", time ? Json(time_text(*time)) : Json(nullptr)}};
}

Json rule_json(const HitDescriptor& hit) {
    return {{"kind", policy::name(hit.policy->kind)},
            {"namespace", hit.policy->ns},
            {"name", hit.policy->name},
            {"tier", hit.policy->tier},
            {"staged", hit.policy->staged},
            {"direction", name(hit.direction)},
            {"index", hit.rule_index},
            {"action", name(hit.action)},
            {"rule", hit.text()}};
}

Json policy_json(const Policy& policy) {
    return {{"kind", policy::name(policy.kind())}, {"namespace", policy.metadata.ns},
            {"name", policy.metadata.name},        {"tier", policy.tier},
            {"staged", policy.staged()},           {"place", policy.metadata.place.text()}};
}

// Rules of policies that no packet met, in the world in which they take part.
Json unused(const State& state, const runtime::Snapshot& snapshot) {
    Json rows = Json::array();
    for (const runtime::RuleCounts& rule : snapshot.rules) {
        if (!rule.in_current_generation || rule.hit.kind != HitKind::kRule || !rule.hit.policy) continue;
        const bool hit = rule.enforced.packets > 0 || rule.pending.packets > 0;
        if (hit) continue;
        Json row = rule_json(rule.hit);
        row["counted_since"] = baseline(*state.edits, rule.since);
        rows.push_back(std::move(row));
    }
    return rows;
}

Json dead(const State& state, bool names_nothing) {
    const policy::CalicoView view = policy::calico_view(*state.inventory);
    Json rows = Json::array();
    for (const explain::DeadRule& rule : explain::dead_rules(*state.ruleset, view)) {
        if ((rule.reason == explain::DeadBecause::kNamesNothing) != names_nothing) continue;
        Json row = rule_json(state.ruleset->hit(rule.hit));
        row["reason"] = name(rule.reason);
        row["shadowed_by"] = rule.by;
        row["example"] = rule.example ? Json(explain::packet_text(*rule.example)) : Json(nullptr);
        row["place"] = rule.policy->metadata.place.text();
        rows.push_back(std::move(row));
    }
    return rows;
}

Json empty_selectors(const State& state) {
    const policy::CalicoView view = policy::calico_view(*state.inventory);
    Json rows = Json::array();
    for (const Policy* policy : explain::policies_without_endpoints(*state.ruleset, view)) {
        Json row = policy_json(*policy);
        row["what"] = "selects no endpoint";
        row["selector"] = policy::effective_selector(*policy);
        rows.push_back(std::move(row));
    }
    for (Json& row : dead(state, true)) {
        row["what"] = "names no address";
        rows.push_back(std::move(row));
    }
    return rows;
}

// Connections that nothing but a safety net lets pass: what is left to write before there can be a default deny.
Json safety_net(const State& state, const observe::FlowLog& flows) {
    const std::vector<SafetyNet> nets = safety_nets(*state.inventory);
    observe::FlowQuery everything;
    everything.limit = std::numeric_limits<std::uint32_t>::max();
    std::vector<observe::FlowGroup> groups = flows.query(everything).groups;
    std::ranges::sort(groups, std::ranges::greater{}, &observe::FlowGroup::connections_started);
    Json rows = Json::array();
    for (const observe::FlowGroup& group : groups) {
        if (rows.size() == kMostCaught) break;
        const HitDescriptor* hit = caught(*state.ruleset, nets, observe::first_packet(group));
        if (hit == nullptr) continue;
        Json row = rule_json(*hit);
        row.update(summary_of(group));
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace

Result<ApiResponse> Api::review(const ApiRequest& /*request*/, const Parts& parts) {
    const std::string& what = parts.front();
    const State state = controller_.state();
    Json out = {{"review", what}, {"generation", index(state.ruleset->generation())}};
    if (what == "unused") {
        const Result<runtime::Snapshot> snapshot = controller_.snapshot();
        if (!snapshot) return snapshot.error();
        out["rows"] = unused(state, *snapshot);
    } else if (what == "shadowed") {
        out["rows"] = dead(state, false);
    } else if (what == "safety-net") {
        out["rows"] = safety_net(state, flows_);
    } else if (what == "empty-selectors") {
        out["rows"] = empty_selectors(state);
    } else {
        return Error::of(ErrorKind::kNotFound, "there is no review of '" + what + "'",
                         "there are: unused, shadowed, safety-net, empty-selectors");
    }
    return json_response(out);
}

}  // namespace drywall::control
