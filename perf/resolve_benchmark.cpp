// From resources to a program: a cluster of many pods and policies resolved and lowered, without compiling, and a
// smaller one from resources to tables that are checked.
//
// Every pod has a label of its own, as pods of stateful sets have, so that no two label maps are equal.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

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

constexpr std::size_t kAppsPerNamespace = 10;

void add(policy::Inventory& inventory, policy::Resource resource) {
    const policy::ResourceId id = policy::id_of(resource);
    inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
}

std::string app(std::size_t number) { return "app-" + std::to_string(number % kAppsPerNamespace); }
std::string ns(std::size_t number) { return "ns-" + std::to_string(number); }

policy::Pod pod(std::size_t number, std::size_t pods_per_namespace) {
    policy::Pod pod;
    pod.metadata.name = "pod-" + std::to_string(number);
    pod.metadata.ns = ns(number / pods_per_namespace);
    pod.metadata.labels = {{"app", app(number)},
                           {"tier", number % 3 == 0 ? "front" : "back"},
                           {"pod-template-hash", std::to_string(number % 977)},
                           {"statefulset.kubernetes.io/pod-name", pod.metadata.name}};
    pod.service_account = "default";
    pod.addresses = {net::Address::v4(static_cast<std::uint32_t>(0x0a000000 + number))};
    pod.ports = {{.name = "http", .protocol = 6, .port = static_cast<std::uint16_t>(8080 + number % 3)}};
    return pod;
}

policy::Rule rule(std::size_t number) {
    policy::Rule rule;
    rule.action = Action::kAllow;
    rule.protocol = 6;
    rule.source.selector = "app == '" + app(number) + "'";
    if (number % 4 == 0)
        rule.destination.named_ports = {"http"};
    else
        rule.destination.ports = {{static_cast<std::uint16_t>(1000 + number % 50), 2000}};
    return rule;
}

policy::Policy network_policy(std::size_t number, std::size_t namespaces) {
    policy::Policy policy;
    policy.metadata.name = "policy-" + std::to_string(number);
    policy.metadata.ns = ns(number % namespaces);
    policy.enforced_kind = policy::Kind::kNetworkPolicy;
    policy.selector = "app == '" + app(number / namespaces) + "'";
    policy.egress_type = number % 5 == 0;
    if (number % 10 == 0) policy.staged_action = policy::StagedAction::kSet;
    for (std::size_t i = 0; i < 5; ++i) policy.ingress.push_back(rule(number + i));
    return policy;
}

policy::Policy global_policy(std::size_t number) {
    policy::Policy policy;
    policy.metadata.name = "global-" + std::to_string(number);
    policy.order = 1;
    policy.selector = "tier == 'front'";
    policy.ingress.push_back(rule(number));
    policy.ingress.back().action = Action::kDeny;
    return policy;
}

policy::Inventory cluster(std::size_t pods, std::size_t policies, std::size_t namespaces) {
    policy::Inventory inventory = policy::initial_inventory();
    for (std::size_t i = 0; i < namespaces; ++i) {
        policy::Namespace space;
        space.metadata.name = ns(i);
        space.metadata.labels = {{"team", "team-" + std::to_string(i % 20)}};
        add(inventory, space);
    }
    for (std::size_t i = 0; i < pods; ++i) add(inventory, pod(i, pods / namespaces));
    for (std::size_t i = 0; i < policies; ++i)
        add(inventory, i % 50 == 0 ? global_policy(i) : network_policy(i, namespaces));
    return inventory;
}

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
