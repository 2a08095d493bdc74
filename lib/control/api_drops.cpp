// Dropped packets over the API: counted, and followed as server-sent events while they die. What packets carry is
// nobody's who may only look: packets are shown on the control socket alone, and the audit trail says to whom.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <thread>

#include "api.h"
#include "api_requests.h"
#include "drywall/control/guard.h"
#include "drywall/explain/parameters.h"
#include "drywall/observe/drop_describer.h"
#include "filter_parameters.h"
#include "json.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;
using observe::DropFilter;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kMostCounted = 1'000'000'000;
constexpr Nanos kShortestWatch = 1ms;
constexpr Nanos kLongestWatch = std::chrono::hours(24);
// Never sooner: what a worker copies is bounded by how often its ring is emptied.
constexpr auto kLookEvery = 20ms;
constexpr auto kPiece = 200ms;                // how soon the server notices that it is to stop
constexpr auto kStillThere = 500ms;           // so that one who has gone is noticed, and looks no more
constexpr std::size_t kDropsPerPiece = 1024;  // what is sent at once is bounded

struct WatchRequest {
    DropFilter filter;
    std::uint64_t bytes = 0;  // of each packet; 0: none
    std::uint64_t count = 0;  // of matching ones, then it ends; 0: any number
    std::optional<Nanos> timeout;
    std::string text;  // the query, for the audit trail
};

Result<WatchRequest> watch_request(const explain::Query& query) {
    WatchRequest out;
    auto filter = DropFilter::of(filter_terms(query, DropFilter::flags()));
    if (!filter) return filter.error();
    out.filter = *std::move(filter);
    const auto bytes = explain::number_parameter(query, "snaplen", 0, runtime::kMostDropBytes);
    if (!bytes) return bytes.error();
    out.bytes = *bytes;
    const auto count = explain::number_parameter(query, "count", 0, kMostCounted);
    if (!count) return count.error();
    out.count = *count;
    if (const std::string text = explain::text_parameter(query, "timeout"); !text.empty()) {
        const Result<Nanos> timeout = parse_time("timeout", text, kShortestWatch, kLongestWatch);
        if (!timeout) return timeout.error();
        out.timeout = *timeout;
    }
    for (const auto& [name, value] : query) {
        if (!out.text.empty()) out.text += ' ';
        out.text.append(name).append("=").append(value);
    }
    return out;
}

// One who looks: begin, then drops as they come, and end. Every packet that was missed is told.
class DropFollower {
public:
    DropFollower(std::unique_ptr<runtime::DropWatch> watch, WatchRequest request, std::vector<std::string> ports,
                 const std::atomic<bool>& stopping)
        : watch_(std::move(watch)),
          request_(std::move(request)),
          ports_(ports),
          describer_(std::move(ports)),
          stopping_(stopping) {}

    // What there is to tell now, or a sign of life; waits for it a little while. False: that was the last of it.
    bool next(std::string& piece) {
        if (!begun_) {
            begun_ = true;
            piece = server_event("begin", {{"ports", ports_}, {"snaplen", request_.bytes}});
            return true;
        }
        const auto patience = SteadyClock::now() + kPiece;
        std::optional<std::string_view> over;
        while (true) {
            std::this_thread::sleep_until(next_look_);
            next_look_ = SteadyClock::now() + kLookEvery;
            over = why_over();  // asked first: what died before is then seen
            look(piece);
            if (enough()) over = "count";
            if (over || !piece.empty() || SteadyClock::now() >= patience) break;
        }
        tell_missed(piece);
        if (over)
            piece += server_event("end", {{"why", *over}, {"drops", told_}, {"looked_at", seen_}, {"missed", missed_}});
        if (piece.empty() && SteadyClock::now() - last_told_ >= kStillThere) piece = ": nothing new\n\n";
        if (!piece.empty()) last_told_ = SteadyClock::now();
        return !over;
    }

private:
    [[nodiscard]] bool enough() const { return request_.count > 0 && told_ >= request_.count; }

    [[nodiscard]] std::optional<std::string_view> why_over() const {
        if (stopping_) return "stopping";
        if (watch_->ended()) return "stopped";
        if (request_.timeout && SteadyClock::now() - since_ >= *request_.timeout) return "timeout";
        return std::nullopt;
    }

    void look(std::string& piece) {
        packets_.clear();
        (void)watch_->take(packets_, kDropsPerPiece);
        for (runtime::DroppedPacket& packet : packets_) {
            if (enough()) break;
            ++seen_;
            const observe::Drop drop = describer_.describe(std::move(packet));
            if (!request_.filter.matches(drop)) continue;
            ++told_;
            piece += server_event("drop", observe::json_of_drop(drop, request_.bytes));
        }
    }

    void tell_missed(std::string& piece) {
        const std::uint64_t missed = watch_->missed();
        if (missed != missed_) piece += server_event("missed", {{"missed", missed}});
        missed_ = missed;
    }

    std::unique_ptr<runtime::DropWatch> watch_;
    WatchRequest request_;
    std::vector<std::string> ports_;
    observe::DropDescriber describer_;
    const std::atomic<bool>& stopping_;
    std::vector<runtime::DroppedPacket> packets_;
    bool begun_ = false;
    std::uint64_t seen_ = 0;    // taken and looked at
    std::uint64_t told_ = 0;    // of them
    std::uint64_t missed_ = 0;  // as told last
    SteadyClock::time_point since_ = SteadyClock::now();
    SteadyClock::time_point last_told_ = since_;
    SteadyClock::time_point next_look_ = since_;
};

}  // namespace

std::span<const std::string_view> Api::drop_parameters() {
    static const FilterParameters all(DropFilter::flags(), {"snaplen", "count", "timeout"});
    return all.names();
}

Result<ApiResponse> Api::drops(const ApiRequest& /*request*/, const Parts& /*parts*/) {
    const Result<runtime::Snapshot> snapshot = controller_.snapshot();
    if (!snapshot) return snapshot.error();
    return json_response(json_of_drops(*snapshot));
}

Result<ApiResponse> Api::watch_drops(const ApiRequest& request, const Parts& /*parts*/) {
    if (request.access != Access::kControl)
        return error_response(403, "read-only",
                              request.path + ": packets are shown on the control socket only; here is GET /v1/drops, " +
                                  "which counts them");
    Result<WatchRequest> asked = watch_request(request.query);
    if (!asked) return asked.error();
    auto watch = controller_.watch_drops(asked->bytes, request.peer, asked->text);
    if (!watch) return watch.error();
    auto follower = std::make_shared<DropFollower>(*std::move(watch), *std::move(asked),
                                                   controller_.state().ruleset->surroundings().port_names, stopping_);
    ApiResponse response;
    response.content_type = "text/event-stream";
    response.next = [follower](std::string& piece) { return follower->next(piece); };
    return response;
}

}  // namespace drywall::control
