#include "drywall/base/drop_reason.h"
#include "drywall/control/protocols.h"
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
                {"protocol", protocol_name(group.protocol)},
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

Json cell_json(const Cell& cell, MatrixView view) {
    if (view != MatrixView::kDiff) {
        const bool enforced = view == MatrixView::kEnforced;
        const Reach reach = enforced ? cell.enforced : cell.pending;
        Json out = {{"reach", name(reach)}};
        if (reach == Reach::kMixed) out["allowed"] = enforced ? cell.enforced_allowed : cell.pending_allowed;
        return out;
    }
    Json out = {{"enforced", name(cell.enforced)}, {"pending", name(cell.pending)}, {"differs", cell.differs}};
    if (!cell.differs) return out;
    out["enforced_allowed"] = cell.enforced_allowed;
    out["pending_allowed"] = cell.pending_allowed;
    return out;
}

std::string_view name_of(MatrixView view) {
    return view == MatrixView::kEnforced ? "enforced" : view == MatrixView::kPending ? "pending" : "diff";
}

Json trace_hits_json(const std::vector<TraceHit>& hits) {
    Json out = Json::array();
    for (const TraceHit& hit : hits) {
        out.push_back({{"step", hit.step},
                       {"text", hit.text},
                       {"kind", hit.kind},
                       {"action", hit.action},
                       {"staged", hit.staged},
                       {"armed_by", hit.armed_by}});
    }
    return out;
}

Json decision_json(const TraceDecision& decision) {
    return {{"ingress_ports", decision.ingress_ports},
            {"enforced", {{"verdict", name(decision.enforced)}, {"hits", trace_hits_json(decision.enforced_hits)}}},
            {"pending", {{"verdict", name(decision.pending)}, {"hits", trace_hits_json(decision.pending_hits)}}},
            {"drop_reason", name(decision.reason)},
            {"unmatched", decision.unmatched},
            {"responsible", decision.responsible}};
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

Json json_of(const Matrix& matrix, MatrixView view) {
    Json rows = Json::array();
    for (std::size_t i = 0; i < matrix.cells.size(); ++i) {
        Json cells = Json::array();
        for (const Cell& cell : matrix.cells[i]) cells.push_back(cell_json(cell, view));
        rows.push_back({{"source", matrix.endpoints[i]}, {"cells", std::move(cells)}});
    }
    return {{"generation", index(matrix.generation)},
            {"view", name_of(view)},
            {"endpoints", matrix.endpoints},
            {"services", matrix.services},
            {"rows", std::move(rows)},
            {"endpoints_left_out", matrix.endpoints_left_out},
            {"services_left_out", matrix.services_left_out}};
}

Json json_of(const TraceAnswer& answer) {
    const net::Tuple& tuple = answer.tuple;
    Json out = {{"generation", index(answer.generation)},
                {"protocol", protocol_name(tuple.protocol)},
                {"source_ip", net::Address{tuple.family, tuple.source}.text()},
                {"source_name", answer.source_name},
                {"source_port", tuple.source_port},
                {"dest_ip", net::Address{tuple.family, tuple.destination}.text()},
                {"dest_name", answer.destination_name}};
    if (net::is_icmp(tuple.protocol)) {
        out["icmp_type"] = tuple.destination_port >> 8;
        out["icmp_code"] = tuple.destination_port & 0xff;
    } else {
        out["dest_port"] = tuple.destination_port;
    }
    Json decisions = Json::array();
    for (const TraceDecision& decision : answer.decisions) decisions.push_back(decision_json(decision));
    out["decisions"] = std::move(decisions);
    return out;
}

}  // namespace drywall::control
