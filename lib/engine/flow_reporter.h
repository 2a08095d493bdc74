// FlowReporter: what happened to connections, as counters and event records.
#pragma once

#include <cstdint>

#include "drywall/base/clock.h"
#include "drywall/base/ids.h"
#include "drywall/flow/flow_table.h"
#include "drywall/net/packet_meta.h"
#include "drywall/telemetry/counters.h"
#include "drywall/telemetry/event.h"

namespace drywall::engine {

class FlowReporter {
public:
    FlowReporter(WorkerId worker, Instant now, const flow::FlowTable& flows, telemetry::WorkerCounters& counters,
                 telemetry::EventBatch& events) noexcept
        : worker_(worker), now_(now), flows_(flows), counters_(counters), events_(events) {}

    void opened(const flow::Flow& flow) noexcept {
        counters_.flows_opened.add(1);
        push(record(telemetry::FlowEventKind::kOpened, flow));
    }
    void rejudged(const flow::Flow& flow) noexcept {
        counters_.flows_rejudged.add(1);
        push(record(telemetry::FlowEventKind::kRejudged, flow));
    }
    // What it asked for decided, and it stands under another trace: to whoever follows it, as if it were judged again.
    void decided(const flow::Flow& flow) noexcept { push(record(telemetry::FlowEventKind::kRejudged, flow)); }
    void denied_inside(const flow::Flow& flow) noexcept {
        counters_.flows_ended.add(1);
        push(record(telemetry::FlowEventKind::kCut, flow));
    }
    void cut(const flow::Flow& flow) noexcept {
        counters_.flows_rejudged.add(1);
        counters_.flows_ended.add(1);
        push(record(telemetry::FlowEventKind::kCut, flow));
    }
    void kept() noexcept { counters_.flows_kept.add(1); }
    void reset(const flow::Flow& flow) noexcept {
        counters_.flows_reset.add(1);
        counters_.flows_ended.add(1);
        push(record(telemetry::FlowEventKind::kEnded, flow));
    }
    void ended(const flow::Flow& flow) noexcept {
        counters_.flows_ended.add(1);
        push(record(telemetry::FlowEventKind::kEnded, flow));
    }
    void progressed(const flow::Flow& flow) noexcept { push(record(telemetry::FlowEventKind::kProgress, flow)); }
    void denied(const net::Tuple& tuple, TraceId trace, Generation generation, std::uint64_t bytes) noexcept {
        push({.kind = telemetry::FlowEventKind::kDenied,
              .worker = worker_,
              .trace = trace,
              .flow = 0,
              .generation = generation,
              .time = now_,
              .tuple = tuple,
              .forward = {1, bytes},
              .reverse = {}});
    }

private:
    [[nodiscard]] telemetry::FlowEvent record(telemetry::FlowEventKind kind, const flow::Flow& flow) const noexcept {
        return {.kind = kind,
                .closed = flow::is_over(flow.state),
                .worker = worker_,
                .trace = flow.trace,
                .flow = flows_.notes(flow).id,
                .generation = flow.judged_in(),
                .time = now_,
                .tuple = flow.initiator_tuple(),
                .forward = flow.forward,
                .reverse = flow.reverse};
    }
    void push(const telemetry::FlowEvent& event) noexcept {
        if (!events_.push_back(event)) counters_.events_lost.add(1);
    }

    WorkerId worker_;
    Instant now_;
    const flow::FlowTable& flows_;
    telemetry::WorkerCounters& counters_;
    telemetry::EventBatch& events_;
};

}  // namespace drywall::engine
