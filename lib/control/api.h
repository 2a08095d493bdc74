// Api: what the control socket answers, without the socket. A request in, a response out; docs/api.md is its contract.
//
// Threads: any number at once. handle() blocks only for changes (one after another) and for `wait` on /v1/flows.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/control/controller.h"
#include "drywall/control/server.h"
#include "drywall/observe/flow_log.h"
#include "drywall/observe/impact.h"

namespace drywall::control {

// What may be asked through a socket.
enum class Access : std::uint8_t { kControl, kView, kMetrics };
inline constexpr std::size_t kAccesses = 3;

struct ApiRequest {
    std::string method = {};
    std::string path = {};  // decoded, without the query
    std::map<std::string, std::string> query = {};
    std::string body = {};
    std::string if_generation = {};  // the header; empty when absent
    std::string accept = {};         // likewise
    Peer peer = {};
    Nanos connected{0};  // boot clock, when the connection was accepted
    Access access = Access::kControl;
};

struct ApiResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string allow;   // for 405
    std::string notice;  // what this user must be told besides, once; becomes the header Drywall-Notice
    // Set: the body is what this gives, piece by piece (an empty piece: nothing yet), until it says false.
    std::function<bool(std::string& piece)> next = {};
};

// Every refusal looks alike: {"code", "message", "complaints": [{"file", "line", "column", "message", "hint"}]}.
[[nodiscard]] ApiResponse error_response(const Error& error);
[[nodiscard]] ApiResponse error_response(int status, std::string_view code, const std::string& message);

// What every request for a change may say about it: if-generation, comment, existing, and how it is guarded.
[[nodiscard]] Result<ChangeOptions> change_options(const ApiRequest& request);

class Api {
public:
    Api(Controller& controller, const observe::FlowLog& flows, MetricsLimits metrics = {},
        const IpfixExporter* ipfix = nullptr, const runtime::HealthWatch* health = nullptr);

    [[nodiscard]] ApiResponse handle(const ApiRequest& request);

    // What /v1/check asks for when a request does not say it; before the first request.
    void set_check_limits(const observe::CheckLimits& limits) { check_limits_ = limits; }

    // Whoever waits for flows is answered now.
    void stop_waiting() noexcept { stopping_ = true; }

    using Parts = std::vector<std::string>;  // what stood in the place of {kind}, {name}, ...
    using Handler = Result<ApiResponse> (Api::*)(const ApiRequest&, const Parts&);
    struct Route {
        std::string_view method;
        std::string_view pattern;
        Handler handler;
        std::span<const std::string_view> parameters;  // of the query; others are a mistake
    };
    // What there is. docs/openapi.json describes each of them.
    static std::span<const Route> routes();

private:
    Result<ApiResponse> ping(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> version(const ApiRequest& request, const Parts& parts);

    // api_resources.cpp
    Result<ApiResponse> get_resources(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> get_resource(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> apply(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> remove_one(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> remove_named_in_files(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> promote(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> demote(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> stage(const ApiRequest& request, const Parts& parts);

    // api_impact.cpp
    Result<ApiResponse> impact(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> check(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> semantic_diff(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> semantic_diff_of_files(const ApiRequest& request, const Parts& parts);
    Controller::Rehearsed ruleset_of(const State& state, Generation generation) const;

    // api_review.cpp
    Result<ApiResponse> review(const ApiRequest& request, const Parts& parts);

    // api_store.cpp
    Result<ApiResponse> generations(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> generation(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> generation_resources(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> audit(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> diff(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> diff_candidate(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> rollback(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> restore(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> backup(const ApiRequest& request, const Parts& parts);
    // api_guard.cpp
    Result<ApiResponse> confirmation(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> confirm(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> safety(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> open_safety(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> close_safety(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> drill(const ApiRequest& request, const Parts& parts);

    // api_observe.cpp
    Result<ApiResponse> status(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> stats(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> matrix(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> trace(const ApiRequest& request, const Parts& parts);

    // api_layer7.cpp
    static std::span<const std::string_view> request_parameters();
    static std::span<const std::string_view> request_watch_parameters();
    Result<ApiResponse> watch_requests(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> requests(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> names(const ApiRequest& request, const Parts& parts);

    // api_flows.cpp
    static std::span<const std::string_view> flow_parameters();
    Result<ApiResponse> flows(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> follow_flows(observe::FlowQuery query, Access access);
    // Held as long as somebody follows flows or requests; null: too many do.
    std::shared_ptr<void> place_to_follow(Access access);
    static ApiResponse too_many_follow();

    // api_drops.cpp
    static std::span<const std::string_view> drop_parameters();
    Result<ApiResponse> drops(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> watch_drops(const ApiRequest& request, const Parts& parts);

    // api_whatif.cpp
    Result<ApiResponse> recommend(const ApiRequest& request, const Parts& parts);

    observe::FlowAnswer wait_for_flows(const observe::FlowQuery& query, std::chrono::milliseconds timeout) const;

    // api_export.cpp
    Result<ApiResponse> openapi(const ApiRequest& request, const Parts& parts);
    Result<ApiResponse> metrics(const ApiRequest& request, const Parts& parts);

    Controller& controller_;
    const observe::FlowLog& flows_;
    observe::CheckLimits check_limits_;
    MetricsLimits metrics_;
    const IpfixExporter* ipfix_;          // null: there is none
    const runtime::HealthWatch* health_;  // null: nobody watches
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    // Of flows and requests, just now, by socket: those who may only look keep no operator out.
    std::array<std::atomic<std::size_t>, kAccesses> followers_{};
    std::atomic<bool> stopping_{false};              // the server's owner writes, waiting requests read
    std::atomic<std::uint64_t> changes_refused_{0};  // whoever serves a request writes and reads
};

}  // namespace drywall::control
