#include "drywall/engine/engine.h"

#include <cassert>

#include "burst.h"
#include "flow_reporter.h"
#include "workplace.h"

namespace drywall::engine {

struct Engine::State : Workplace {
    using Workplace::Workplace;
    flow::FlowTable::Walk census;
};

Engine::Engine(const EngineSettings& settings, telemetry::WorkerCounters& counters)
    : state_(std::make_unique<State>(settings, counters)) {}

Engine::~Engine() = default;

void Engine::process(std::span<const net::FrameView> frames, const ruleset::Ruleset& ruleset,
                     telemetry::TraceCounters& traces, Instant now, std::span<Decision> decisions,
                     telemetry::EventBatch& events, const Existing& existing,
                     inspect::ConditionWorkspace* workspace) noexcept {
    assert(frames.size() <= kMaxBurst && decisions.size() >= frames.size());
    assert(traces.size() == ruleset.trace_count());
    assert(workspace != nullptr || !ruleset.inspects());
    Burst burst(*state_, frames, ruleset, traces, now, decisions, events, existing, workspace);
    burst.receive();
    burst.triage();
    burst.find_flows();
    burst.judge_ahead();
    burst.decide();
}

void Engine::sweep(Instant now, telemetry::EventBatch& events) noexcept {
    FlowReporter report(state_->settings.worker, now, state_->flows, state_->counters, events);
    const flow::FlowTable& flows = state_->flows;
    state_->flows.sweep(now, kSweepStep, [&](const flow::Flow& flow) {
        if (flow.is_watched()) state_->stop_reading(flow);
        if (!flows.notes(flow).is_over()) report.ended(flow);
    });
    state_->fragments.sweep(now, kSweepStep);
    if (const Nanos interval = state_->settings.report_interval; interval > Nanos{0})
        state_->flows.report(now, interval, kReportStep, [&](const flow::Flow& flow) {
            if (!flows.notes(flow).is_over()) report.progressed(flow);
        });
}

void Engine::begin_census() noexcept { state_->census = state_->flows.begin_walk(); }

bool Engine::census(Instant now, Generation current, const Existing& existing, std::size_t entries,
                    flow::CensusBatch& found) noexcept {
    assert(entries <= flow::kCensusStep && found.empty());
    state_->flows.walk(state_->census, now, entries, [&](const flow::Flow& flow) {
        const flow::FlowNotes& notes = state_->flows.notes(flow);
        found.push_back({.tuple = flow.initiator_tuple(),
                         .state = flow.state,
                         .kept = !notes.is_over() && existing.keeps(flow.judged_in(), current),
                         .was_reset = notes.is_over(),
                         .worker = state_->settings.worker,
                         .trace = flow.trace,
                         .generation = flow.judged_in(),
                         .flow = notes.id,
                         .forward = flow.forward,
                         .reverse = flow.reverse});
    });
    return state_->census.done();
}

std::size_t Engine::flow_count() const noexcept { return state_->flows.size(); }

const flow::StateCounts& Engine::flow_counts() const noexcept { return state_->flows.counts(); }

std::span<const telemetry::Request> Engine::requests() const noexcept { return state_->requests.span(); }

void Engine::forget_requests() noexcept { state_->requests.clear(); }

inspect::InspectorUsage Engine::inspection() const noexcept { return state_->inspector.usage(); }

inspect::DnsWatchCounts Engine::dns() const noexcept {
    return state_->dns ? state_->dns->counts() : inspect::DnsWatchCounts{};
}

std::size_t Engine::memory_bytes() const noexcept {
    const inspect::InspectorSettings& reading = state_->settings.layer7.inspector;
    return sizeof(State) + state_->flows.memory_bytes() + state_->fragments.memory_bytes() + reading.buffers;
}

}  // namespace drywall::engine
