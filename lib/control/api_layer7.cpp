// What is read inside of connections: what was asked for, and which names addresses are known by.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "api.h"
#include "api_requests.h"
#include "drywall/control/guard.h"
#include "drywall/explain/parameters.h"
#include "drywall/observe/request_log.h"
#include "filter_parameters.h"
#include "json.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;
using explain::switch_parameter;
using observe::RequestFilter;
using observe::RequestQuery;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kMostRequests = 4096;
constexpr std::uint64_t kMostNames = 65536;
constexpr std::uint64_t kMostFollowed = 1'000'000'000;
constexpr std::size_t kRequestsPerPiece = 256;  // what is sent at once is bounded
constexpr Nanos kShortestFollow = 1ms;
constexpr Nanos kLongestFollow = std::chrono::hours(24);
constexpr std::chrono::milliseconds kRequestWait = 200ms;  // how soon a follower notices that the server stops
constexpr auto kFollowerIsThere = 500ms;                   // how soon one that has gone is noticed

// Which requests are meant.
Result<RequestQuery> request_query(const explain::Query& parameters) {
    RequestQuery query;
    auto filter = RequestFilter::of(filter_terms(parameters, RequestFilter::flags()));
    if (!filter) return filter.error();
    query.filter = *std::move(filter);
    for (const auto& [parameter, wanted] :
         {std::pair("denied", &query.only_denied), std::pair("would-change", &query.only_differing),
          std::pair("would-deny", &query.only_would_deny)}) {
        const Result<bool> on = switch_parameter(parameters, parameter);
        if (!on) return on.error();
        *wanted = *on;
    }
    return query;
}

// One who looks: begin, then requests as they come, and end. Every one that was forgotten before it was told is told
// to have been missed.
class RequestFollower {
public:
    RequestFollower(const observe::RequestLog& log, RequestQuery query, std::uint64_t count,
                    std::optional<Nanos> timeout, const std::atomic<bool>& stopping, std::shared_ptr<void> place)
        : log_(log),
          query_(std::move(query)),
          count_(count),
          timeout_(timeout),
          stopping_(stopping),
          place_(std::move(place)) {
        query_.after_sequence = log_.last_sequence();
    }

    // What there is to tell now, or a sign of life; waits for it a little while. False: that was the last of it.
    bool next(std::string& piece) {
        if (!begun_) {
            begun_ = true;
            piece = server_event("begin", Json::object());
            return true;
        }
        std::optional<std::string_view> over = why_over();  // asked first: what came before is then told
        look(piece, over ? 0ms : patience());
        if (enough()) over = "count";
        if (over) piece += server_event("end", {{"why", *over}, {"requests", told_}, {"missed", missed_}});
        if (piece.empty() && SteadyClock::now() - last_told_ >= kFollowerIsThere) piece = ": nothing new\n\n";
        if (!piece.empty()) last_told_ = SteadyClock::now();
        return !over;
    }

private:
    [[nodiscard]] bool enough() const { return count_ > 0 && told_ >= count_; }

    [[nodiscard]] std::chrono::milliseconds patience() const {
        if (!timeout_) return kRequestWait;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(since_ + *timeout_ - SteadyClock::now());
        return std::clamp(left, std::chrono::milliseconds{0}, kRequestWait);
    }

    [[nodiscard]] std::optional<std::string_view> why_over() const {
        if (stopping_) return "stopping";
        if (timeout_ && SteadyClock::now() - since_ >= *timeout_) return "timeout";
        return std::nullopt;
    }

    void look(std::string& piece, std::chrono::milliseconds patience) {
        query_.limit = count_ == 0 ? kRequestsPerPiece : std::min<std::uint64_t>(kRequestsPerPiece, count_ - told_);
        const observe::RequestAnswer answer = log_.wait(query_, patience);
        for (const observe::RequestRecord& request : answer.requests)
            piece += server_event("request", observe::json_of_request(request));
        told_ += answer.requests.size();
        query_.after_sequence = answer.next_sequence;
        missed_ += answer.missed;
        if (answer.missed > 0) piece += server_event("missed", {{"missed", missed_}});
    }

    const observe::RequestLog& log_;
    RequestQuery query_;
    std::uint64_t count_;  // 0: any number
    std::optional<Nanos> timeout_;
    const std::atomic<bool>& stopping_;
    std::shared_ptr<void> place_;  // among those who may follow
    bool begun_ = false;
    std::uint64_t told_ = 0;
    std::uint64_t missed_ = 0;
    SteadyClock::time_point since_ = SteadyClock::now();
    SteadyClock::time_point last_told_ = since_;
};

}  // namespace

std::span<const std::string_view> Api::request_parameters() {
    static const FilterParameters all(RequestFilter::flags(),
                                      {"denied", "would-change", "would-deny", "since", "limit"});
    return all.names();
}

std::span<const std::string_view> Api::request_watch_parameters() {
    static const FilterParameters all(RequestFilter::flags(),
                                      {"denied", "would-change", "would-deny", "count", "timeout"});
    return all.names();
}

Result<ApiResponse> Api::requests(const ApiRequest& request, const Parts& /*parts*/) {
    Result<RequestQuery> query = request_query(request.query);
    if (!query) return query.error();
    const auto limit = explain::number_parameter(request.query, "limit", 100, kMostRequests);
    if (!limit) return limit.error();
    const auto since = moment_parameter(request.query, "since");
    if (!since) return since.error();
    query->limit = *limit;
    query->since = *since;
    Json rows = Json::array();
    for (const observe::RequestRecord& record : flows_.requests().query(*query))
        rows.push_back(observe::json_of_request(record));
    return json_response({{"requests", std::move(rows)}});
}

Result<ApiResponse> Api::watch_requests(const ApiRequest& request, const Parts& /*parts*/) {
    Result<RequestQuery> query = request_query(request.query);
    if (!query) return query.error();
    const auto count = explain::number_parameter(request.query, "count", 0, kMostFollowed);
    if (!count) return count.error();
    std::optional<Nanos> timeout;
    if (const std::string text = explain::text_parameter(request.query, "timeout"); !text.empty()) {
        const Result<Nanos> parsed = parse_time("timeout", text, kShortestFollow, kLongestFollow);
        if (!parsed) return parsed.error();
        timeout = *parsed;
    }
    std::shared_ptr<void> place = place_to_follow(request.access);
    if (!place) return too_many_follow();
    auto follower = std::make_shared<RequestFollower>(flows_.requests(), *std::move(query), *count, timeout, stopping_,
                                                      std::move(place));
    ApiResponse response;
    response.content_type = "text/event-stream";
    response.next = [follower](std::string& piece) { return follower->next(piece); };
    return response;
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
