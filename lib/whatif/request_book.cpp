#include "request_book.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace drywall::whatif {

void RequestBook::enter(std::span<const telemetry::Request> requests) {
    for (const telemetry::Request& request : requests) {
        std::vector<ReplayedRequest>& examples = examples_[request.trace];
        if (examples.size() >= ReplayedRequests::kMostExamples) continue;
        ReplayedRequest one{.kind = request.kind,
                            .method = telemetry::printable(request.method.text()),
                            .host = telemetry::printable(request.host.text()),
                            .path = telemetry::printable(request.path.text()),
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
