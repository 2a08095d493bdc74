// Flows over the API: asked once, waited for, or followed as server-sent events.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "api.h"
#include "api_requests.h"
#include "drywall/explain/parameters.h"
#include "drywall/observe/flow_json.h"
#include "filter_parameters.h"
#include "json.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;
using explain::number_parameter;
using explain::Query;
using explain::switch_parameter;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMostFlows = 10'000;
constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();
constexpr std::chrono::milliseconds kLongestWait = 30s;
constexpr std::chrono::milliseconds kWaitStep = 200ms;  // how soon one who waits notices that the server stops
constexpr std::size_t kMostFollowers = 16;              // of a socket's 64 connections
constexpr std::size_t kFlowsPerChunk = 64;              // what a follower is sent at once is bounded
constexpr auto kSignOfLife = 5s;                        // so that a follower that has gone is noticed

// A switch may stand there without a value, and may be off.
std::vector<observe::FlowTerm> flow_terms(const Query& query) {
    std::vector<observe::FlowTerm> terms = filter_terms(query, observe::FlowFilter::flags());
    std::erase_if(terms, [](const observe::FlowTerm& term) {
        return term.flag == "differing" && term.value == "false" && !term.negated;
    });
    for (observe::FlowTerm& term : terms)
        if (term.flag == "differing" && term.value.empty()) term.value = "true";
    return terms;
}

// `page=` is the first one, of the span that is asked for; the others are named by the answer before them. An `until`
// that nobody says is now, for all of them.
Result<std::optional<observe::PageCursor>> page_parameter(const Query& query, const observe::FlowQuery& span) {
    const auto found = query.find("page");
    if (found == query.end()) return std::optional<observe::PageCursor>();
    for (const char* other : {"after", "latest", "wait", "follow"})
        if (query.contains(other))
            return Error::of(ErrorKind::kInvalid, "'page' does not go with '" + std::string(other) + "'",
                             "pages are of a span of time: 'since' and 'until'");
    if (found->second.empty())
        return std::optional(
            observe::PageCursor{span.since, span.until.value_or(std::chrono::system_clock::now()), std::nullopt});
    const auto cursor = observe::PageCursor::parse(found->second);
    if (!cursor)
        return Error::of(ErrorKind::kInvalid, "'" + found->second + "' is no page",
                         "begin with page= and go on with 'next_page' of each answer");
    return cursor;
}

Result<observe::FlowQuery> flow_query(const Query& query) {
    observe::FlowQuery out;
    auto filter = observe::FlowFilter::of(flow_terms(query));
    if (!filter) return filter.error();
    const auto after = number_parameter(query, "after", 0, kAnyNumber);
    if (!after) return after.error();
    const auto limit = number_parameter(query, "limit", 1000, kMostFlows);
    if (!limit) return limit.error();
    const auto latest = switch_parameter(query, "latest");
    if (!latest) return latest.error();
    const auto since = moment_parameter(query, "since");
    if (!since) return since.error();
    const auto until = moment_parameter(query, "until");
    if (!until) return until.error();
    if ((*since || *until) && query.contains("after"))
        return Error::of(ErrorKind::kInvalid, "'after' does not go with 'since' and 'until'",
                         "a cursor follows what changes; a span of time is answered once");
    out.filter = *std::move(filter);
    out.after_sequence = *after;
    out.limit = *limit;
    out.latest = *latest;
    out.since = *since;
    out.until = *until;
    const auto page = page_parameter(query, out);
    if (!page) return page.error();
    out.page = *page;
    return out;
}

// One follower's place in the log. What it has not read yet is not kept for it: it is the groups themselves, so that
// one who dawdles sees their latest state, and is told how many were forgotten meanwhile.
class Follower {
public:
    Follower(const Controller& controller, const observe::FlowLog& flows, observe::FlowQuery query,
             std::shared_ptr<void> place)
        : controller_(controller), flows_(flows), query_(std::move(query)), place_(std::move(place)) {
        if (query_.after_sequence == 0 && !query_.latest)
            query_.after_sequence = flows_.query({.limit = 0, .latest = true}).next_sequence;
    }

    // What there is to tell now; waits for it a little while.
    std::string next() {
        observe::FlowAnswer answer = begun_ && !query_.latest ? flows_.wait(query_, kWaitStep) : flows_.query(query_);
        observe::mark_changed(answer.groups, *controller_.state().ruleset);
        std::string text;
        if (!begun_ || answer.lost != lost_ || answer.missed > 0)
            text += server_event("lost", {{"lost", answer.lost}, {"missed", answer.missed}});
        for (const observe::FlowGroup& group : answer.groups)
            text += server_event("flow", observe::json_of_flow(group), group.sequence);
        begun_ = true;
        lost_ = answer.lost;
        query_.after_sequence = std::max(query_.after_sequence, answer.next_sequence);
        query_.latest = false;
        query_.limit = kFlowsPerChunk;
        if (text.empty() && Clock::now() - told_ >= kSignOfLife) text = ": nothing new\n\n";
        if (!text.empty()) told_ = Clock::now();
        return text;
    }

private:
    const Controller& controller_;
    const observe::FlowLog& flows_;
    observe::FlowQuery query_;
    std::shared_ptr<void> place_;  // among those who may follow
    bool begun_ = false;
    std::uint64_t lost_ = 0;
    Clock::time_point told_ = Clock::now();
};

}  // namespace

std::span<const std::string_view> Api::flow_parameters() {
    static const FilterParameters all(observe::FlowFilter::flags(),
                                      {"since", "until", "page", "after", "limit", "latest", "wait", "follow"});
    return all.names();
}

Result<ApiResponse> Api::flows(const ApiRequest& request, const Parts& /*parts*/) {
    const Result<observe::FlowQuery> query = flow_query(request.query);
    if (!query) return query.error();
    const auto wait = number_parameter(request.query, "wait", 0, static_cast<std::uint64_t>(kLongestWait.count()));
    if (!wait) return wait.error();
    const auto follow = switch_parameter(request.query, "follow");
    if (!follow) return follow.error();
    if (query->page && request.accept.find("text/event-stream") != std::string::npos)
        return Error::of(ErrorKind::kInvalid, "pages are not followed", "ask for them without text/event-stream");
    const bool events = *follow || request.accept.find("text/event-stream") != std::string::npos;
    if ((events || *wait > 0) && (query->since || query->until))
        return Error::of(ErrorKind::kInvalid, "what is still to come is in no span of time",
                         "ask for a span without following, or follow without 'since' and 'until'");
    if (events) return follow_flows(*query, request.access);
    observe::FlowAnswer answer =
        *wait == 0 ? flows_.query(*query) : wait_for_flows(*query, std::chrono::milliseconds(*wait));
    observe::mark_changed(answer.groups, *controller_.state().ruleset);
    return json_response(json_of(answer));
}

observe::FlowAnswer Api::wait_for_flows(const observe::FlowQuery& query, std::chrono::milliseconds timeout) const {
    const auto deadline = Clock::now() + timeout;
    observe::FlowQuery next = query;
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        observe::FlowAnswer found = flows_.wait(next, std::clamp(left, 0ms, kWaitStep));
        if (!found.groups.empty() || left <= 0ms || stopping_) return found;
        next.after_sequence = found.next_sequence;
    }
}

std::shared_ptr<void> Api::place_to_follow(Access access) {
    std::atomic<std::size_t>& followers = followers_[static_cast<std::size_t>(access)];
    if (followers.fetch_add(1) >= kMostFollowers) {
        followers.fetch_sub(1);
        return nullptr;
    }
    return {&followers, [](void* counter) { static_cast<std::atomic<std::size_t>*>(counter)->fetch_sub(1); }};
}

ApiResponse Api::too_many_follow() {
    return error_response(
        503, "busy", std::to_string(kMostFollowers) + " are following flows and requests already; end one of them");
}

Result<ApiResponse> Api::follow_flows(observe::FlowQuery query, Access access) {
    std::shared_ptr<void> place = place_to_follow(access);
    if (!place) return too_many_follow();
    query.limit = std::min(query.limit, kMostFlows);
    auto follower = std::make_shared<Follower>(controller_, flows_, std::move(query), std::move(place));
    ApiResponse response;
    response.content_type = "text/event-stream";
    response.next = [this, follower](std::string& chunk) {
        chunk = follower->next();
        return !stopping_;
    };
    return response;
}

}  // namespace drywall::control
