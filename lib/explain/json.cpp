#include "drywall/explain/json.h"

#include "drywall/base/drop_reason.h"
#include "drywall/explain/protocols.h"

namespace drywall::explain {

namespace {

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

}  // namespace drywall::explain
