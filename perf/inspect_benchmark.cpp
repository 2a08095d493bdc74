// What layer 7 costs: reading a request, matching it with 10 to 10,000 conditions, and both through an inspector. The
// last counts bytes: a core's Gbit/s of requests.
#include <array>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "drywall/inspect/conditions.h"
#include "drywall/inspect/http_path.h"
#include "drywall/inspect/http_request.h"
#include "drywall/inspect/inspector.h"
#include "web_requests.h"

namespace {

using namespace drywall;
using namespace drywall::inspect;
using perf::made_paths;
using perf::request_for;

std::vector<Condition> conditions_of(const std::vector<std::string>& paths) {
    std::vector<Condition> conditions;
    for (const std::string& path : paths) conditions.emplace_back(HttpCondition{{"GET"}, {{true, path}}});
    return conditions;
}

struct Site {
    explicit Site(std::size_t patterns)
        : paths(made_paths(patterns)), conditions(std::move(Conditions::compile(conditions_of(paths))).value()) {
        (void)workspace.grow_for(conditions);
    }
    bool allows(std::string_view method, std::string_view path, std::size_t condition) {
        workspace.request.clear();
        return conditions.match_request(method, path, workspace.scratch, workspace.request) &&
               conditions.holds(ConditionId{static_cast<std::uint32_t>(condition)}, workspace.request);
    }

    std::vector<std::string> paths;
    Conditions conditions;
    ConditionWorkspace workspace;
};

void read_request(benchmark::State& state) {
    const std::string request = request_for("/api/v1/products/12345?sort=price");
    for (auto _ : state) {
        HttpReader reader(16384);
        HttpHead head;
        benchmark::DoNotOptimize(reader.read(request, head));
        benchmark::DoNotOptimize(head);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * request.size()));
}
BENCHMARK(read_request);

void normalise(benchmark::State& state) {
    std::array<char, 256> buffer{};
    for (auto _ : state)
        benchmark::DoNotOptimize(normalise_path("/api/v1/products/../items/12345/details?sort=price", buffer));
}
BENCHMARK(normalise);

// A path that one of the conditions is for, and something below it.
void match(benchmark::State& state) {
    Site site(static_cast<std::size_t>(state.range(0)));
    std::vector<std::string> asked;
    for (const std::string& path : site.paths) asked.push_back(path + "/12345");
    std::size_t i = 0;
    for (auto _ : state) {
        const std::size_t which = i++ * 7919 % asked.size();
        if (!site.allows("GET", asked[which], which)) state.SkipWithError("a condition does not hold");
    }
}
BENCHMARK(match)->Arg(10)->Arg(1'000)->Arg(10'000);

// A path that no condition is for.
void match_nothing(benchmark::State& state) {
    Site site(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state)
        if (site.allows("GET", "/api/v1/something/else/12345", 0)) state.SkipWithError("a condition holds");
}
BENCHMARK(match_nothing)->Arg(10)->Arg(1'000)->Arg(10'000);

// One connection, a request in each segment: reassembly, reading, keeping, matching.
void inspect_requests(benchmark::State& state) {
    Site site(static_cast<std::size_t>(state.range(0)));
    std::vector<std::string> requests;
    for (const std::string& path : site.paths) requests.push_back(request_for(path + "/12345"));
    auto inspector = std::move(Inspector::create({})).value();
    const ContextId context = inspector.open(Protocol::kHttp, 0);
    std::uint32_t sequence = 0;
    std::size_t i = 0;
    std::size_t bytes = 0;
    for (auto _ : state) {
        const std::size_t which = i++ * 7919 % requests.size();
        const std::string& request = requests[which];
        const auto* data = reinterpret_cast<const std::uint8_t*>(request.data());
        bool allowed = inspector.take(context, {sequence, {data, request.size()}, sequence}) == Fate::kPass;
        for (Finding finding; inspector.next(finding);)
            allowed = allowed && site.allows(finding.request.method, finding.request.path, which);
        if (!allowed) state.SkipWithError("a request was not allowed");
        sequence += static_cast<std::uint32_t>(request.size());
        bytes += request.size();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(inspect_requests)->Arg(10)->Arg(1'000)->Arg(10'000);

// An upload: contents whose length is known.
void inspect_contents(benchmark::State& state) {
    auto inspector = std::move(Inspector::create({})).value();
    const ContextId context = inspector.open(Protocol::kHttp, 0);
    const std::string head = "POST / HTTP/1.1\r\nContent-Length: 100000000000000000\r\n\r\n";
    const std::vector<std::uint8_t> contents(1448, 'x');
    Finding finding;
    (void)inspector.take(context, {0, {reinterpret_cast<const std::uint8_t*>(head.data()), head.size()}, 0});
    while (inspector.next(finding)) {
    }
    auto sequence = static_cast<std::uint32_t>(head.size());
    for (auto _ : state) {
        if (inspector.take(context, {sequence, contents, sequence}) != Fate::kPass) state.SkipWithError("not passed");
        while (inspector.next(finding)) {
        }
        sequence += static_cast<std::uint32_t>(contents.size());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * contents.size()));
}
BENCHMARK(inspect_contents);

void compile(benchmark::State& state) {
    const auto conditions = conditions_of(made_paths(static_cast<std::size_t>(state.range(0))));
    std::size_t bytes = 0;
    for (auto _ : state) bytes = std::move(Conditions::compile(conditions)).value().memory_bytes();
    state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(compile)->Arg(10)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
