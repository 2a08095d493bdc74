#include "drywall/explain/protocols.h"
#include "json.h"

namespace drywall::control {

namespace {

Json hits_json(const std::vector<std::string>& hits) {
    Json out = Json::array();
    for (const std::string& hit : hits) out.push_back(json_of_hit(hit));
    return out;
}

struct NameParts {
    std::string ns;
    std::string name;
};

// "workloadendpoint/prod/web-1" into "prod" and "web-1"
NameParts parts_of(const std::string& id) {
    const std::size_t first = id.find('/');
    const std::size_t last = id.rfind('/');
    if (first == std::string::npos) return {};
    return {first == last ? std::string() : id.substr(first + 1, last - first - 1), id.substr(last + 1)};
}

Json flow_json(const observe::FlowGroup& group) {
    const NameParts source = parts_of(group.source_name);
    const NameParts destination = parts_of(group.destination_name);
    Json out = {{"id", group.id},
                {"sequence", group.sequence},
                {"start_time", time_text(group.first_seen)},
                {"end_time", time_text(group.last_seen)},
                {"action", name(group.enforced)},
                {"pending_action", name(group.pending)},
                {"source_name", source.name},
                {"source_namespace", source.ns},
                {"source_ip", group.source.text()},
                {"dest_name", destination.name},
                {"dest_namespace", destination.ns},
                {"dest_ip", group.destination.text()},
                {"protocol", explain::protocol_name(group.protocol)},
                {"dest_port", net::has_ports(group.protocol) ? group.destination_port : std::uint16_t{0}}};
    if (net::is_icmp(group.protocol)) {
        out["icmp_type"] = group.destination_port >> 8;
        out["icmp_code"] = group.destination_port & 0xff;
    }
    out["reporter"] = "fwd";
    out["policies"] = {{"enforced", hits_json(group.enforced_hits)}, {"pending", hits_json(group.pending_hits)}};
    out["generation"] = index(group.generation);
    out["num_connections_started"] = group.connections_started;
    out["num_connections_completed"] = group.connections_completed;
    out["num_connections_live"] = group.connections_live;
    out["packets_out"] = group.forward.packets;
    out["bytes_out"] = group.forward.bytes;
    out["packets_in"] = group.reverse.packets;
    out["bytes_in"] = group.reverse.bytes;
    return out;
}

}  // namespace

Json json_of(const observe::FlowAnswer& answer) {
    Json flows = Json::array();
    for (const observe::FlowGroup& group : answer.groups) flows.push_back(flow_json(group));
    return {{"flows", std::move(flows)},
            {"next", answer.next_sequence},
            {"lost", answer.lost},
            {"evicted", answer.evicted}};
}

}  // namespace drywall::control
