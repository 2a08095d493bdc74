// From resources to a program: a cluster of many pods and policies resolved and lowered, without compiling, and a
// smaller one from resources to tables that are checked.
//
// Every pod has a label of its own, as pods of stateful sets have, so that no two label maps are equal.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cluster.h"
#include "drywall/policy/convert.h"
#include "drywall/ruleset/ruleset.h"
#include "endpoints.h"
#include "hits.h"
#include "lowering.h"
#include "selector_book.h"
#include "walks.h"
#include "world.h"

namespace drywall::ruleset {
namespace {

using perf::cluster;

Surroundings surroundings() {
    Surroundings surroundings;
    surroundings.port_names = {"in", "out"};
    surroundings.peer_of = {PortId{1}, PortId{0}};
    return surroundings;
}

void BM_Resolve(benchmark::State& state) {
    const policy::Inventory inventory =
        cluster(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)),
                static_cast<std::size_t>(state.range(2)));
    const Surroundings around = surroundings();
    std::size_t rules = 0;
    std::size_t parties = 0;
    for (auto _ : state) {
        const policy::CalicoView view = policy::calico_view(inventory);
        const Result<Population> population = populate(view, around);
        const Worlds worlds = arrange(view, false);
        classify::Program program;
        HitTable hits;
        SelectorBook selectors(population->labels);
        Lowering lowering(program, view, *population, selectors, hits);
        WalkBuilder(program, worlds, *population, lowering, hits, false).build(selectors, around);
        rules = program.rules.size();
        parties = program.parties.size();
        benchmark::DoNotOptimize(program);
    }
    state.counters["rules"] = static_cast<double>(rules);
    state.counters["parties"] = static_cast<double>(parties);
}
BENCHMARK(BM_Resolve)
    ->Args({1'000, 100, 10})
    ->Args({10'000, 1'000, 100})
    ->Args({100'000, 5'000, 100})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void BM_Build(benchmark::State& state) {
    const policy::Inventory inventory =
        cluster(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)),
                static_cast<std::size_t>(state.range(2)));
    const Surroundings around = surroundings();
    for (auto _ : state) {
        auto built = Ruleset::build(Generation{1}, inventory, around);
        if (!built) return state.SkipWithError(built.error().text().c_str());
        const classify::Footprint& footprint = (*built)->footprint();
        state.counters["table_bytes"] = static_cast<double>(footprint.table_bytes);
        state.counters["source_classes"] = static_cast<double>(footprint.source_classes);
        state.counters["blocks"] = static_cast<double>(footprint.blocks);
        state.counters["traces"] = static_cast<double>(footprint.traces);
    }
}
BENCHMARK(BM_Build)
    ->Args({1000, 100, 10})
    ->Args({10000, 1000, 100})
    ->Args({100000, 5000, 100})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace drywall::ruleset
