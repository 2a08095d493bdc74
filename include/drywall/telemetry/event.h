// FlowEvent: the fixed-size record by which a worker tells the stats core what happened to a connection.
//
// Threads: a value. The worker fills an EventBatch during a burst; the runtime carries it over a ring.
#pragma once

#include <cstdint>
#include <type_traits>

#include "drywall/base/cache_line.h"
#include "drywall/base/clock.h"
#include "drywall/base/fixed_vector.h"
#include "drywall/base/ids.h"
#include "drywall/net/packet_meta.h"
#include "drywall/telemetry/counters.h"

namespace drywall::telemetry {

enum class FlowEventKind : std::uint8_t {
    kOpened,    // a connection was allowed and is tracked from now on
    kDenied,    // a packet that opens no flow was denied (one event per packet)
    kRejudged,  // the generation changed and with it the trace; enforced verdict: still allow
    kCut,       // the generation changed, or the grace of its own is over, and the enforced verdict is deny: it is gone
    kEnded,     // closed by its protocol, or timed out
    kProgress,  // it lives, and was heard since the last record about it: what it has counted so far
};

struct FlowEvent {
    FlowEventKind kind = FlowEventKind::kOpened;
    bool closed = false;  // TCP: FIN both ways, or RST; only its entry is still there
    WorkerId worker{};
    TraceId trace{};
    std::uint64_t flow = 0;  // unique per worker and run; 0 for kDenied
    Generation generation{};
    Instant time;
    net::Tuple tuple;      // as the initiator sent it
    PacketsBytes forward;  // initiator -> responder, since the flow opened
    PacketsBytes reverse;
};
static_assert(std::is_trivially_copyable_v<FlowEvent>);

// What one burst can cause at most: an event per packet, the flows that expired meanwhile, and reports of progress.
inline constexpr std::size_t kMaxEvents = 4 * kMaxBurst;
using EventBatch = FixedVector<FlowEvent, kMaxEvents>;

}  // namespace drywall::telemetry
