#include "drywall/observe/drop.h"
#include "drywall/runtime/counts_json.h"
#include "json.h"

namespace drywall::control {

namespace {

using runtime::Snapshot;

// Those that counted, by name.
Json some_drops_json(const runtime::Drops& drops) {
    Json out = Json::object();
    for (const auto& [reason, count] : drops)
        if (count.packets > 0) out[std::string(name(reason))] = json_of(count);
    return out;
}

Json ports_json(const std::vector<runtime::PortTotals>& ports) {
    Json out = Json::array();
    for (const runtime::PortTotals& port : ports) {
        out.push_back({{"name", port.name},
                       {"peer", port.peer.empty() ? Json(nullptr) : Json(port.peer)},
                       {"link_up", port.link_up},
                       {"mtu", port.mtu == 0 ? Json(nullptr) : Json(port.mtu)},
                       {"received", json_of(port.received)},
                       {"forwarded", json_of(port.forwarded)},
                       {"transmitted", json_of(port.transmitted)},
                       {"drops", some_drops_json(port.drops)},
                       {"device",
                        {{"received", port.device.received},
                         {"missed", port.device.missed},
                         {"handed_over", port.device.handed_over},
                         {"errors", port.device.errors},
                         {"transmitted", port.device.transmitted},
                         {"transmit_errors", port.device.transmit_errors}}}});
    }
    return out;
}

Json workers_json(const Snapshot& snapshot) {
    Json out = Json::array();
    for (const Snapshot::Worker& worker : snapshot.workers) {
        out.push_back({{"core", worker.core},
                       {"packets", worker.packets},
                       {"bursts", worker.bursts},
                       {"loops", worker.loops},
                       {"flows", worker.flows},
                       {"table_bytes", worker.table_bytes},
                       {"heartbeat_age_ns", worker.heartbeat_age.count()},
                       {"busy_ns", worker.busy.count()},
                       {"busy_ratio", worker.busy_ratio},
                       {"drops", some_drops_json(worker.drops)}});
    }
    return out;
}

Json flows_json(const Snapshot& snapshot) {
    Json by_state = Json::object();
    for (std::size_t state = 1; state < snapshot.flows_by_state.size(); ++state) {
        Json& count = by_state[std::string(name(static_cast<flow::FlowState>(state)))];
        count = (count.is_null() ? 0 : count.get<std::uint64_t>()) + snapshot.flows_by_state[state];
    }
    return {
        {"live", snapshot.flows_live},     {"by_state", std::move(by_state)}, {"half_open", snapshot.flows_half_open},
        {"opened", snapshot.flows_opened}, {"ended", snapshot.flows_ended},   {"rejudged", snapshot.flows_rejudged},
        {"kept", snapshot.flows_kept},     {"reset", snapshot.flows_reset},   {"records_lost", snapshot.events_lost}};
}

// With what only the appliance counts: a replay has neither this clock nor a stats core.
Json rules_json(const std::vector<runtime::RuleCounts>& rules) {
    Json out = json_of(rules);
    for (std::size_t i = 0; i < rules.size(); ++i) {
        out[i]["connections"] = rules[i].connections;
        out[i]["requests"] = rules[i].requests;
        out[i]["would_deny_requests"] = rules[i].would_deny_requests;
        out[i]["would_allow_requests"] = rules[i].would_allow_requests;
        const bool hit = rules[i].last_hit != std::chrono::system_clock::time_point{};
        out[i]["last_hit"] = hit ? Json(time_text(rules[i].last_hit)) : Json(nullptr);
    }
    return out;
}

Json staged_json(const std::vector<runtime::PolicyCounts>& policies) {
    Json out = json_of(policies);
    for (std::size_t i = 0; i < policies.size(); ++i) {
        out[i]["would_deny_connections"] = policies[i].would_deny_connections;
        out[i]["would_deny_requests"] = policies[i].would_deny_requests;
        out[i]["would_allow_requests"] = policies[i].would_allow_requests;
    }
    return out;
}

Json resources_json(const policy::Inventory& inventory) {
    std::map<policy::Kind, std::size_t> counts;
    for (const auto& [id, resource] : inventory) ++counts[id.kind];
    Json out = Json::object();
    for (const policy::Kind kind : policy::all_kinds()) out[std::string(policy::name(kind))] = counts[kind];
    return out;
}

Json tables_json(const classify::Footprint& footprint) {
    return {{"bytes", footprint.table_bytes},
            {"traces", footprint.traces},
            {"blocks", footprint.blocks},
            {"address_classes", footprint.address_classes},
            {"service_classes", footprint.service_classes}};
}

}  // namespace

Json json_of(const Snapshot& snapshot) {
    return {{"generation", index(snapshot.generation)},
            {"judged", json_of(snapshot.judged)},
            {"enforced_allowed", json_of(snapshot.enforced_allowed)},
            {"enforced_denied", json_of(snapshot.enforced_denied)},
            {"only_observed", json_of(snapshot.only_observed)},
            {"unmatched", json_of(snapshot.unmatched)},
            {"rules", rules_json(snapshot.rules)},
            {"staged", staged_json(snapshot.staged)},
            {"disagreements", json_of(snapshot.disagreements)},
            {"received", json_of(snapshot.received)},
            {"transmitted", json_of(snapshot.transmitted)},
            {"non_ip_passed", json_of(snapshot.non_ip_passed)},
            {"neighbour_discovery_passed", json_of(snapshot.neighbour_discovery_passed)},
            {"related_passed", json_of(snapshot.related_passed)},
            {"kept_passed", json_of(snapshot.kept_passed)},
            {"reset_dropped", json_of(snapshot.reset_dropped)},
            {"resets_sent", snapshot.resets_sent},
            {"inspected", snapshot.inspected},
            {"requests_untold", snapshot.requests_untold},
            {"drops", json_of(snapshot.drops)},
            {"observed", some_drops_json(snapshot.observed)},
            {"ports", ports_json(snapshot.ports)},
            {"flows", flows_json(snapshot)},
            {"workers", workers_json(snapshot)},
            {"swaps", snapshot.swaps},
            {"rulesets_alive", snapshot.rulesets_alive}};
}

Json json_of_drops(const Snapshot& snapshot) {
    Json reasons = Json::array();
    for (const DropReasonText& text : kDropReasons) {
        Json ports = Json::object();
        for (const runtime::PortTotals& port : snapshot.ports) {
            const auto counted = port.drops.find(text.reason);
            if (counted != port.drops.end() && counted->second.packets > 0) ports[port.name] = json_of(counted->second);
        }
        const auto counted = snapshot.drops.find(text.reason);
        const telemetry::PacketsBytes sum =
            counted == snapshot.drops.end() ? telemetry::PacketsBytes{} : counted->second;
        reasons.push_back({{"reason", text.name},
                           {"packets", sum.packets},
                           {"bytes", sum.bytes},
                           {"ports", std::move(ports)},
                           {"meaning", text.meaning},
                           {"next", observe::advice(text.reason)}});
    }
    return {{"version", kDropReasonsVersion},
            {"received", json_of(snapshot.received)},
            {"transmitted", json_of(snapshot.transmitted)},
            {"observed", some_drops_json(snapshot.observed)},
            {"reasons", std::move(reasons)}};
}

Json json_of_status(const State& state, const std::optional<Snapshot>& snapshot, std::chrono::seconds uptime) {
    Json out = {{"version", DRYWALL_VERSION},
                {"generation", index(state.ruleset->generation())},
                {"generation_since", time_text(state.since)},
                {"uptime_seconds", uptime.count()},
                {"dataplane", snapshot ? "running" : "not running"},
                {"unmatched", name(state.ruleset->surroundings().unmatched)},
                {"failsafe_rules", state.ruleset->surroundings().failsafe.size()},
                {"resources", resources_json(*state.inventory)},
                {"tables", tables_json(state.ruleset->footprint())}};
    if (!snapshot) return out;
    std::uint64_t dropped = 0;
    for (const auto& [reason, count] : snapshot->drops) dropped += count.packets;
    out["received"] = json_of(snapshot->received);
    out["transmitted"] = json_of(snapshot->transmitted);
    out["dropped_packets"] = dropped;
    out["ports"] = ports_json(snapshot->ports);
    out["flows"] = flows_json(*snapshot);
    out["workers"] = workers_json(*snapshot);
    out["staged"] = staged_json(snapshot->staged);
    out["resets_sent"] = snapshot->resets_sent;
    out["inspected"] = snapshot->inspected;
    out["requests_untold"] = snapshot->requests_untold;
    out["swaps"] = snapshot->swaps;
    return out;
}

Json json_of(const runtime::Health& health) {
    Json reasons = Json::array();
    for (const runtime::Reason& reason : health.reasons) {
        reasons.push_back(
            {{"trouble", name(reason.trouble)}, {"text", reason.text}, {"since", time_text(reason.since)}});
        if (reason.trouble == runtime::Trouble::kWorkerHung) reasons.back()["worker"] = reason.worker;
    }
    return {{"state", name(health.state)},
            {"state_since", time_text(health.since)},
            {"reasons", std::move(reasons)},
            {"fail", health.fail_open ? "open" : "closed"}};
}

}  // namespace drywall::control
