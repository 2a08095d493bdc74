// The parser over a burst of 32 mixed packets. items_per_second is packets per second and core.
#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "packets.h"

namespace {

using namespace drywall;
using namespace drywall::test;

constexpr std::size_t kBurst = 32;

Packet over_ipv6(const Packet& packet) { return packet.from("2001:db8::1", 40000).to("2001:db8:1::9", 443); }

std::vector<Packet> mixed_burst() {
    const std::vector<Packet> kinds{
        tcp().ack().payload(512),
        tcp().syn().tcp_options(20),
        udp().payload(64),
        tcp().ack().payload(1400).vlan(7),
        over_ipv6(tcp().ack().payload(512)),
        over_ipv6(udp().payload(64)).qinq(100, 7),
        icmp_echo().payload(56),
        arp(),
    };
    std::vector<Packet> burst;
    for (std::size_t i = 0; i < kBurst; ++i) burst.push_back(kinds[i % kinds.size()]);
    return burst;
}

void parse_frames(benchmark::State& state, const std::vector<Packet>& burst) {
    const Frames frames{std::span(burst)};
    std::array<net::PacketMeta, kBurst> metas;
    for (auto _ : state) {
        net::parse(frames.views(), metas);
        benchmark::DoNotOptimize(metas.data());
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBurst));
}

void BM_ParseMixedBurst(benchmark::State& state) { parse_frames(state, mixed_burst()); }
void BM_ParseTcpBurst(benchmark::State& state) { parse_frames(state, std::vector<Packet>(kBurst, tcp().ack())); }
void BM_ParseTcp6Burst(benchmark::State& state) {
    parse_frames(state, std::vector<Packet>(kBurst, over_ipv6(tcp().ack())));
}

}  // namespace

BENCHMARK(BM_ParseMixedBurst);
BENCHMARK(BM_ParseTcpBurst);
BENCHMARK(BM_ParseTcp6Burst);
