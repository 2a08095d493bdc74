// Classification of bursts by policy-shaped programs: endpoints with labels, policies that select one label group and
// allow others on a few TCP ports. The same enforced policies stand beside 0, 10 and 1,000 staged ones: a lookup must
// not know the difference.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "drywall/classify/classifier.h"

namespace drywall::classify {
namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kPackets = 8192;
constexpr std::size_t kGroups = 100;
constexpr std::int64_t kPodsOfWorkload = 10;
constexpr std::size_t kGroupsOfEndpoint = 3;
constexpr std::array<std::uint16_t, 16> kPorts{80,   443,  8080, 8443, 5432, 3306, 6379, 9092,
                                               9200, 2379, 4222, 5672, 53,   389,  636,  8500};

struct Shape {
    std::size_t parties = 100;
    std::size_t policies = 100;
    std::size_t rules_of_policy = 5;
    std::size_t staged = 0;
    net::Family family = net::Family::kIPv4;
    std::size_t alike = 1;  // this many endpoints in a row have the same labels: the pods of one workload
};

net::Address address_of(net::Family family, std::size_t party) {
    if (family == net::Family::kIPv4) return net::Address::v4(0x0a000000U + static_cast<std::uint32_t>(party * 7));
    net::Address address{net::Family::kIPv6, {0xfd, 0, 0, 0x64}};
    const std::uint64_t host = (party + 1) * 0x9e3779b97f4a7c15u;  // interface identifiers are scattered
    for (std::size_t at = 0; at < 8; ++at) address.bytes[8 + at] = static_cast<std::uint8_t>(host >> 8 * at);
    return address;
}

class PolicyProgram {
public:
    explicit PolicyProgram(const Shape& shape) : shape_(shape), members_(kGroups) {
        program_.lanes.resize(2);
        program_.sets.resize(kGroups);
        for (std::size_t party = 0; party < shape.parties; ++party) join_groups(party);
        const auto enforced = policies(shape.policies);
        const auto staged = policies(shape.staged);
        add_walk({}, {});  // walk 0: egress, which no policy selects
        for (std::size_t party = 0; party < shape.parties; ++party) add_party(party, enforced, staged);
    }

    [[nodiscard]] const Program& program() const { return program_; }

private:
    using Rules = std::vector<RuleIndex>;
    struct Policy {
        std::size_t selects = 0;
        Rules rules;
    };

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

    void join_groups(std::size_t party) {
        if (party % shape_.alike == 0) {
            for (std::size_t& group : groups_) group = below(kGroups);
        }
        for (const std::size_t group : groups_) {
            members_[group].push_back(party);
            program_.sets[group].prefixes.push_back(net::Prefix::host(address_of(shape_.family, party)));
        }
    }

    std::vector<Policy> policies(std::size_t count) {
        std::vector<Policy> policies(count);
        for (Policy& policy : policies) {
            policy.selects = below(kGroups);
            for (std::size_t at = 0; at < shape_.rules_of_policy; ++at) {
                const std::uint16_t port = kPorts[below(kPorts.size())];
                policy.rules.push_back(RuleIndex{static_cast<std::uint32_t>(program_.rules.size())});
                program_.rules.push_back(
                    {.source = {.in = {SetId{static_cast<std::uint32_t>(below(kGroups))}}},
                     .service = {.protocol = net::protocol::kTcp, .destination_ports = {{port, port}}},
                     .action = Action::kAllow,
                     .hit = next_hit()});
            }
        }
        return policies;
    }

    void add_party(std::size_t party, const std::vector<Policy>& enforced, const std::vector<Policy>& staged) {
        const Rules now = selecting(party, enforced);
        const Rules then = selecting(party, staged);
        const Walks ingress{add_walk(now, {}), add_walk(now, then)};
        program_.parties.push_back(
            {.addresses = {net::Prefix::host(address_of(shape_.family, party))}, .egress = {}, .ingress = ingress});
    }

    Rules selecting(std::size_t party, const std::vector<Policy>& policies) const {
        Rules rules;
        for (const Policy& policy : policies) {
            const auto& members = members_[policy.selects];
            if (std::find(members.begin(), members.end(), party) == members.end()) continue;
            rules.insert(rules.end(), policy.rules.begin(), policy.rules.end());
        }
        return rules;
    }

    WalkId add_walk(Rules rules, const Rules& more) {
        rules.insert(rules.end(), more.begin(), more.end());
        Walk walk{.tiers = {}, .otherwise = Verdict::kAllow, .otherwise_hit = otherwise_hit_};
        if (!rules.empty()) walk.tiers.push_back({std::move(rules), Action::kDeny, end_hit_});
        program_.walks.push_back(std::move(walk));
        return WalkId{static_cast<std::uint32_t>(program_.walks.size() - 1)};
    }

    HitId next_hit() { return HitId{hits_++}; }

    Shape shape_;
    std::mt19937_64 random_{7};
    std::uint32_t hits_ = 0;
    HitId otherwise_hit_ = next_hit();
    HitId end_hit_ = next_hit();
    std::array<std::size_t, kGroupsOfEndpoint> groups_{};  // of the workload at hand
    std::vector<std::vector<std::size_t>> members_;        // by group: parties
    Program program_;
};

std::vector<net::Tuple> packets_for(const Shape& shape) {
    std::mt19937_64 random(11);
    const auto below = [&](std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
    };
    std::vector<net::Tuple> packets(kPackets);
    for (net::Tuple& packet : packets) {
        packet.family = shape.family;
        packet.source = address_of(shape.family, below(shape.parties)).bytes;
        packet.destination = address_of(shape.family, below(shape.parties)).bytes;
        packet.protocol = net::protocol::kTcp;
        packet.source_port = static_cast<std::uint16_t>(32768 + below(28232));
        packet.destination_port =
            below(4) == 0 ? static_cast<std::uint16_t>(below(65536)) : kPorts[below(kPorts.size())];
        packet.ingress_port = static_cast<std::uint16_t>(below(2));
    }
    return packets;
}

Shape shape_of(const benchmark::State& state) {
    return {.parties = static_cast<std::size_t>(state.range(0)),
            .policies = static_cast<std::size_t>(state.range(1)),
            .rules_of_policy = 5,
            .staged = static_cast<std::size_t>(state.range(2)),
            .family = state.range(3) == 6 ? net::Family::kIPv6 : net::Family::kIPv4,
            .alike = kPodsOfWorkload};
}

void report(benchmark::State& state, const Footprint& footprint) {
    state.counters["table_bytes"] = static_cast<double>(footprint.table_bytes);
    state.counters["blocks"] = static_cast<double>(footprint.blocks);
    state.counters["traces"] = static_cast<double>(footprint.traces);
}

void lookup_of_bursts(benchmark::State& state) {
    const Shape shape = shape_of(state);
    const auto classifier = Classifier::compile(PolicyProgram(shape).program());
    if (!classifier) return state.SkipWithError(classifier.error().text().c_str());
    const std::vector<net::Tuple> packets = packets_for(shape);
    std::array<TraceId, kBurst> traces{};
    std::size_t at = 0;
    for (auto _ : state) {
        classifier->lookup(std::span(packets).subspan(at, kBurst), traces);
        benchmark::DoNotOptimize(traces);
        at = (at + kBurst) % kPackets;
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBurst));
    report(state, classifier->footprint());
}

void lookup_one_by_one(benchmark::State& state) {
    const Shape shape = shape_of(state);
    const auto classifier = Classifier::compile(PolicyProgram(shape).program());
    if (!classifier) return state.SkipWithError(classifier.error().text().c_str());
    const std::vector<net::Tuple> packets = packets_for(shape);
    std::size_t at = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(classifier->lookup(packets[at]));
        at = (at + 1) % kPackets;
    }
    state.SetItemsProcessed(state.iterations());
}

void compile_program(benchmark::State& state) {
    Shape shape = shape_of(state);
    shape.rules_of_policy = static_cast<std::size_t>(state.range(4));
    shape.alike = static_cast<std::size_t>(state.range(5));
    const PolicyProgram source(shape);
    for (auto _ : state) {
        const auto classifier = Classifier::compile(source.program());
        if (!classifier) return state.SkipWithError(classifier.error().text().c_str());
        report(state, classifier->footprint());
    }
}

// The same enforced policies, with ever more staged ones beside them.
void enforced_with_staged(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"parties", "policies", "staged", "ip"});
    for (const std::int64_t family : {4, 6}) {
        for (const std::int64_t parties : {100, 1000}) {
            for (const std::int64_t staged : {0, 10, 1000}) {
                benchmark->Args({parties, parties == 100 ? 100 : 1000, staged, family});
            }
        }
    }
}

BENCHMARK(lookup_of_bursts)->Apply(enforced_with_staged);
BENCHMARK(lookup_one_by_one)
    ->ArgNames({"parties", "policies", "staged", "ip"})
    ->Args({100, 100, 10, 4})
    ->Args({1000, 1000, 10, 4});
BENCHMARK(compile_program)
    ->ArgNames({"parties", "policies", "staged", "ip", "rules", "alike"})
    ->Args({100, 100, 0, 4, 5, kPodsOfWorkload})
    ->Args({1000, 1000, 0, 4, 50, kPodsOfWorkload})
    ->Args({1000, 1000, 10, 4, 50, kPodsOfWorkload})
    ->Args({1000, 1000, 0, 4, 5, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace drywall::classify
