#include "drywall/explain/json.h"

#include "drywall/base/drop_reason.h"
#include "drywall/explain/protocols.h"

namespace drywall::explain {

namespace {

void add_asked(Json& cell, const char* member, const std::vector<AskedService>& asked) {
    if (asked.empty()) return;
    Json& out = cell[member] = Json::array();
    for (const AskedService& one : asked) out.push_back({{"service", one.service}, {"asks", one.asks}});
}

Json cell_json(const Cell& cell, MatrixView view) {
    if (view != MatrixView::kDiff) {
        const bool enforced = view == MatrixView::kEnforced;
        const Reach reach = enforced ? cell.enforced : cell.pending;
        Json out = {{"reach", name(reach)}};
        if (reach == Reach::kMixed) out["allowed"] = enforced ? cell.enforced_allowed : cell.pending_allowed;
        add_asked(out, "depends", enforced ? cell.enforced_depends : cell.pending_depends);
        return out;
    }
    Json out = {{"enforced", name(cell.enforced)}, {"pending", name(cell.pending)}, {"differs", cell.differs}};
    add_asked(out, "enforced_depends", cell.enforced_depends);
    add_asked(out, "pending_depends", cell.pending_depends);
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

Json walk_json(const WalkedTier& tier) {
    Json policies = Json::array();
    for (const WalkedPolicy& policy : tier.policies) {
        Json rules = Json::array();
        for (const WalkedRule& rule : policy.rules)
            rules.push_back({{"index", rule.index},
                             {"action", name(rule.action)},
                             {"matched", rule.matched},
                             {"why_not", rule.why_not},
                             {"line", rule.spot.line}});
        policies.push_back(
            {{"policy", policy.name}, {"file", policy.file}, {"staged", policy.staged}, {"rules", std::move(rules)}});
    }
    return {{"tier", tier.tier}, {"policies", std::move(policies)}, {"end", tier.end}};
}

Json walk_json(const std::vector<WalkedStep>& walk) {
    Json steps = Json::array();
    for (const WalkedStep& step : walk) {
        Json tiers = Json::array();
        for (const WalkedTier& tier : step.tiers) tiers.push_back(walk_json(tier));
        steps.push_back({{"step", step.step}, {"tiers", std::move(tiers)}, {"otherwise", step.otherwise}});
    }
    return steps;
}

Json world_json(Verdict verdict, const std::vector<TraceHit>& hits, const std::vector<WalkedStep>& walk) {
    return {{"verdict", name(verdict)}, {"hits", trace_hits_json(hits)}, {"walk", walk_json(walk)}};
}

Json decision_json(const TraceDecision& decision) {
    return {{"ingress_ports", decision.ingress_ports},
            {"enforced", world_json(decision.enforced, decision.enforced_hits, decision.enforced_walk)},
            {"pending", world_json(decision.pending, decision.pending_hits, decision.pending_walk)},
            {"drop_reason", name(decision.reason)},
            {"unmatched", decision.unmatched},
            {"responsible", decision.responsible},
            {"depends_on", decision.depends_on}};
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
            {"group_by", matrix.group_by},
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
