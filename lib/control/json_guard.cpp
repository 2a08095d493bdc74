#include <algorithm>

#include "drywall/explain/protocols.h"
#include "json.h"

namespace drywall::control {

namespace {

Json wires_json(const std::vector<TripWire>& wires) {
    Json out = Json::array();
    for (const TripWire& wire : wires) out.push_back(wire.text());
    return out;
}

std::int64_t whole_seconds(Nanos time) { return std::chrono::ceil<std::chrono::seconds>(time).count(); }

Json lost_json(const std::vector<LostFlow>& flows) {
    Json out = Json::array();
    for (const LostFlow& flow : flows)
        out.push_back({{"source", flow.source},
                       {"destination", flow.destination},
                       {"service", flow.service},
                       {"connections", flow.connections},
                       {"denied_by", flow.denied_by}});
    return out;
}

Json nets_json(const std::vector<net::Prefix>& nets) {
    Json out = Json::array();
    for (const net::Prefix& net : nets) out.push_back(net.text());
    return out;
}

// An entry of the appliance's failsafe list, with what passed by it.
Json failsafe_json(const policy::Surroundings::Failsafe& entry, std::size_t number,
                   const std::optional<runtime::Snapshot>& snapshot) {
    telemetry::PacketsBytes passed;
    if (snapshot)
        for (const runtime::RuleCounts& rule : snapshot->rules)
            if (rule.hit.kind == ruleset::HitKind::kFailsafe && rule.in_current_generation &&
                rule.hit.rule_index == static_cast<int>(number))
                passed += rule.enforced;
    return {{"service", explain::protocol_name(entry.protocol) + '/' + std::to_string(entry.port)},
            {"to", nets_json(entry.to)},
            {"from", nets_json(entry.from)},
            {"passed", json_of(passed)}};
}

}  // namespace

Json json_of(const PendingChange& change, const Moment& now) {
    return {{"generation", index(change.generation)},
            {"previous", index(change.previous)},
            {"deadline", time_text(change.deadline.at(now))},
            {"seconds_left", whole_seconds(change.deadline.left(now))},
            {"who", change.who.text()},
            {"revert_if", wires_json(change.trip_wires)}};
}

Json confirmation_json(const GuardView& view) {
    Json out = {{"state", name(view.confirmation)}};
    if (!view.change) return out;
    out.update(json_of(*view.change, view.now));
    if (view.confirmation == ConfirmationState::kArmed) {
        out["newly_denied"] = view.signs.newly_denied;
        out["newly_denied_examples"] = view.signs.examples;
        out["drops"] = view.signs.drops;
        out["records_lost"] = view.records_lost;
    } else {
        out.erase("deadline");
        out.erase("seconds_left");
        out["cause"] = view.cause;
    }
    return out;
}

Json reverted_json(const GuardView& view) {
    if (!view.last_revert) return nullptr;
    return {{"generation", index(view.last_revert->generation)},
            {"previous", index(view.last_revert->previous)},
            {"now", index(view.last_revert->now)},
            {"cause", view.last_revert->cause},
            {"who", view.last_revert->who.text()},
            {"at", time_text(view.last_revert->at)}};
}

Json safety_json(const GuardView& view) {
    Json out = {{"open", view.safety.has_value()}, {"rescue_flag", view.rescue_flag}};
    if (!view.safety) return out;
    out["reason"] = view.safety->reason;
    out["who"] = view.safety->who.text();
    out["since"] = time_text(view.safety->since);
    out["until"] = view.safety->until ? Json(time_text(view.safety->until->at(view.now))) : Json(nullptr);
    out["seconds_left"] = view.safety->until ? Json(whole_seconds(view.safety->until->left(view.now))) : Json(nullptr);
    return out;
}

Json safety_net_json(const SafetyNet& net, const runtime::Snapshot* snapshot) {
    telemetry::PacketsBytes caught;
    if (snapshot != nullptr)
        for (const runtime::RuleCounts& rule : snapshot->rules)
            if (rule.in_current_generation && is_caught_by(net, rule.hit)) caught += rule.enforced;
    return {{"policy", net.policy.text()},
            {"tier", net.policy.tier},
            {"ingress", net.ingress_rule >= 0},
            {"egress", net.egress_rule >= 0},
            {"caught", json_of(caught)}};
}

void mark_safety_nets(Json& stats, const runtime::Snapshot& snapshot, const std::vector<SafetyNet>& nets) {
    Json& rules = stats["rules"];
    for (std::size_t i = 0; i < snapshot.rules.size() && i < rules.size(); ++i)
        rules[i]["safety_net"] =
            snapshot.rules[i].in_current_generation && std::any_of(nets.begin(), nets.end(), [&](const SafetyNet& net) {
                return is_caught_by(net, snapshot.rules[i].hit);
            });
}

Json guard_status_json(const State& state, const std::optional<runtime::Snapshot>& snapshot, const GuardView& view) {
    Json nets = Json::array();
    for (const SafetyNet& net : safety_nets(*state.inventory))
        nets.push_back(safety_net_json(net, snapshot ? &*snapshot : nullptr));
    Json failsafe = Json::array();
    const auto& entries = state.ruleset->surroundings().failsafe;
    for (std::size_t i = 0; i < entries.size(); ++i) failsafe.push_back(failsafe_json(entries[i], i, snapshot));
    return {{"confirmation", confirmation_json(view)},
            {"last_revert", reverted_json(view)},
            {"safety", safety_json(view)},
            {"safety_nets", std::move(nets)},
            {"failsafe", std::move(failsafe)}};
}

Json json_of(const Drill& drill) {
    Json endpoints = Json::array();
    for (const LostEndpoint& endpoint : drill.lockouts.endpoints)
        endpoints.push_back({{"name", endpoint.name}, {"connections", endpoint.connections}});
    Json failsafes = Json::array();
    for (const DrilledFailsafe& one : drill.failsafes)
        failsafes.push_back({{"service", one.service}, {"to", one.to}, {"open", one.open}});
    return {{"generation", index(drill.current)},         {"built_in", drill.built_in},
            {"enforced_changed", drill.enforced_changed}, {"groups_seen", drill.lockouts.groups_seen},
            {"would_be_refused", drill.lockouts.any()},   {"management", lost_json(drill.lockouts.management)},
            {"endpoints", std::move(endpoints)},          {"others", lost_json(drill.lockouts.others)},
            {"failsafes", std::move(failsafes)},          {"build_ns", drill.build_time.count()}};
}

}  // namespace drywall::control
