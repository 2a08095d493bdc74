#include "drywall/whatif/replay.h"

#include <algorithm>
#include <array>
#include <utility>

#include "drywall/runtime/ledger.h"
#include "flow_book.h"
#include "request_book.h"

namespace drywall::whatif {

namespace {

using telemetry::PacketsBytes;

// How often everything that timed out is swept out of the tables, in the recording's time. The appliance's worker does
// it all the time; a connection that is over is over at once either way, it only holds its entry for longer.
constexpr Nanos kSweepEvery = std::chrono::seconds(5);

// Behind the last packet: longer than any timeout of a flow.
constexpr Nanos kLongEnough = std::chrono::hours(24 * 365);

std::vector<PacketsBytes> read_all(const std::vector<telemetry::PacketsBytesCounter>& counters) {
    std::vector<PacketsBytes> out;
    out.reserve(counters.size());
    for (const auto& counter : counters) out.push_back(counter.read());
    return out;
}

PacketsBytes sum(const std::vector<PacketsBytes>& amounts) {
    PacketsBytes total;
    for (const PacketsBytes& amount : amounts) total += amount;
    return total;
}

}  // namespace

void Comparison::add(Verdict enforced, Verdict pending, const Amount& amount) noexcept {
    (enforced == Verdict::kAllow ? enforced_allowed : enforced_denied) += amount;
    (pending == Verdict::kAllow ? pending_allowed : pending_denied) += amount;
    if (enforced != pending) (pending == Verdict::kDeny ? newly_denied : newly_allowed) += amount;
}

struct Replay::State {
    State(std::shared_ptr<const ruleset::Ruleset> generation, const engine::EngineSettings& engine_settings)
        : ruleset(std::move(generation)),
          settings(engine_settings),
          counters(ruleset->surroundings().port_names.size()),
          engine(engine_settings, counters),
          book(ruleset->trace_count(), kMaxFlows, kMaxDenied, engine_settings.hash_seed) {
        using Requests = telemetry::TraceCounters::Requests;
        traces.push_back(std::make_unique<telemetry::TraceCounters>(
            ruleset->trace_count(), ruleset->inspects() ? Requests::kCounted : Requests::kNone));
        if (ruleset->inspects() && !workspace.grow_for(ruleset->conditions())) throw std::bad_alloc();
    }

    void sweep_all();
    void enter_events();
    void note_cut(std::span<const net::FrameView> frames);
    [[nodiscard]] runtime::Snapshot snapshot();
    [[nodiscard]] Comparison comparison() const;

    std::shared_ptr<const ruleset::Ruleset> ruleset;
    engine::EngineSettings settings;
    telemetry::WorkerCounters counters;
    std::vector<std::unique_ptr<telemetry::TraceCounters>> traces;  // one worker's: the ledger takes those of all
    engine::Engine engine;
    FlowBook book;
    RequestBook requests;
    telemetry::EventBatch events;
    inspect::ConditionWorkspace workspace;
    std::array<engine::Decision, kMaxBurst> decisions{};
    ReplayReport report;
    Instant now;
    Instant swept;
    bool begun = false;
};

Replay::Replay(std::shared_ptr<const ruleset::Ruleset> ruleset, const engine::EngineSettings& settings)
    : state_(std::make_unique<State>(std::move(ruleset), settings)) {}
Replay::~Replay() = default;
Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&&) noexcept = default;

std::span<const engine::Decision> Replay::take(std::span<const net::FrameView> frames, Nanos time) {
    State& state = *state_;
    if (!std::exchange(state.begun, true)) {
        state.report.first = time;
        state.now = state.swept = Instant{time};
    }
    state.now = std::max(state.now, Instant{time});
    if (state.now - state.swept >= kSweepEvery) state.sweep_all();

    state.engine.process(frames, *state.ruleset, *state.traces.front(), state.now, state.decisions, state.events, {},
                         &state.workspace);
    state.requests.enter(state.engine.requests());
    state.engine.forget_requests();
    state.enter_events();
    const std::span<const engine::Decision> decided = std::span(state.decisions).first(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i)
        if (decided[i].drop == DropReason::kNone) {
            state.counters.transmitted[index(decided[i].egress)].add(frames[i].length);
            state.counters.forwarded[frames[i].ingress_port].add(frames[i].length);
        }
    state.note_cut(frames);
    return decided;
}

void Replay::State::note_cut(std::span<const net::FrameView> frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        if (frames[i].contiguous == frames[i].length) continue;
        ++report.cut;
        if (decisions[i].drop == DropReason::kTruncated) ++report.cut_unjudged;
    }
}

void Replay::State::sweep_all() {
    swept = now;
    const std::size_t entries = std::max(settings.flow_capacity, settings.fragment_capacity);
    for (std::size_t looked_at = 0; looked_at < entries; looked_at += engine::Engine::kSweepStep) {
        engine.sweep(now, events);
        enter_events();
    }
}

void Replay::State::enter_events() {
    book.enter(events.span());
    events.clear();
}

ReplayReport Replay::finish() {
    State& state = *state_;
    ReplayReport report = std::move(state.report);
    report.last = state.now.since_start;
    report.counted = state.snapshot();  // before the connections that still live are ended to be added up
    state.now = state.now + kLongEnough;
    state.sweep_all();
    report.judged = state.comparison();
    report.connections_exact = state.book.exact();
    report.flows_left_out = state.book.left_out();
    report.flows = state.book.take_flows();
    report.requests = state.requests.take(*state.traces.front(), state.ruleset->trace_count());
    return report;
}

runtime::Snapshot Replay::State::snapshot() {
    runtime::Snapshot out;
    out.generation = ruleset->generation();
    runtime::Ledger ledger;
    runtime::Ledger::Account account = ledger.open(ruleset);
    ledger.enter(account, traces, {});  // hits of a recording have no time on this clock
    ledger.report(account, out);

    const std::vector<PacketsBytes> received = read_all(counters.received);
    const std::vector<PacketsBytes> transmitted = read_all(counters.transmitted);
    for (std::size_t port = 0; port < received.size(); ++port) {
        runtime::PortTotals totals;
        totals.name = ruleset->surroundings().port_names[port];
        totals.received = received[port];
        totals.transmitted = transmitted[port];
        totals.forwarded = counters.forwarded[port].read();
        for (const DropReasonText& reason : kDropReasons)
            totals.drops[reason.reason] = counters.dropped.read(port, reason.reason);
        out.ports.push_back(std::move(totals));
    }
    out.received = sum(received);
    out.transmitted = sum(transmitted);
    for (const DropReasonText& reason : kDropReasons) out.drops[reason.reason] = counters.dropped.read(reason.reason);
    out.non_ip_passed = counters.non_ip_passed.read();
    out.neighbour_discovery_passed = counters.neighbour_discovery_passed.read();
    out.related_passed = counters.related_passed.read();
    out.flows_live = engine.flow_count();
    out.flows_opened = counters.flows_opened.read();
    out.flows_ended = counters.flows_ended.read();
    return out;
}

Comparison Replay::State::comparison() const {
    Comparison out;
    for (std::uint32_t id = 0; id < ruleset->trace_count(); ++id) {
        const ruleset::TraceVerdict& verdict = ruleset->verdict(TraceId{id});
        out.add(verdict.enforced, verdict.pending, {book.connections()[id], traces.front()->read(TraceId{id})});
    }
    return out;
}

}  // namespace drywall::whatif
