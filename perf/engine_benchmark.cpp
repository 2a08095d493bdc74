// The whole engine from memory: bursts of 32 in, decisions out. Established connections, and connections that policy
// denies (every packet is classified), with staged policies beside the same enforced ones.

#include <benchmark/benchmark.h>

#include <map>

#include "engine_world.h"

namespace drywall::perf {
namespace {

std::shared_ptr<const ruleset::Ruleset> cached_world(int staged) {
    static std::map<int, std::shared_ptr<const ruleset::Ruleset>> worlds;
    auto& world = worlds[staged];
    if (world == nullptr) world = world_with_staged(staged);
    return world;
}

void run(benchmark::State& state, const test::Frames& opening, const test::Frames& frames, DropReason expected) {
    Appliance appliance(cached_world(static_cast<int>(state.range(1))));
    appliance.process_all(opening.views());
    const std::vector<net::FrameView> views = whole_bursts(frames.views());
    std::size_t first = 0;
    for (auto _ : state) {
        appliance.process(std::span(views).subspan(first, kBurst));
        first = first + kBurst < views.size() ? first + kBurst : 0;
    }
    if (appliance.decision(0).drop != expected) state.SkipWithError("the packets did not fare as this benchmark means");
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBurst));
}

void Established(benchmark::State& state) {
    const test::Frames frames = requests(static_cast<std::size_t>(state.range(0)), kAllowedPort);
    run(state, frames, frames, DropReason::kNone);
}

// Each segment lies in its connection's window.
void EstablishedTcp(benchmark::State& state) {
    const auto flows = static_cast<std::size_t>(state.range(0));
    run(state, handshakes(flows, kAllowedPort),
        from_clients(test::tcp().flags(net::tcp_flag::kAck).payload(4), flows, kAllowedPort), DropReason::kNone);
}

void Denied(benchmark::State& state) {
    const test::Frames frames = requests(static_cast<std::size_t>(state.range(0)), kDeniedPort);
    run(state, frames, frames, DropReason::kPolicyDeny);
}

BENCHMARK(EstablishedTcp)->ArgNames({"flows", "staged"})->ArgsProduct({{1, 100, 10'000, 60'000}, {0}});
BENCHMARK(Established)->ArgNames({"flows", "staged"})->ArgsProduct({{1, 100, 10'000}, {0, 10, 1000}});
BENCHMARK(Denied)->ArgNames({"flows", "staged"})->ArgsProduct({{1, 100, 10'000}, {0, 10, 1000}});

}  // namespace
}  // namespace drywall::perf
