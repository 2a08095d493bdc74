#include "drywall/base/drop_reason.h"
#include "json.h"

namespace drywall::control {

namespace {

using runtime::Snapshot;

Json rules_json(const std::vector<runtime::RuleCounts>& rules) {
    Json out = Json::array();
    for (const runtime::RuleCounts& rule : rules) {
        Json one = {{"rule", rule.hit.text()},
                    {"kind", ruleset::name(rule.hit.kind)},
                    {"direction", name(rule.hit.direction)},
                    {"forward", rule.hit.forward},
                    {"staged", rule.hit.policy && rule.hit.policy->staged}};
        Json armed_by = Json::array();
        for (const ruleset::PolicyRef& policy : rule.hit.armed_by) armed_by.push_back(policy.text());
        one["armed_by"] = std::move(armed_by);
        one["current"] = rule.in_current_generation;
        one["enforced"] = json_of(rule.enforced);
        one["pending"] = json_of(rule.pending);
        one["would_deny"] = json_of(rule.would_deny);
        one["would_allow"] = json_of(rule.would_allow);
        one["identity"] = rule.hit.identity;
        out.push_back(std::move(one));
    }
    return out;
}

Json staged_json(const std::vector<runtime::PolicyCounts>& policies) {
    Json out = Json::array();
    for (const runtime::PolicyCounts& counts : policies) {
        out.push_back({{"policy", counts.policy.text()},
                       {"kind", policy::name(counts.policy.kind)},
                       {"name", counts.policy.name},
                       {"tier", counts.policy.tier},
                       {"would_deny", json_of(counts.would_deny)},
                       {"would_allow", json_of(counts.would_allow)}});
    }
    return out;
}

Json disagreements_json(const std::vector<runtime::Disagreement>& disagreements) {
    Json out = Json::array();
    for (const runtime::Disagreement& one : disagreements) {
        out.push_back({{"enforced", one.enforced_text}, {"pending", one.pending_text}, {"count", json_of(one.count)}});
    }
    return out;
}

Json ports_json(const std::vector<runtime::PortTotals>& ports) {
    Json out = Json::array();
    for (const runtime::PortTotals& port : ports) {
        out.push_back({{"name", port.name},
                       {"link_up", port.link_up},
                       {"received", json_of(port.received)},
                       {"transmitted", json_of(port.transmitted)},
                       {"device",
                        {{"received", port.device.received},
                         {"missed", port.device.missed},
                         {"errors", port.device.errors},
                         {"transmitted", port.device.transmitted},
                         {"transmit_errors", port.device.transmit_errors}}}});
    }
    return out;
}

// Every reason, also those with nothing to show: a dashboard wants them all.
Json drops_json(const std::map<DropReason, telemetry::PacketsBytes>& drops) {
    Json out = Json::array();
    for (const DropReasonText& reason : kDropReasons) {
        const auto counted = drops.find(reason.reason);
        const telemetry::PacketsBytes count = counted == drops.end() ? telemetry::PacketsBytes{} : counted->second;
        out.push_back(
            {{"reason", reason.name}, {"meaning", reason.meaning}, {"packets", count.packets}, {"bytes", count.bytes}});
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
                       {"heartbeat_age_ns", worker.heartbeat_age.count()}});
    }
    return out;
}

Json flows_json(const Snapshot& snapshot) {
    return {{"live", snapshot.flows_live},
            {"opened", snapshot.flows_opened},
            {"ended", snapshot.flows_ended},
            {"rejudged", snapshot.flows_rejudged},
            {"records_lost", snapshot.events_lost}};
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
            {"unmatched", json_of(snapshot.unmatched)},
            {"rules", rules_json(snapshot.rules)},
            {"staged", staged_json(snapshot.staged)},
            {"disagreements", disagreements_json(snapshot.disagreements)},
            {"received", json_of(snapshot.received)},
            {"transmitted", json_of(snapshot.transmitted)},
            {"non_ip_passed", json_of(snapshot.non_ip_passed)},
            {"neighbour_discovery_passed", json_of(snapshot.neighbour_discovery_passed)},
            {"related_passed", json_of(snapshot.related_passed)},
            {"drops", drops_json(snapshot.drops)},
            {"ports", ports_json(snapshot.ports)},
            {"flows", flows_json(snapshot)},
            {"workers", workers_json(snapshot)},
            {"swaps", snapshot.swaps},
            {"rulesets_alive", snapshot.rulesets_alive}};
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
    out["swaps"] = snapshot->swaps;
    return out;
}

}  // namespace drywall::control
