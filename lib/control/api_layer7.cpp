// What is read inside of connections: what was asked for, and which names addresses are known by.
#include <algorithm>
#include <chrono>

#include "api.h"
#include "api_requests.h"
#include "drywall/explain/parameters.h"
#include "drywall/observe/request_log.h"
#include "json.h"

namespace drywall::control {

namespace {

constexpr std::uint64_t kMostRequests = 4096;
constexpr std::uint64_t kMostNames = 65536;

Json request_json(const observe::RequestRecord& record) {
    Json out = {{"sequence", record.sequence},
                {"time", time_text(record.time)},
                {"kind", observe::name(record.kind)},
                {"method", record.method},
                {"host", record.host},
                {"path", record.path},
                {"source_ip", record.source},
                {"source_name", record.source_name},
                {"source_port", record.source_port},
                {"dest_ip", record.destination},
                {"dest_name", record.destination_name},
                {"dest_port", record.destination_port},
                {"generation", index(record.generation)},
                {"enforced", name(record.enforced)},
                {"drop_reason", name(record.drop_reason)},
                {"pending", nullptr},
                {"enforced_by", record.enforced_by},
                {"pending_by", record.pending_by},
                {"responsible", record.responsible}};
    if (record.known) out["pending"] = name(record.pending);
    return out;
}

Result<bool> flag(const ApiRequest& request, const std::string& parameter) {
    const std::string text = explain::text_parameter(request.query, parameter, "false");
    if (text == "true" || text == "false") return text == "true";
    return Error::of(ErrorKind::kInvalid, parameter + " is true or false, not '" + text + "'");
}

}  // namespace

Result<ApiResponse> Api::requests(const ApiRequest& request, const Parts& /*parts*/) {
    observe::RequestQuery query;
    const auto limit = explain::number_parameter(request.query, "limit", 100, kMostRequests);
    if (!limit) return limit.error();
    const Result<bool> denied = flag(request, "denied");
    if (!denied) return denied.error();
    const Result<bool> differing = flag(request, "would-change");
    if (!differing) return differing.error();
    query.limit = *limit;
    query.only_denied = *denied;
    query.only_differing = *differing;
    Json rows = Json::array();
    for (const observe::RequestRecord& record : flows_.requests().query(query)) rows.push_back(request_json(record));
    return json_response({{"requests", std::move(rows)}});
}

Result<ApiResponse> Api::names(const ApiRequest& request, const Parts& /*parts*/) {
    const auto limit = explain::number_parameter(request.query, "limit", 1000, kMostNames);
    if (!limit) return limit.error();
    const std::string wanted = explain::text_parameter(request.query, "name");
    const Result<std::vector<inspect::KnownName>> known = controller_.names();
    if (!known) return known.error();
    Json rows = Json::array();
    std::size_t left_out = 0;
    for (const inspect::KnownName& one : *known) {
        if (!wanted.empty() && one.name != wanted) continue;
        if (rows.size() == *limit) {
            ++left_out;
            continue;
        }
        rows.push_back({{"name", one.name},
                        {"address", one.address.text()},
                        {"seconds_left", std::chrono::duration_cast<std::chrono::seconds>(one.left).count()}});
    }
    return json_response({{"names", std::move(rows)}, {"left_out", left_out}});
}

}  // namespace drywall::control
