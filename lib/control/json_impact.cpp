#include "json_impact.h"

#include "drywall/explain/protocols.h"

namespace drywall::control {

namespace {

Json party_json(const net::Address& address, const std::string& name) {
    return {{"name", name}, {"ip", address.text()}};
}

Json group_json(const observe::ImpactGroup& group) {
    Json out = {{"effect", name(group.effect)}, {"now_by", group.now_by}, {"then_by", group.then_by}};
    out.update(summary_of(group.flow));
    return out;
}

}  // namespace

Json summary_of(const observe::FlowGroup& flow) {
    Json out = {{"id", flow.id},
                {"source", party_json(flow.source, flow.source_name)},
                {"dest", party_json(flow.destination, flow.destination_name)},
                {"protocol", explain::protocol_name(flow.protocol)}};
    if (net::is_icmp(flow.protocol)) {
        out["icmp_type"] = flow.destination_port >> 8;
        out["icmp_code"] = flow.destination_port & 0xff;
    } else {
        out["dest_port"] = flow.destination_port;
    }
    telemetry::PacketsBytes traffic = flow.forward;
    traffic += flow.reverse;
    out["connections"] = flow.connections_started;
    out["live"] = flow.connections_live;
    out["traffic"] = json_of(traffic);
    out["first_seen"] = time_text(flow.first_seen);
    out["last_seen"] = time_text(flow.last_seen);
    return out;
}

Json json_of(const observe::ImpactCount& count) {
    Json out = {{"groups", count.groups},
                {"connections", count.connections},
                {"live", count.live},
                {"traffic", json_of(count.traffic)}};
    out["first_seen"] = count.first_seen ? Json(time_text(*count.first_seen)) : Json(nullptr);
    out["last_seen"] = count.last_seen ? Json(time_text(*count.last_seen)) : Json(nullptr);
    return out;
}

Json json_of(const observe::Impact& impact) {
    Json groups = Json::array();
    for (const observe::ImpactGroup& group : impact.groups) groups.push_back(group_json(group));
    return {{"observed", json_of(impact.observed)},
            {"matched", json_of(impact.matched)},
            {"newly_denied", json_of(impact.newly_denied)},
            {"newly_allowed", json_of(impact.newly_allowed)},
            {"uncertain", json_of(impact.uncertain)},
            {"groups", std::move(groups)},
            {"groups_left_out", impact.left_out}};
}

Json json_of(const ruleset::PolicyRef& policy) {
    return {{"kind", policy::name(policy.kind)},
            {"tier", policy.tier},
            {"namespace", policy.ns},
            {"name", policy.name},
            {"staged", policy.staged}};
}

}  // namespace drywall::control
