// What a turn of a worker's loop pays for looking after its connections, beside the packets: the reports of live ones,
// the sweep for those that timed out, and the census while somebody has asked for one.

#include <benchmark/benchmark.h>

#include <chrono>
#include <ctime>
#include <vector>

#include "census_desk.h"
#include "engine_world.h"
#include "flow_reporter.h"

namespace drywall::perf {
namespace {

constexpr Nanos kInterval = std::chrono::seconds(10);      // flows.report-interval, as it is by default
constexpr std::uint32_t kRing = 512;                       // as DataplaneSettings::census_ring
constexpr std::size_t kTurns = kRing / flow::kCensusStep;  // that fill it

flow::FlowKey key_of(std::uint32_t host) {
    flow::FlowKey key;
    key.near_address = net::Address::v4(0x0a000000U + host % 4096).bytes;
    key.far_address = net::Address::v4(0x0a010000U).bytes;
    key.near_port = static_cast<std::uint16_t>(1024 + host / 4096);
    key.far_port = 443;
    key.protocol = net::protocol::kTcp;
    return key;
}

// A table whose connections were always heard since the last report: every one that a round comes to is told.
flow::FlowTable busy_table(std::uint32_t connections) {
    flow::FlowTable table(65536, {}, 7);
    const Instant later{std::chrono::hours(1)};
    for (std::uint32_t host = 0; host < connections; ++host) (void)table.open(key_of(host), 0, {.at = later});
    return table;
}

// `turn` is how long the loop takes for a turn in nanoseconds, packets included: by it goes how many reports are due.
void Report(benchmark::State& state) {
    flow::FlowTable table = busy_table(static_cast<std::uint32_t>(state.range(0)));
    telemetry::WorkerCounters counters(2);
    telemetry::EventBatch events;
    Instant now{std::chrono::seconds(1)};
    std::size_t told = 0;
    for (auto _ : state) {
        now = now + Nanos(state.range(1));
        engine::FlowReporter report(WorkerId{0}, now, table, counters, events);
        table.report(now, kInterval, engine::Engine::kReportStep,
                     [&](const flow::Flow& flow) { report.progressed(flow); });
        told += events.size();
        events.clear();
    }
    state.counters["records"] = benchmark::Counter(static_cast<double>(told), benchmark::Counter::kAvgIterations);
}

void Sweep(benchmark::State& state) {
    flow::FlowTable table = busy_table(static_cast<std::uint32_t>(state.range(0)));
    const Instant now{std::chrono::seconds(1)};
    for (auto _ : state)
        table.sweep(now, engine::Engine::kSweepStep, [](const flow::Flow& flow) { benchmark::DoNotOptimize(&flow); });
}

std::shared_ptr<const ruleset::Ruleset> world() {
    static const auto made = world_with_staged(0);
    return made;
}

// Of this thread: a busy machine does not bend it.
double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// A worker's turns until the ring is full, which somebody then empties; the time is the processor's for one turn.
void Census(benchmark::State& state) {
    const auto connections = static_cast<std::size_t>(state.range(0));
    Appliance appliance(world());
    const test::Frames frames = requests(connections, kAllowedPort);
    const std::vector<net::FrameView> views = whole_bursts(frames.views());
    appliance.process_all(views);
    if (appliance.engine().flow_count() != connections) return state.SkipWithError("the table refused a connection");

    engine::Engine& engine = appliance.engine();
    runtime::CensusDesk desk(kRing);
    flow::CensusBatch found;
    std::vector<flow::CensusEntry> taken;
    taken.reserve(kRing);
    desk.ask();
    engine.begin_census();
    for (auto _ : state) {
        const double start = processor_seconds();
        for (std::size_t turn = 0; turn < kTurns; ++turn) {
            const bool last = engine.census(appliance.now(), world()->generation(), {}, desk.room(), found);
            desk.hand_over(desk.asked(), found.span(), last);
            found.clear();
            if (last) engine.begin_census();
        }
        state.SetIterationTime((processor_seconds() - start) / kTurns);
        desk.take(taken);
        taken.clear();
    }
}

BENCHMARK(Report)->ArgNames({"flows", "turn"})->ArgsProduct({{60'000}, {1'000, 10'000, 100'000}});
BENCHMARK(Sweep)->ArgName("flows")->Arg(60'000);
BENCHMARK(Census)->ArgName("flows")->Arg(100)->Arg(60'000)->UseManualTime();

}  // namespace
}  // namespace drywall::perf
