#include "json_impact.h"

#include "drywall/explain/protocols.h"

namespace drywall::control {

namespace {

Json party_json(const net::Address& address, const std::string& name) {
    return {{"name", name}, {"ip", address.text()}};
}

void add_service(Json& out, std::uint8_t protocol, std::uint16_t destination_port) {
    out["protocol"] = explain::protocol_name(protocol);
    if (net::is_icmp(protocol)) {
        out["icmp_type"] = destination_port >> 8;
        out["icmp_code"] = destination_port & 0xff;
    } else {
        out["dest_port"] = destination_port;
    }
}

Json endpoint_json(const ruleset::Ruleset& ruleset, const net::Address& address) {
    const ruleset::EndpointInfo* endpoint = ruleset.endpoint_of(address);
    return party_json(address, endpoint == nullptr ? std::string() : endpoint->id.text());
}

Json connection_json(const flow::CensusEntry& entry, const observe::Rehearsal& rehearsal) {
    const ruleset::Ruleset& now = *rehearsal.now.ruleset;
    const net::Tuple& tuple = entry.tuple;
    Json out = {{"flow", observe::flow_id(now, tuple)},
                {"source", endpoint_json(now, {tuple.family, tuple.source})},
                {"source_port", tuple.source_port},
                {"dest", endpoint_json(now, {tuple.family, tuple.destination})}};
    add_service(out, tuple.protocol, tuple.destination_port);
    telemetry::PacketsBytes traffic = entry.forward;
    traffic += entry.reverse;
    out["ingress_port"] = now.surroundings().port_names.at(tuple.ingress_port);
    out["state"] = name(entry.state);
    out["traffic"] = json_of(traffic);
    out["now_by"] = rehearsal.now.decider(tuple);
    out["then_by"] = rehearsal.then.decider(tuple);
    return out;
}

Json group_json(const observe::ImpactGroup& group) {
    Json out = {{"effect", name(group.effect)}, {"now_by", group.now_by}, {"then_by", group.then_by}};
    out.update(summary_of(group.flow));
    return out;
}

Json requests_json(const observe::RequestImpact& requests, std::size_t limit) {
    Json examples = Json::array();
    for (const observe::ImpactRequest& one : requests.affected) {
        if (examples.size() == limit) break;
        Json row = {{"effect", name(one.effect)}, {"now_by", one.now_by}, {"then_by", one.then_by}};
        const observe::FlowRecord& connection = one.request.connection;
        row["time"] = time_text(one.request.time);
        row["kind"] = name(one.request.kind);
        row["method"] = one.request.method;
        row["host"] = one.request.host;
        row["path"] = one.request.path;
        row["source"] = party_json(connection.source, connection.source_party->id);
        row["source_port"] = connection.source_port;
        row["dest"] = party_json(connection.destination, connection.destination_party->id);
        add_service(row, connection.protocol, connection.destination_port);
        examples.push_back(std::move(row));
    }
    const std::size_t left_out = requests.affected.size() - examples.size();
    return {{"observed", requests.observed},
            {"newly_denied", requests.newly_denied},
            {"newly_allowed", requests.newly_allowed},
            {"uncertain", requests.uncertain},
            {"complete", requests.complete},
            {"examples", std::move(examples)},
            {"left_out", left_out}};
}

}  // namespace

Json summary_of(const observe::FlowGroup& flow) {
    Json out = {{"id", flow.id},
                {"source", party_json(flow.source, flow.source_name)},
                {"dest", party_json(flow.destination, flow.destination_name)}};
    add_service(out, flow.protocol, flow.destination_port);
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

Json json_of(const observe::Impact& impact, std::size_t limit) {
    Json groups = Json::array();
    for (const observe::ImpactGroup& group : impact.groups) groups.push_back(group_json(group));
    return {{"observed", json_of(impact.observed)},         {"matched", json_of(impact.matched)},
            {"newly_denied", json_of(impact.newly_denied)}, {"newly_allowed", json_of(impact.newly_allowed)},
            {"uncertain", json_of(impact.uncertain)},       {"groups", std::move(groups)},
            {"groups_left_out", impact.left_out},           {"requests", requests_json(impact.requests, limit)}};
}

Json json_of(const ruleset::PolicyRef& policy) {
    return {{"kind", policy::name(policy.kind)},
            {"tier", policy.tier},
            {"namespace", policy.ns},
            {"name", policy.name},
            {"staged", policy.staged}};
}

Json live_json(const runtime::Census& census, const observe::LiveImpact& live, const observe::Rehearsal& rehearsal,
               std::size_t limit) {
    Json examples = Json::array();
    for (const flow::CensusEntry& entry : live.cut) {
        if (examples.size() == limit) break;
        examples.push_back(connection_json(entry, rehearsal));
    }
    return {{"at", time_text(census.began)},
            {"missing", census.missing.empty() ? Json(nullptr) : Json(census.missing)},
            {"walked", live.walked},
            {"connections", live.connections},
            {"closed", live.closed},
            {"denied_now", live.denied_now},
            {"cut_by_recheck", live.cut.size()},
            {"cut_by_reset", live.touched},
            {"cut", std::move(examples)}};
}

}  // namespace drywall::control
