// What the distributor adds to receiving a frame. items_per_second is frames per second and core; the device is an
// array that costs nothing, and its row is the floor. One thread plays all workers: what changing cores costs on top is
// the machine's.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "drywall/io/distributor.h"
#include "packets.h"

namespace {

using namespace drywall;

// Gives the same frames again and again, by queue 0.
class EndlessPort final : public io::Port {
public:
    explicit EndlessPort(const std::vector<test::Packet>& packets) : frames_(std::span(packets)) {}
    std::uint16_t receive(std::uint16_t queue, std::span<io::Frame> frames) noexcept override {
        if (queue != 0) return 0;
        const std::size_t count = std::min(frames.size(), frames_.size());
        for (std::size_t i = 0; i < count; ++i) frames[i] = {frames_.views()[i], nullptr};
        return static_cast<std::uint16_t>(count);
    }
    std::uint16_t transmit(std::uint16_t /*queue*/, std::span<io::Frame> frames) noexcept override {
        return static_cast<std::uint16_t>(frames.size());
    }
    void release(std::span<io::Frame> /*frames*/) noexcept override {}
    [[nodiscard]] std::string name() const override { return "endless"; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return 2; }
    [[nodiscard]] bool link_up() const noexcept override { return true; }
    bool set_link(bool /*up*/) noexcept override { return false; }
    [[nodiscard]] io::DeviceStatistics statistics() const noexcept override { return {}; }

private:
    test::Frames frames_;
};

// A burst of 64-byte frames between 64 pairs of hosts, all of which `worker` owns.
std::vector<test::Packet> burst_of(const io::Owners& owners, std::uint16_t worker, bool v6) {
    std::vector<test::Packet> burst;
    for (std::uint32_t host = 1; burst.size() < kMaxBurst; ++host) {
        auto packet = test::tcp().ack().from(net::Address::v4(0x0a000000 + host), 40000);
        if (v6) {
            net::Address address = test::address("2001:db8::");
            address.bytes[14] = static_cast<std::uint8_t>(host >> 8);
            address.bytes[15] = static_cast<std::uint8_t>(host);
            packet = test::tcp().ack().from(address, 40000).to("2001:db8:1::9", 443);
        }
        if (owners.of(test::Frames{packet}[0]) == worker) burst.push_back(packet);
    }
    return burst;
}

void receive(benchmark::State& state, io::Port& port, std::uint16_t takers) {
    std::array<io::Frame, kMaxBurst> frames;
    std::int64_t received = 0;
    for (auto _ : state) {
        for (std::uint16_t queue = 0; queue < takers; ++queue) received += port.receive(queue, frames);
        benchmark::DoNotOptimize(frames.data());
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(received);
}

const io::Owners kOwners(2, 1);

void BM_ReceiveAsTheDeviceGives(benchmark::State& state) {
    EndlessPort port(burst_of(kOwners, 0, false));
    receive(state, port, 1);
}

// All of a worker's own.
void BM_ReceiveOwnFrames(benchmark::State& state) {
    io::Distributor port(std::make_shared<EndlessPort>(burst_of(kOwners, 0, state.range(0) == 6)), kOwners);
    receive(state, port, 1);
}

// All are the other's: handed over, and taken.
void BM_ReceiveHandedOverFrames(benchmark::State& state) {
    io::Distributor port(std::make_shared<EndlessPort>(burst_of(kOwners, 1, state.range(0) == 6)), kOwners);
    receive(state, port, 2);
}

}  // namespace

BENCHMARK(BM_ReceiveAsTheDeviceGives);
BENCHMARK(BM_ReceiveOwnFrames)->Arg(4)->Arg(6);
BENCHMARK(BM_ReceiveHandedOverFrames)->Arg(4)->Arg(6);
