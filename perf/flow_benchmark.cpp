// Finding established connections: FlowTable beside DPDK's rte_hash, the same keys in the same order, in bursts. The
// table's answer is an entry whose lines are on their way; rte_hash's is the entry's position.

#include <benchmark/benchmark.h>
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "drywall/flow/flow_table.h"

namespace drywall::flow {
namespace {

constexpr std::size_t kStream = 1 << 16;  // lookups in one round of the stream
constexpr std::uint64_t kSeed = 7;

std::vector<FlowKey> distinct_keys(std::size_t count) {
    std::vector<FlowKey> keys(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto host = static_cast<std::uint32_t>(i);
        keys[i].near_address = net::Address::v4(0x0a000000U + host % 4096).bytes;
        keys[i].far_address = net::Address::v4(0x0a010000U + host % 61).bytes;
        keys[i].near_port = static_cast<std::uint16_t>(1024 + host / 4096);
        keys[i].far_port = 443;
        keys[i].protocol = net::protocol::kTcp;
    }
    return keys;
}

std::vector<FlowKey> uniform_stream(const std::vector<FlowKey>& keys) {
    std::mt19937_64 random(kSeed);
    std::vector<FlowKey> stream(kStream);
    for (FlowKey& key : stream) key = keys[random() % keys.size()];
    return stream;
}

void FlowTableFind(benchmark::State& state) {
    const auto burst = static_cast<std::size_t>(state.range(1));
    const std::vector<FlowKey> keys = distinct_keys(static_cast<std::size_t>(state.range(0)));
    const std::vector<FlowKey> stream = uniform_stream(keys);
    FlowTable table(65536, {}, kSeed);
    for (const FlowKey& key : keys)
        if (table.open(key, 0, {}) == nullptr) return state.SkipWithError("the table refused a connection");
    std::array<Flow*, kMaxBurst> found{};
    std::size_t first = 0;
    for (auto _ : state) {
        table.find(std::span(stream).subspan(first, burst), found);
        for (std::size_t i = 0; i < burst; ++i) benchmark::DoNotOptimize(found[i]);
        first = (first + burst) % kStream;
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst));
}

// EAL without devices, hugepages or files: rte_hash only needs its memory.
bool start_eal() {
    static const bool started = [] {
        std::array<std::string, 8> words = {"flow_benchmark", "--no-huge",      "--no-shconf",      "-m", "512",
                                            "--no-pci",       "--no-telemetry", "--log-level=error"};
        std::array<char*, words.size()> arguments;
        for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
        return rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
    }();
    return started;
}

struct HashDeleter {
    void operator()(rte_hash* hash) const noexcept { rte_hash_free(hash); }
};

void RteHashLookupBulk(benchmark::State& state) {
    if (!start_eal()) return state.SkipWithError("DPDK's environment did not start");
    const auto burst = static_cast<std::size_t>(state.range(1));
    const std::vector<FlowKey> keys = distinct_keys(static_cast<std::size_t>(state.range(0)));
    const std::vector<FlowKey> stream = uniform_stream(keys);
    rte_hash_parameters parameters{};
    parameters.name = "peer";
    parameters.entries = 65536 + 1024;  // its cuckoo paths fail a little before it is full
    parameters.key_len = sizeof(FlowKey);
    parameters.hash_func = rte_hash_crc;
    const std::unique_ptr<rte_hash, HashDeleter> hash(rte_hash_create(&parameters));
    if (hash == nullptr) return state.SkipWithError("rte_hash_create failed");
    for (const FlowKey& key : keys)
        if (rte_hash_add_key(hash.get(), &key) < 0) return state.SkipWithError("rte_hash refused a key");

    std::array<const void*, kMaxBurst> wanted{};
    std::array<std::int32_t, kMaxBurst> positions{};
    std::size_t first = 0;
    for (auto _ : state) {
        for (std::size_t i = 0; i < burst; ++i) wanted[i] = &stream[first + i];
        rte_hash_lookup_bulk(hash.get(), wanted.data(), static_cast<std::uint32_t>(burst), positions.data());
        for (std::size_t i = 0; i < burst; ++i) benchmark::DoNotOptimize(positions[i]);
        first = (first + burst) % kStream;
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst));
}

BENCHMARK(FlowTableFind)->ArgNames({"flows", "burst"})->ArgsProduct({{1, 100, 10'000, 65'536}, {32, 64}});
BENCHMARK(RteHashLookupBulk)->ArgNames({"flows", "burst"})->ArgsProduct({{1, 100, 10'000, 65'536}, {32, 64}});

}  // namespace
}  // namespace drywall::flow
