#include "request_book.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace drywall::whatif {

namespace {

// Bytes of a recording are anybody's: a report must not have those that a terminal obeys.
std::string printable(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c < ' ' || c > '~') c = '?';
    return out;
}

}  // namespace

void RequestBook::enter(std::span<const telemetry::Request> requests) {
    for (const telemetry::Request& request : requests) {
        std::vector<ReplayedRequest>& examples = examples_[request.trace];
        if (examples.size() >= ReplayedRequests::kMostExamples) continue;
        ReplayedRequest one{.kind = request.kind,
                            .method = printable(request.method.text()),
                            .host = printable(request.host.text()),
                            .path = printable(request.path.text()),
                            .source = {request.tuple.family, request.tuple.source},
                            .destination = {request.tuple.family, request.tuple.destination},
                            .destination_port = request.tuple.destination_port};
        if (std::find(examples.begin(), examples.end(), one) == examples.end()) examples.push_back(std::move(one));
    }
}

std::vector<ReplayedRequests> RequestBook::take(const telemetry::TraceCounters& counted, std::size_t traces) {
    std::vector<ReplayedRequests> out;
    for (std::uint32_t id = 0; id < traces; ++id) {
        const TraceId trace{id};
        if (const std::uint64_t count = counted.requests(trace); count > 0)
            out.push_back({trace, count, std::move(examples_[trace])});
    }
    return out;
}

}  // namespace drywall::whatif
