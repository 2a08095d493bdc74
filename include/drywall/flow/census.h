// CensusEntry: what a census of the flow tables says of one connection. A copy, made by the worker that owns it.
//
// Threads: a value. The worker fills a CensusBatch; the runtime carries it to whoever asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "drywall/base/fixed_vector.h"
#include "drywall/base/ids.h"
#include "drywall/flow/state.h"
#include "drywall/net/packet_meta.h"
#include "drywall/telemetry/counters.h"

namespace drywall::flow {

struct CensusEntry {
    net::Tuple tuple;  // as the initiator sent it; by its ingress port the connection entered
    FlowState state = FlowState::kFree;
    bool kept = false;       // its next packet passes, also where the generation in force denies it
    bool was_reset = false;  // it was cut, and is remembered so that no packet of it opens it again
    WorkerId worker{};
    TraceId trace{};                  // with this outcome
    Generation generation{};          // it was judged last, maybe long before the one in force
    std::uint64_t flow = 0;           // unique per worker and run, ascending in the order of opening
    telemetry::PacketsBytes forward;  // initiator -> responder
    telemetry::PacketsBytes reverse;
};
static_assert(std::is_trivially_copyable_v<CensusEntry>);

inline constexpr std::size_t kCensusStep = 32;  // entries looked at in one turn of a worker's loop
using CensusBatch = FixedVector<CensusEntry, kCensusStep>;

}  // namespace drywall::flow
