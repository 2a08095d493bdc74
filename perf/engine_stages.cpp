// What a packet costs in the engine, stage by stage, beside a loop that only reads and forwards the same frames.
//
//   engine_stages [--flows N]... [--trace uniform|zipf]... [--protocol udp|tcp]... [--new] [--passes N] [--packets N]
//
// From memory: before each burst its frames are written into the next 32 of 1,024 buffers, as a device does it, and not
// timed. Cycles are those of the time stamp counter, per packet: medians of the passes, quartiles of all stages
// together. `floor`, the whole engine and the engine with a stamp between its stages take turns, pass by pass.
// --new: connections that open, under few policies and under 10,000 endpoints x 1,000 policies.

#include <x86intrin.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "burst.h"
#include "cluster.h"
#include "engine_world.h"
#include "support/measure.h"
#include "wire_format.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kFrameBytes = 60;  // 64 with the check sequence, which no driver shows
constexpr std::uint64_t kSeed = 7;

struct Options {
    std::vector<std::size_t> flows;
    std::vector<std::string> traces;
    std::vector<std::string> protocols;
    std::size_t passes = 15;
    std::size_t packets = std::size_t{1} << 19;  // in a pass
    bool opening = false;
};

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "engine_stages: %s\n", message.c_str());
    std::exit(1);
}

Options parse(int argc, char** argv) {
    Options options;
    for (int at = 1; at < argc; ++at) {
        const std::string_view word = argv[at];
        const auto value = [&]() -> std::string {
            if (at + 1 >= argc) fail(std::string(word) + " needs a value");
            return argv[++at];
        };
        const auto number = [&] {
            const auto given = static_cast<std::size_t>(std::max(0LL, std::atoll(value().c_str())));
            if (given == 0) fail(std::string(word) + " needs a number above 0");
            return given;
        };
        if (word == "--flows")
            options.flows.push_back(number());
        else if (word == "--trace")
            options.traces.push_back(value());
        else if (word == "--protocol")
            options.protocols.push_back(value());
        else if (word == "--passes")
            options.passes = number();
        else if (word == "--packets")
            options.packets = (number() + kBurst - 1) / kBurst * kBurst;
        else if (word == "--new")
            options.opening = true;
        else
            fail("'" + std::string(word) + "' is not an option; the head of perf/engine_stages.cpp lists them");
    }
    if (options.flows.empty()) options.flows = {1000, 100'000, 1'000'000};
    if (options.traces.empty()) options.traces = {"uniform", "zipf"};
    if (options.protocols.empty()) options.protocols = {"udp", "tcp"};
    for (const std::string& trace : options.traces)
        if (trace != "uniform" && trace != "zipf") fail("there is no trace '" + trace + "'");
    for (const std::string& protocol : options.protocols)
        if (protocol != "udp" && protocol != "tcp") fail("there is no protocol '" + protocol + "'");
    return options;
}

using Frame = std::array<std::uint8_t, kFrameBytes>;

// A frame like `base`, an IPv4 packet with ports, between other ends.
Frame frame_between(const test::Bytes& base, const net::Address& source, std::uint16_t source_port,
                    const net::Address& destination, std::uint16_t destination_port) {
    constexpr std::size_t kHeader = 14;
    Frame frame;
    std::copy_n(base.begin(), kFrameBytes, frame.begin());
    std::copy_n(source.bytes.begin(), 4, frame.begin() + kHeader + 12);
    std::copy_n(destination.bytes.begin(), 4, frame.begin() + kHeader + 16);
    const auto put = [&frame](std::size_t at, std::uint16_t number) {
        frame[at] = static_cast<std::uint8_t>(number >> 8);
        frame[at + 1] = static_cast<std::uint8_t>(number);
    };
    put(kHeader + 20, source_port);
    put(kHeader + 22, destination_port);
    put(kHeader + 10, 0);
    put(kHeader + 10, test::wire::internet_checksum(std::span(frame).subspan(kHeader, 20)));
    return frame;
}

// The i-th connection of engine_world.h's clients.
Frame of_connection(const test::Bytes& base, std::size_t i, bool reply) {
    const auto one = static_cast<int>(i % kEndpoints);
    const auto port = static_cast<std::uint16_t>(1024 + i / kEndpoints);
    return reply ? frame_between(base, server(one * 7 % kEndpoints), kAllowedPort, client(one), port)
                 : frame_between(base, client(one), port, server(one * 7 % kEndpoints), kAllowedPort);
}

std::vector<std::uint32_t> trace_of(const std::string& kind, std::size_t flows, std::size_t packets) {
    std::mt19937_64 random(kSeed);
    std::vector<std::uint32_t> trace(packets);
    if (kind == "uniform") {
        for (std::uint32_t& flow : trace) flow = static_cast<std::uint32_t>(random() % flows);
        return trace;
    }
    std::vector<double> weights(flows);
    for (std::size_t rank = 0; rank < flows; ++rank) weights[rank] = 1.0 / static_cast<double>(rank + 1);
    std::discrete_distribution<std::uint32_t> zipf(weights.begin(), weights.end());
    std::vector<std::uint32_t> place(flows);  // popular ones are no neighbours
    std::iota(place.begin(), place.end(), 0U);
    std::shuffle(place.begin(), place.end(), random);
    for (std::uint32_t& flow : trace) flow = place[zipf(random)];
    return trace;
}

// The buffers of a receive queue.
class Queue {
public:
    Queue() : memory_(kBuffers * kStride) {}

    std::span<const net::FrameView> receive(std::span<const Frame> frames, std::span<const std::uint32_t> which,
                                            std::uint16_t ingress) {
        for (std::size_t i = 0; i < which.size(); ++i) {
            std::uint8_t* buffer = &memory_[next_ * kStride + kHeadroom];
            std::copy(frames[which[i]].begin(), frames[which[i]].end(), buffer);
            views_[i] = {buffer, kFrameBytes, kFrameBytes, ingress};
            next_ = (next_ + 1) % kBuffers;
        }
        return std::span(views_).first(which.size());
    }

private:
    static constexpr std::size_t kBuffers = 1024;
    static constexpr std::size_t kHeadroom = 128;
    static constexpr std::size_t kStride = 2048 + 2 * kHeadroom;
    std::vector<std::uint8_t> memory_;
    std::array<net::FrameView, kBurst> views_;
    std::size_t next_ = 0;
};

constexpr std::array kStages{"receive", "parse", "flow", "classify", "decide"};
using StageCycles = std::array<std::uint64_t, kStages.size()>;

// An engine whose stages can be called one by one.
class Bench {
public:
    Bench(std::shared_ptr<const ruleset::Ruleset> ruleset, std::size_t capacity)
        : ruleset_(std::move(ruleset)),
          counters_(2),
          traces_(ruleset_->trace_count()),
          place_(settings(capacity), counters_) {}

    std::uint64_t whole(std::span<const net::FrameView> frames) {
        events_.clear();
        const std::uint64_t begin = __rdtsc();
        engine::Burst burst(place_, frames, *ruleset_, traces_, now_, decisions_, events_, existing_, nullptr);
        burst.receive();
        burst.triage();
        burst.find_flows();
        burst.judge_ahead();
        burst.decide();
        return __rdtsc() - begin;
    }
    void by_stage(std::span<const net::FrameView> frames, StageCycles& cycles) {
        events_.clear();
        engine::Burst burst(place_, frames, *ruleset_, traces_, now_, decisions_, events_, existing_, nullptr);
        std::uint64_t last = __rdtsc();
        const auto stamp = [&](std::size_t stage) {
            const std::uint64_t now = __rdtsc();
            cycles[stage] += now - last;
            last = now;
        };
        burst.receive();
        stamp(0);
        burst.triage();
        stamp(1);
        burst.find_flows();
        stamp(2);
        burst.judge_ahead();
        stamp(3);
        burst.decide();
        stamp(4);
    }
    // What no appliance does for less: looks at the frame, and says where it goes.
    std::uint64_t floor(std::span<const net::FrameView> frames) {
        const std::uint64_t begin = __rdtsc();
        for (std::size_t i = 0; i < frames.size(); ++i) {
            std::uint64_t first = 0;
            std::memcpy(&first, frames[i].data + 8, sizeof first);
            seen_ += first;
            decisions_[i] = {.drop = DropReason::kNone,
                             .egress = PortId{static_cast<std::uint16_t>(1 - frames[i].ingress_port)}};
        }
        return __rdtsc() - begin;
    }

    void expect_forwarded(std::uint64_t packets) const {
        std::uint64_t dropped = 0;
        for (const DropReasonText& reason : kDropReasons) dropped += counters_.dropped.read(reason.reason).packets;
        if (dropped != 0) fail(std::to_string(dropped) + " packets were dropped: this measures something else");
        if (counters_.received[0].read().packets + counters_.received[1].read().packets < packets)
            fail("packets are missing");
    }
    [[nodiscard]] std::uint64_t opened() const { return counters_.flows_opened.read(); }
    [[nodiscard]] std::size_t memory_bytes() const { return place_.flows.memory_bytes(); }
    [[nodiscard]] std::uint64_t seen() const { return seen_; }

private:
    static engine::EngineSettings settings(std::size_t capacity) {
        engine::EngineSettings settings = Appliance::default_settings();
        settings.flow_capacity = static_cast<std::uint32_t>(capacity);
        return settings;
    }

    std::shared_ptr<const ruleset::Ruleset> ruleset_;
    telemetry::WorkerCounters counters_;
    telemetry::TraceCounters traces_;
    engine::Workplace place_;
    telemetry::EventBatch events_;
    std::array<engine::Decision, kMaxBurst> decisions_;
    engine::Existing existing_;
    Instant now_{std::chrono::seconds(1)};
    std::uint64_t seen_ = 0;
};

double cycles_per_second() {
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t begin = __rdtsc();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(100)) {
    }
    const std::uint64_t end = __rdtsc();
    return static_cast<double>(end - begin) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Figures {
    std::vector<double> floor;
    std::vector<double> whole;
    std::array<std::vector<double>, kStages.size()> stages;
};

void print_head() {
    std::printf("%-30s %7s", "cycles per packet", "floor");
    for (const char* stage : kStages) std::printf(" %9s", stage);
    std::printf(" %9s  %-15s %8s %9s\n", "together", "(quartiles)", "/ floor", "M/s");
}

void print_row(const std::string& name, const Figures& figures, double hertz) {
    const double floor = quantile(figures.floor, 0.5);
    const double whole = quantile(figures.whole, 0.5);
    std::printf("%-30s %7.1f", name.c_str(), floor);
    for (const auto& stage : figures.stages) std::printf(" %9.1f", quantile(stage, 0.5));
    const std::string quartiles = "(" + std::to_string(std::lround(quantile(figures.whole, 0.25))) + " - " +
                                  std::to_string(std::lround(quantile(figures.whole, 0.75))) + ")";
    std::printf(" %9.1f  %-15s %8.1f %9.1f\n", whole, quartiles.c_str(), whole / floor, hertz / whole * 1e-6);
    std::fflush(stdout);
}

// Every burst of `which` once, in buffers of `queue`; `each` returns the cycles that it took.
template <typename Each>
double cycles_of_pass(Queue& queue, std::span<const Frame> frames, std::span<const std::uint32_t> which, Each each) {
    std::uint64_t cycles = 0;
    for (std::size_t first = 0; first < which.size(); first += kBurst)
        cycles += each(queue.receive(frames, which.subspan(first, kBurst), 0));
    return static_cast<double>(cycles) / static_cast<double>(which.size());
}

void add_pass(Figures& figures, const StageCycles& cycles, std::size_t packets) {
    for (std::size_t stage = 0; stage < kStages.size(); ++stage)
        figures.stages[stage].push_back(static_cast<double>(cycles[stage]) / static_cast<double>(packets));
}

void open_all(Bench& bench, Queue& queue, const std::string& protocol, std::size_t flows) {
    const auto step = [&](const test::Packet& packet, bool reply) {
        const test::Bytes base = packet.padded(kFrameBytes).bytes();
        std::vector<Frame> frames(kBurst);
        for (std::size_t first = 0; first < flows; first += kBurst) {
            std::array<std::uint32_t, kBurst> which;
            const std::size_t count = std::min(kBurst, flows - first);
            for (std::size_t i = 0; i < count; ++i) {
                frames[i] = of_connection(base, first + i, reply);
                which[i] = static_cast<std::uint32_t>(i);
            }
            (void)bench.whole(queue.receive(frames, std::span(which).first(count), reply ? 1 : 0));
        }
    };
    if (protocol == "udp") return step(test::udp(), false);
    step(test::tcp().syn(), false);
    step(test::tcp().syn().ack(), true);
    step(test::tcp().flags(net::tcp_flag::kAck), false);
}

void established(const Options& options, const std::string& protocol, std::size_t flows, const std::string& trace,
                 double hertz) {
    Bench bench(world_with_staged(0), std::max<std::size_t>(flows, 1 << 16));
    Queue queue;
    open_all(bench, queue, protocol, flows);
    if (bench.opened() != flows) fail("connections did not open as this measures them");
    const test::Bytes base = (protocol == "udp" ? test::udp() : test::tcp().flags(net::tcp_flag::kAck).payload(4))
                                 .padded(kFrameBytes)
                                 .bytes();
    std::vector<Frame> frames(flows);
    for (std::size_t i = 0; i < flows; ++i) frames[i] = of_connection(base, i, false);
    const std::vector<std::uint32_t> which = trace_of(trace, flows, options.packets);

    Figures figures;
    for (std::size_t pass = 0; pass <= options.passes; ++pass) {
        const double floor = cycles_of_pass(queue, frames, which, [&](auto burst) { return bench.floor(burst); });
        const double whole = cycles_of_pass(queue, frames, which, [&](auto burst) { return bench.whole(burst); });
        StageCycles cycles{};
        (void)cycles_of_pass(queue, frames, which, [&](auto burst) {
            bench.by_stage(burst, cycles);
            return std::uint64_t{0};
        });
        if (pass == 0) continue;  // nothing is warm
        figures.floor.push_back(floor);
        figures.whole.push_back(whole);
        add_pass(figures, cycles, which.size());
    }
    bench.expect_forwarded(which.size());
    print_row(protocol + ", " + std::to_string(flows) + " flows, " + trace, figures, hertz);
    if (trace == options.traces.back())
        std::printf(
            "  (flow table: %.0f bytes a connection)\n",
            static_cast<double>(bench.memory_bytes()) / static_cast<double>(std::max<std::size_t>(flows, 1 << 16)));
}

// SYNs that policy allows, each of a connection of its own.
std::vector<Frame> syns(const ruleset::Ruleset& ruleset, std::size_t endpoints, std::size_t count) {
    const test::Bytes base = test::tcp().syn().padded(kFrameBytes).bytes();
    std::mt19937_64 random(kSeed);
    std::vector<Frame> frames;
    std::size_t tried = 0;
    while (frames.size() < count) {
        if (++tried > 1000 * count) fail("policy allows too little to measure by");
        net::Tuple tuple{.protocol = net::protocol::kTcp, .ingress_port = 0};
        const bool few = endpoints == 0;
        const net::Address source =
            few ? client(static_cast<int>(random() % kEndpoints)) : pod_address(random() % endpoints);
        const net::Address destination =
            few ? server(static_cast<int>(random() % kEndpoints)) : pod_address(random() % endpoints);
        tuple.source = source.bytes;
        tuple.destination = destination.bytes;
        tuple.source_port = static_cast<std::uint16_t>(1024 + frames.size() % 60'000);
        tuple.destination_port = few ? kAllowedPort : static_cast<std::uint16_t>(1000 + random() % 1000);
        if (source == destination || ruleset.verdict(ruleset.classify(tuple)).enforced != Verdict::kAllow) continue;
        frames.push_back(frame_between(base, source, tuple.source_port, destination, tuple.destination_port));
    }
    return frames;
}

void opening(const Options& options, const std::string& name, const std::shared_ptr<const ruleset::Ruleset>& ruleset,
             std::size_t endpoints, double hertz) {
    const std::vector<Frame> frames = syns(*ruleset, endpoints, options.packets);
    std::vector<std::uint32_t> which(frames.size());
    std::iota(which.begin(), which.end(), 0U);
    Queue queue;
    Figures figures;
    const std::size_t capacity = std::max<std::size_t>(2 * options.packets, 1 << 16);
    for (std::size_t pass = 0; pass <= options.passes; ++pass) {
        auto bench = std::make_unique<Bench>(ruleset, capacity);
        const double floor = cycles_of_pass(queue, frames, which, [&](auto burst) { return bench->floor(burst); });
        const double whole = cycles_of_pass(queue, frames, which, [&](auto burst) { return bench->whole(burst); });
        bench->expect_forwarded(which.size());
        if (bench->opened() * 100 < which.size() * 99)
            fail("connections were opened twice: this measures something else");
        bench = std::make_unique<Bench>(ruleset, capacity);
        StageCycles cycles{};
        (void)cycles_of_pass(queue, frames, which, [&](auto burst) {
            bench->by_stage(burst, cycles);
            return std::uint64_t{0};
        });
        if (pass == 0) continue;
        figures.floor.push_back(floor);
        figures.whole.push_back(whole);
        add_pass(figures, cycles, which.size());
    }
    print_row(name, figures, hertz);
}

std::shared_ptr<const ruleset::Ruleset> large_world() {
    ruleset::Surroundings surroundings;
    surroundings.port_names = {"lan", "wan"};
    surroundings.peer_of = {PortId{1}, PortId{0}};
    auto built = ruleset::Ruleset::build(Generation{1}, cluster(10'000, 1'000, 100), surroundings);
    if (!built) fail(built.error().text());
    return *built;
}

int run(const Options& options) {
    const double hertz = cycles_per_second();
    std::printf("the time stamp counter runs at %.2f GHz\n", hertz * 1e-9);
    print_head();
    if (options.opening) {
        opening(options, "new tcp, 16 policies", world_with_staged(0), 0, hertz);
        opening(options, "new tcp, 10,000 x 1,000", large_world(), 10'000, hertz);
        return 0;
    }
    for (const std::string& protocol : options.protocols)
        for (const std::size_t flows : options.flows)
            for (const std::string& trace : options.traces) established(options, protocol, flows, trace, hertz);
    return 0;
}

}  // namespace
}  // namespace drywall::perf

int main(int argc, char** argv) { return drywall::perf::run(drywall::perf::parse(argc, argv)); }
