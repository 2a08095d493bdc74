// Flow records into the flow log: how many a second one stats core takes in, beside a plain hash map that only counts
// them per 5-tuple. A million distinct flows a minute are 33,000 records a second (opened and ended).
//
//   build-perf/perf/flow_log_benchmark
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "drywall/observe/flow_log.h"

namespace drywall::observe {
namespace {

using telemetry::FlowEvent;
using telemetry::FlowEventKind;

// `distinct` sources, a connection of each in turn, opened and ended.
class Traffic {
public:
    explicit Traffic(std::uint32_t distinct) : distinct_(distinct) {}

    std::array<FlowEvent, 2> next() {
        FlowEvent opened;
        opened.flow = ++flow_;
        opened.tuple.source = net::Address::v4(0x0a000000U + static_cast<std::uint32_t>(flow_ % distinct_)).bytes;
        opened.tuple.destination = net::Address::v4(0xc0000201U).bytes;
        opened.tuple.protocol = net::protocol::kTcp;
        opened.tuple.source_port = static_cast<std::uint16_t>(flow_);
        opened.tuple.destination_port = 443;
        opened.forward = {1, 60};
        FlowEvent ended = opened;
        ended.kind = FlowEventKind::kEnded;
        ended.forward = {10, 1000};
        ended.reverse = {12, 9000};
        return {opened, ended};
    }

private:
    std::uint32_t distinct_;
    std::uint64_t flow_ = 0;
};

// Seconds pass as they would at a million flows a minute.
class Seconds {
public:
    [[nodiscard]] FlowLog::WallClock clock() const {
        return [now = now_] { return *now; };
    }
    void pass_flow() { *now_ += std::chrono::microseconds(60); }

private:
    std::shared_ptr<WallTime> now_ = std::make_shared<WallTime>(std::chrono::hours(1));
};

void BM_FlowLog(benchmark::State& state) {
    Traffic traffic(static_cast<std::uint32_t>(state.range(0)));
    const Seconds seconds;
    FlowLog log(FlowLogSettings{}, seconds.clock());
    std::uint64_t records = 0;
    std::uint64_t flows = 0;
    Seconds time = seconds;
    for (auto _ : state) {
        for (const FlowEvent& event : traffic.next()) log.on_event(event, nullptr);
        time.pass_flow();
        if (++flows % 16'384 == 0)
            for (const auto& interval : log.take_intervals()) records += interval->records.size();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(2 * state.iterations()));
    state.counters["interval_records"] = static_cast<double>(records);
    state.counters["evicted"] = static_cast<double>(log.query({.limit = 0, .latest = true}).evicted);
}
BENCHMARK(BM_FlowLog)->Arg(1'000)->Arg(50'000)->Arg(1'000'000);

struct TupleHash {
    std::size_t operator()(const net::Tuple& tuple) const noexcept {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&tuple), sizeof(tuple)});
    }
};

// What no log could do without: find the entry and add. No bound, no texts, no time, no connections.
void BM_PlainMap(benchmark::State& state) {
    Traffic traffic(static_cast<std::uint32_t>(state.range(0)));
    std::unordered_map<net::Tuple, telemetry::PacketsBytes, TupleHash> map;
    for (auto _ : state) {
        for (const FlowEvent& event : traffic.next()) {
            net::Tuple group = event.tuple;
            group.source_port = 0;
            map[group] += event.forward;
        }
    }
    benchmark::DoNotOptimize(map);
    state.SetItemsProcessed(static_cast<std::int64_t>(2 * state.iterations()));
}
BENCHMARK(BM_PlainMap)->Arg(1'000)->Arg(50'000)->Arg(1'000'000);

// What an interval costs the recorder's thread.
void BM_EncodeInterval(benchmark::State& state) {
    const Seconds seconds;
    FlowLog log(FlowLogSettings{}, seconds.clock());
    Traffic traffic(1'000'000);
    for (int flow = 0; flow < 16'384; ++flow)
        for (const FlowEvent& event : traffic.next()) log.on_event(event, nullptr);
    const auto intervals = log.take_intervals(true);
    std::size_t bytes = 0;
    for (auto _ : state) {
        const std::string text = encode(*intervals.front());
        bytes = text.size();
        benchmark::DoNotOptimize(text.data());
    }
    const auto records = static_cast<std::int64_t>(intervals.front()->records.size());
    state.SetItemsProcessed(records * state.iterations());
    state.counters["bytes_per_record"] = static_cast<double>(bytes) / static_cast<double>(records);
}
BENCHMARK(BM_EncodeInterval);

}  // namespace
}  // namespace drywall::observe
