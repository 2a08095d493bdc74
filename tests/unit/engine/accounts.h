// What the engine's counters have to add up to, for tests and fuzzers.
#pragma once

#include <cstdint>

#include "drywall/base/drop_reason.h"
#include "drywall/telemetry/counters.h"

namespace drywall::engine {

// Whether a packet that died of it was judged by policy first, and so is counted under a trace
// (docs/life-of-a-packet.md).
inline bool is_judged(DropReason reason) {
    switch (reason) {
        case DropReason::kPolicyDeny:
        case DropReason::kUnmatched:
        case DropReason::kFragmentTableFull:
        case DropReason::kHalfOpenLimit:
        case DropReason::kSourceLimit:
        case DropReason::kFlowTableFull:
        case DropReason::kHttpDenied:
        case DropReason::kNameDenied:
        case DropReason::kInspectUnreadable:
        case DropReason::kInspectOverlap:
        case DropReason::kInspectLimit: return true;
        default: return false;
    }
}

inline std::uint64_t dropped_packets(const telemetry::WorkerCounters& counters) {
    std::uint64_t packets = 0;
    for (const DropReasonText& reason : kDropReasons) packets += counters.dropped.read(reason.reason).packets;
    return packets;
}

// Those that no trace counts, whatever became of them: each has a counter that says why.
inline std::uint64_t unjudged_packets(const telemetry::WorkerCounters& counters) {
    std::uint64_t packets = counters.non_ip_passed.read().packets + counters.related_passed.read().packets +
                            counters.kept_passed.read().packets + counters.reset_dropped.read().packets +
                            counters.neighbour_discovery_passed.read().packets;
    for (const DropReasonText& reason : kDropReasons)
        if (!is_judged(reason.reason)) packets += counters.dropped.read(reason.reason).packets;
    return packets;
}

}  // namespace drywall::engine
