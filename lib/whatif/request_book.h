// RequestBook: what was asked for inside of recorded connections, by the rules that decided.
//
// Threads: owned by one replay.
// Memory:  a few examples for each trace that a request was judged by. How many there were is counted elsewhere.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/telemetry/counters.h"
#include "drywall/telemetry/request.h"
#include "drywall/whatif/replay.h"

namespace drywall::whatif {

class RequestBook {
public:
    void enter(std::span<const telemetry::Request> requests);
    // With the counts of `counted`, of all traces that have any.
    [[nodiscard]] std::vector<ReplayedRequests> take(const telemetry::TraceCounters& counted, std::size_t traces);

private:
    std::map<TraceId, std::vector<ReplayedRequest>> examples_;
};

}  // namespace drywall::whatif
