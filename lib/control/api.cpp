#include "api.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>

#include "drywall/base/logging.h"
#include "json.h"

namespace drywall::control {

namespace {

constexpr std::array<std::string_view, 0> kNone{};
constexpr auto kFormat = std::to_array<std::string_view>({"format"});
// What change_options() reads, and what a request has besides.
constexpr auto kConfirm = std::to_array<std::string_view>({"generation"});
constexpr auto kSafetyOpen = std::to_array<std::string_view>({"for", "reason"});
constexpr auto kDrill = std::to_array<std::string_view>({"promote", "source"});
constexpr auto kSource = std::to_array<std::string_view>({"source"});
constexpr auto kLimit = std::to_array<std::string_view>({"limit"});
constexpr auto kAudit = std::to_array<std::string_view>({"limit", "before"});
constexpr auto kDiff = std::to_array<std::string_view>({"from", "to"});
constexpr auto kChange = std::to_array<std::string_view>(
    {"if-generation", "comment", "existing", "confirm-within", "confirm-if", "revert-if", "force"});
constexpr auto kFiles = std::to_array<std::string_view>(
    {"if-generation", "comment", "existing", "confirm-within", "confirm-if", "revert-if", "force", "source"});
constexpr auto kMatrix = std::to_array<std::string_view>({"view", "service", "group-by", "limit"});
constexpr auto kRecommend = std::to_array<std::string_view>({"for", "since", "denied"});
constexpr auto kImpact = std::to_array<std::string_view>({"name", "kind", "namespace", "since", "limit"});
constexpr auto kCheck = std::to_array<std::string_view>(
    {"name", "kind", "namespace", "since", "min-time", "min-connections", "ack", "limit"});
constexpr auto kSemantic = std::to_array<std::string_view>({"from", "to", "limit"});
constexpr auto kSemanticFiles = std::to_array<std::string_view>({"source", "limit"});
constexpr auto kTrace = std::to_array<std::string_view>(
    {"protocol", "source", "destination", "source-port", "port", "type", "code", "in", "http", "sni", "domain"});
constexpr auto kNames = std::to_array<std::string_view>({"name", "limit"});

std::vector<std::string_view> segments(std::string_view path) {
    std::vector<std::string_view> out;
    while (!path.empty() && path.front() == '/') {
        path.remove_prefix(1);
        out.push_back(path.substr(0, path.find('/')));
        path.remove_prefix(out.back().size());
    }
    return out;
}

// What stands for the pattern's {parts}, or nothing if the path has another shape.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
    const std::vector<std::string_view> wanted = segments(pattern);
    const std::vector<std::string_view> given = segments(path);
    if (wanted.size() != given.size()) return std::nullopt;
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with('{')) {
            if (given[i].empty()) return std::nullopt;
            parts.emplace_back(given[i]);
        } else if (wanted[i] != given[i]) {
            return std::nullopt;
        }
    }
    return parts;
}

int status_of(ErrorKind kind) noexcept {
    switch (kind) {
        case ErrorKind::kInvalid: return 400;
        case ErrorKind::kNotFound: return 404;
        case ErrorKind::kConflict: return 409;
        case ErrorKind::kRefused: return 422;
        case ErrorKind::kUnavailable: return 503;
        case ErrorKind::kInternal: return 500;
    }
    return 500;
}

// Changes, and nothing else, can be made conditional.
bool is_change(const Api::Route& route) {
    return std::find(route.parameters.begin(), route.parameters.end(), "if-generation") != route.parameters.end();
}

Status known_parameters(const ApiRequest& request, std::span<const std::string_view> allowed) {
    for (const auto& [parameter, value] : request.query) {
        if (std::find(allowed.begin(), allowed.end(), parameter) != allowed.end()) continue;
        std::string known;
        for (const std::string_view one : allowed) known += (known.empty() ? "" : ", ") + std::string(one);
        return Error::of(ErrorKind::kInvalid, request.path + " has no parameter '" + parameter + "'",
                         known.empty() ? "it takes none" : "it takes: " + known);
    }
    return Done{};
}

}  // namespace

ApiResponse error_response(const Error& error) {
    ApiResponse response;
    response.status = status_of(error.kind);
    response.body = write(json_of(error));
    return response;
}

ApiResponse error_response(int status, std::string_view code, const std::string& message) {
    ApiResponse response;
    response.status = status;
    response.body = write({{"code", code}, {"message", message}, {"complaints", Json::array()}});
    return response;
}

Api::Api(Controller& controller, const observe::FlowLog& flows, MetricsLimits metrics, const IpfixExporter* ipfix,
         const runtime::HealthWatch* health)
    : controller_(controller), flows_(flows), metrics_(metrics), ipfix_(ipfix), health_(health) {}

std::span<const Api::Route> Api::routes() {
    static const auto rows = std::to_array<Route>({
        {"GET", "/_ping", &Api::ping, kNone},
        {"GET", "/metrics", &Api::metrics, kNone},
        {"GET", "/v1/version", &Api::version, kNone},
        {"GET", "/v1/openapi.json", &Api::openapi, kNone},
        {"GET", "/v1/status", &Api::status, kNone},
        {"GET", "/v1/resources", &Api::get_resources, kFormat},
        {"GET", "/v1/resources/{kind}", &Api::get_resources, kFormat},
        {"GET", "/v1/resources/{kind}/{name}", &Api::get_resource, kFormat},
        {"GET", "/v1/resources/{kind}/{namespace}/{name}", &Api::get_resource, kFormat},
        {"POST", "/v1/resources", &Api::apply, kFiles},
        {"DELETE", "/v1/resources/{kind}/{name}", &Api::remove_one, kChange},
        {"DELETE", "/v1/resources/{kind}/{namespace}/{name}", &Api::remove_one, kChange},
        {"POST", "/v1/delete", &Api::remove_named_in_files, kFiles},
        {"POST", "/v1/promote", &Api::promote, kChange},
        {"POST", "/v1/rollback", &Api::rollback, kChange},
        {"POST", "/v1/restore", &Api::restore, kFiles},
        {"GET", "/v1/confirmation", &Api::confirmation, kNone},
        {"POST", "/v1/confirm", &Api::confirm, kConfirm},
        {"GET", "/v1/safety", &Api::safety, kNone},
        {"POST", "/v1/safety/open", &Api::open_safety, kSafetyOpen},
        {"POST", "/v1/safety/close", &Api::close_safety, kNone},
        {"POST", "/v1/drill", &Api::drill, kDrill},
        {"GET", "/v1/generations", &Api::generations, kLimit},
        {"GET", "/v1/generations/{generation}", &Api::generation, kNone},
        {"GET", "/v1/generations/{generation}/resources", &Api::generation_resources, kNone},
        {"GET", "/v1/audit", &Api::audit, kAudit},
        {"GET", "/v1/diff", &Api::diff, kDiff},
        {"POST", "/v1/diff", &Api::diff_candidate, kSource},
        {"GET", "/v1/backup", &Api::backup, kNone},
        {"POST", "/v1/demote", &Api::demote, kChange},
        {"POST", "/v1/stage", &Api::stage, kFiles},
        {"GET", "/v1/impact", &Api::impact, kImpact},
        {"GET", "/v1/check", &Api::check, kCheck},
        {"GET", "/v1/diff/semantic", &Api::semantic_diff, kSemantic},
        {"POST", "/v1/diff/semantic", &Api::semantic_diff_of_files, kSemanticFiles},
        {"GET", "/v1/review/{what}", &Api::review, kNone},
        {"GET", "/v1/stats", &Api::stats, kNone},
        {"GET", "/v1/requests", &Api::requests, request_parameters()},
        {"GET", "/v1/requests/watch", &Api::watch_requests, request_watch_parameters()},
        {"GET", "/v1/names", &Api::names, kNames},
        {"GET", "/v1/drops", &Api::drops, kNone},
        {"GET", "/v1/drops/watch", &Api::watch_drops, drop_parameters()},
        {"GET", "/v1/flows", &Api::flows, flow_parameters()},
        {"GET", "/v1/matrix", &Api::matrix, kMatrix},
        {"GET", "/v1/trace", &Api::trace, kTrace},
        {"GET", "/v1/recommend", &Api::recommend, kRecommend},
    });
    return rows;
}

ApiResponse Api::handle(const ApiRequest& request) {
    const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
    std::string allowed;
    for (const Route& route : routes()) {
        const std::optional<Parts> parts = match(route.pattern, request.path);
        if (!parts) continue;
        if (route.method != method) {
            allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
            continue;
        }
        if (const Status known = known_parameters(request, route.parameters); !known)
            return error_response(known.error());
        Result<ApiResponse> answered = (this->*route.handler)(request, *parts);
        if (!answered && is_change(route)) ++changes_refused_;
        ApiResponse response = answered ? *std::move(answered) : error_response(answered.error());
        if (request.path.starts_with("/v1/")) response.notice = controller_.notice_for(request.peer);
        return response;
    }
    if (allowed.empty()) return error_response(404, "not-found", "there is nothing at " + request.path);
    ApiResponse response = error_response(405, "method-not-allowed",
                                          request.path + " does not take " + request.method + "; it takes " + allowed);
    response.allow = allowed;
    return response;
}

Result<ApiResponse> Api::ping(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    ApiResponse response;
    response.content_type = "text/plain";
    response.body = "OK\n";
    return response;
}

Result<ApiResponse> Api::version(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    ApiResponse response;
    response.body = write({{"version", DRYWALL_VERSION}, {"api", "v1"}});
    return response;
}

}  // namespace drywall::control
