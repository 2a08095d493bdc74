// What an inventory of pods costs until it is in Calico's terms: calico_view(), and the labels that selectors see.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "drywall/policy/convert.h"

namespace drywall {
namespace {

policy::Inventory pods(std::int64_t count) {
    policy::Inventory inventory = policy::initial_inventory();
    for (std::int64_t i = 0; i < count; ++i) {
        policy::Pod pod;
        pod.metadata.ns = "namespace-" + std::to_string(i / 100);
        pod.metadata.name = "web-7d4b9c6f5b-" + std::to_string(i);
        pod.metadata.labels = {{"app", "web-" + std::to_string(i % 50)},
                               {"pod-template-hash", "7d4b9c6f5b"},
                               {"app.kubernetes.io/component", "server"},
                               {"version", "v1"}};
        pod.service_account = "default";
        pod.addresses = {net::Address::v4(0x0a000000U + static_cast<std::uint32_t>(i))};
        pod.ports = {{"http", 6, 8080}};
        auto resource = std::make_shared<const policy::Resource>(std::move(pod));
        inventory.emplace(policy::id_of(*resource), resource);
    }
    return inventory;
}

void calico_view_of_pods(benchmark::State& state) {
    const policy::Inventory inventory = pods(state.range(0));
    for (auto _ : state) benchmark::DoNotOptimize(policy::calico_view(inventory));
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(calico_view_of_pods)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void labels_of_pods(benchmark::State& state) {
    const policy::Inventory inventory = pods(state.range(0));
    const policy::CalicoView view = policy::calico_view(inventory);
    for (auto _ : state) {
        for (const auto& workload : view.workloads) benchmark::DoNotOptimize(view.labels_of(*workload.value));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(labels_of_pods)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace drywall
