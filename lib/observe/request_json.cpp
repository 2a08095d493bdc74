#include "drywall/observe/flow_json.h"
#include "drywall/observe/request.h"

namespace drywall::observe {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRecord = "record";
constexpr const char* kRequest = "request";

Json hit_rows(const std::vector<Hit>& hits) {
    Json out = Json::array();
    for (const Hit& hit : hits) out.push_back(json_of_hit(hit));
    return out;
}

// The last hit without its position: "default|gnp:web|allow|0".
std::string decider(const std::vector<Hit>& hits) {
    if (hits.empty()) return {};
    const std::string& text = hits.back().text;
    return text.substr(text.find('|') + 1);
}

}  // namespace

Json json_of_request(const RequestRecord& request) {
    const FlowRecord& connection = request.connection;
    const Decided& decided = *connection.decision;
    return {{"sequence", request.sequence},
            {"time", utc_text(request.time)},
            {"kind", name(request.kind)},
            {"method", request.method},
            {"host", request.host},
            {"path", request.path},
            {"source_ip", connection.source.text()},
            {"source_name", connection.source_party->id},
            {"source_port", connection.source_port},
            {"dest_ip", connection.destination.text()},
            {"dest_name", connection.destination_party->id},
            {"dest_port", connection.destination_port},
            {"protocol", "tcp"},
            {"generation", index(connection.generation)},
            {"enforced", name(request.enforced())},
            {"drop_reason", name(request.drop_reason)},
            {"pending", request.known() ? Json(name(request.pending())) : Json()},
            {"would_change", request.would_change()},
            {"enforced_by", decider(decided.enforced_hits)},
            {"pending_by", decider(decided.pending_hits)},
            {"policies", {{"enforced", hit_rows(decided.enforced_hits)}, {"pending", hit_rows(decided.pending_hits)}}},
            {"responsible", decided.responsible}};
}

Json line_of_request(const RequestRecord& request) {
    Json out = {{kRecord, kRequest}};
    out.update(json_of_request(request));
    return out;
}

bool is_request_line(const Json& json) {
    if (!json.is_object()) return false;
    const auto record = json.find(kRecord);
    return record != json.end() && *record == kRequest;
}

}  // namespace drywall::observe
