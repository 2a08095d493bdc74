// Traffic over memory ports: through a wire that loses, copies, swaps and delays as the test says, by a clock of the
// test's; and whole trials with threads.
#include "drywall/generate/trial.h"

#include <deque>

#include <gtest/gtest.h>

#include "drywall/io/memory_port.h"
#include "packet_writer.h"
#include "worker.h"

namespace drywall::generate {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

std::uint64_t fake_now = 0;  // ticks: nanoseconds
std::uint64_t fake_ticks() noexcept { return fake_now; }

// One worker, port 0 sends to port 1, stream 0.
class Rig {
public:
    explicit Rig(Schedule schedule, std::optional<std::uint64_t> limit = {}, std::uint64_t flows = 1) {
        fake_now = 1'000'000;
        ports = {std::make_shared<io::MemoryPort>(io::MemoryPortSettings{.transmit_capacity = 4096}),
                 std::make_shared<io::MemoryPort>(io::MemoryPortSettings{.id = PortId{1}, .receive_capacity = 8192})};
        base = {ports.begin(), ports.end()};
        loader::StreamProfile stream = loader::default_stream("s", "a", "b");
        stream.source_port.count = flows;
        writer = *PacketWriter::create(stream, 1, 0);
        outgoing[0].source = writer.get();
        group.schedule = std::move(schedule);
        group.streams = {0};
        group.turns = {0};
        group.limit = limit;
        times.start = fake_now;
        WorkerSettings settings;
        settings.times = &times;
        settings.frames = &pool;
        settings.ports = base;
        settings.groups = {&group};
        settings.receives_on = {0, 1};
        settings.streams = outgoing;
        settings.ports_to = ports_to;
        settings.port_counts = counts;
        settings.magic = magic_of(1, 1);
        settings.magic_before = magic_of(1, 0);
        settings.window = 256;
        settings.gaps = flows > 1;
        settings.ticks = fake_ticks;
        worker = std::make_unique<Worker>(std::move(settings));
    }

    void turn(std::uint64_t nanoseconds) {
        fake_now += nanoseconds;
        worker->turn(fake_now);
    }
    [[nodiscard]] const Incoming& incoming() const { return worker->incoming()[0]; }
    [[nodiscard]] std::uint64_t sent() const { return outgoing[0].sent.read().packets; }

    std::vector<std::shared_ptr<io::MemoryPort>> ports;
    std::vector<std::shared_ptr<io::Port>> base;
    io::MemoryFramePool pool;
    std::unique_ptr<PacketWriter> writer;
    std::vector<Outgoing> outgoing = std::vector<Outgoing>(1);
    std::vector<std::size_t> ports_to{1};
    std::vector<PortCounts> counts = std::vector<PortCounts>(2);
    Group group;
    TrialTimes times;
    std::unique_ptr<Worker> worker;
};

TEST(Worker, SendsWhatIsDueAndNoMore) {
    Rig rig(Schedule::constant(1e6));
    for (int i = 0; i < 1000; ++i) {
        rig.turn(10'000);
        EXPECT_EQ(rig.sent(), static_cast<std::uint64_t>(i + 1) * 10);
        EXPECT_EQ(rig.ports[0]->collect().size(), 10U);
    }
    EXPECT_EQ(rig.group.skipped, 0U);
}

TEST(Worker, TheLongestGapIsThatOfOneFlow) {
    Rig rig(Schedule::constant(1e6), {}, 2);
    for (int i = 0; i < 100; ++i) {
        rig.turn(1000);
        for (const Bytes& frame : rig.ports[0]->collect())
            if (i % 2 == 0 || i < 40 || i > 60) rig.ports[1]->inject(frame);
    }
    EXPECT_EQ(rig.incoming().last_by_flow.size(), 2U);
    // The odd flow's packets 41 to 59 were lost: it heard nothing from 39 to 61.
    EXPECT_EQ(rig.incoming().longest_gap, 22'000U);
}

TEST(Worker, WhatItIsTooLateForIsSkippedAndCounted) {
    Rig rig(Schedule::constant(1e5));
    rig.turn(100'000'000);  // 10,000 are due, a hundredth of a second's worth is kept
    EXPECT_EQ(rig.group.skipped, 9000U);
    for (int i = 0; i < 50; ++i) rig.turn(0);
    EXPECT_EQ(rig.sent(), 1000U);
    EXPECT_EQ(rig.group.done, 10'000U);
}

TEST(Worker, WhatIsSkippedDoesNotBringTheEndOfAStreamNearer) {
    Rig rig(Schedule::constant(1e5), 5000);
    for (int i = 0; i < 1000 && !rig.worker->finished(); ++i) {
        rig.turn(i % 100 == 50 ? 100'000'000 : 1000);
        (void)rig.ports[0]->collect();
    }
    EXPECT_EQ(rig.sent(), 5000U);
    EXPECT_GT(rig.group.skipped, 9000U);
    EXPECT_EQ(rig.group.done, rig.group.sent + rig.group.skipped);
}

TEST(Worker, WhatTheDeviceRefusesIsOfferedAgainUnderTheSameNumber) {
    Rig rig(Schedule::constant(1e9), 6000);
    for (int i = 0; i < 400; ++i) rig.turn(1000);
    EXPECT_EQ(rig.sent(), 4096U) << "the queue is full";
    EXPECT_GT(rig.outgoing[0].refused.read(), 0U);
    std::vector<Bytes> all;
    for (int i = 0; i < 400; ++i) {
        rig.turn(1000);
        for (Bytes& frame : rig.ports[0]->collect()) all.push_back(std::move(frame));
    }
    ASSERT_EQ(all.size(), 6000U);
    for (std::size_t n = 0; n < all.size(); ++n)
        ASSERT_EQ(Signature::read(all[n].data() + all[n].size() - kSignatureBytes).sequence, n);
    EXPECT_TRUE(rig.worker->finished());
}

TEST(Worker, EndsItsTimeWithExactlyWhatWasDue) {
    Rig rig(Schedule::constant(1e6));
    rig.times.end = rig.times.start + 1'000'000;
    for (int i = 0; i < 100 && !rig.worker->finished(); ++i) rig.turn(90'000);
    EXPECT_EQ(rig.sent(), 1000U);
    EXPECT_TRUE(rig.worker->finished());
}

TEST(Worker, StopsWhenItIsTold) {
    Rig rig(Schedule::maximum());
    rig.turn(10);
    EXPECT_FALSE(rig.worker->finished());
    rig.times.stop_sending = true;
    rig.turn(10);
    EXPECT_TRUE(rig.worker->finished());
    const std::uint64_t sent = rig.sent();
    rig.turn(10);
    EXPECT_EQ(rig.sent(), sent);
}

// Loss, copies, order and delay of known size: every 7th is lost, every 11th of the rest copied, every 50th and its
// successor change places, and each takes 5 µs on the way.
TEST(Worker, LossCopiesOrderAndDelayAreFoundExactlyAsTheyWereMade) {
    constexpr std::uint64_t kDelay = 5000;
    constexpr std::uint64_t kStep = 1000;
    Rig rig(Schedule::constant(1e6), 20'000);
    std::deque<std::pair<std::uint64_t, Bytes>> wire;  // when it comes out
    std::uint64_t count = 0;
    std::uint64_t lost = 0;
    std::uint64_t copied = 0;
    std::uint64_t swapped = 0;
    std::optional<Bytes> held;
    while (!rig.worker->finished() || !wire.empty()) {
        rig.turn(kStep);
        for (Bytes& frame : rig.ports[0]->collect()) {
            ++count;
            if (count % 7 == 0) {
                ++lost;
                continue;
            }
            if (count % 50 == 1 && !held) {
                held = std::move(frame);
                continue;
            }
            const bool copy = count % 11 == 0;
            wire.emplace_back(fake_now + kDelay, frame);
            if (copy) wire.emplace_back(fake_now + kDelay, frame);
            copied += copy ? 1 : 0;
            if (held) {
                wire.emplace_back(fake_now + kDelay, *std::move(held));
                held.reset();
                ++swapped;
            }
        }
        while (!wire.empty() && wire.front().first <= fake_now + kStep) {
            ASSERT_TRUE(rig.ports[1]->inject(wire.front().second));
            wire.pop_front();
        }
    }
    rig.turn(kStep);
    const Incoming& in = rig.incoming();
    EXPECT_EQ(rig.sent(), 20'000U);
    EXPECT_EQ(in.received.read().packets, 20'000 - lost);
    EXPECT_EQ(in.received.read().bytes, (20'000 - lost) * 64);
    EXPECT_EQ(in.duplicates, copied);
    EXPECT_EQ(in.reordered, swapped);
    EXPECT_EQ(in.beyond_window, 0U);
    EXPECT_EQ(rig.counts[1].foreign.read(), 0U);
    EXPECT_EQ(in.latency->count(), 20'000 - lost);
    EXPECT_EQ(in.latency->least(), kDelay);
    EXPECT_GE(in.latency->quantile(0.9), kDelay);
    EXPECT_LE(in.latency->quantile(0.9), kDelay + kDelay / 128);
    EXPECT_LE(in.latency->greatest(), kDelay + 2 * kStep) << "those that were held back";
    EXPECT_GE(swapped, 300U);
}

TEST(Worker, WhatIsNotOfThisTrialIsToldApart) {
    Rig rig(Schedule::maximum());
    rig.times.stop_sending = true;
    Bytes frame(60);
    rig.ports[1]->inject(frame);      // anybody's
    rig.ports[1]->inject(Bytes(10));  // too short for a signature
    const auto injected = [&](std::uint32_t magic, std::uint16_t stream, std::size_t port) {
        Signature{magic, stream, 0, 0}.write(frame.data() + frame.size() - kSignatureBytes);
        rig.ports[port]->inject(frame);
    };
    injected(magic_of(1, 0), 0, 1);  // the trial before
    injected(magic_of(1, 1), 9, 1);  // a stream that there is not
    injected(magic_of(1, 1), 0, 0);  // at another port than it was sent to
    injected(magic_of(1, 1), 0, 1);
    rig.turn(1);
    EXPECT_EQ(rig.counts[1].foreign.read(), 3U);
    EXPECT_EQ(rig.counts[1].stale.read(), 1U);
    EXPECT_EQ(rig.incoming().elsewhere, 1U);
    EXPECT_EQ(rig.incoming().received.read().packets, 1U);
}

// Whole trials, by threads and the real clock: what is asserted does not depend on its speed.

// A memory port that gives back what it was given, as net_ring does.
class Loop final : public io::Port {
public:
    std::uint16_t receive(std::uint16_t queue, std::span<io::Frame> frames) noexcept override {
        for (Bytes& frame : inner_.collect()) (void)inner_.inject(frame);
        return inner_.receive(queue, frames);
    }
    std::uint16_t transmit(std::uint16_t queue, std::span<io::Frame> frames) noexcept override {
        return inner_.transmit(queue, frames);
    }
    void release(std::span<io::Frame> frames) noexcept override { inner_.release(frames); }
    [[nodiscard]] std::string name() const override { return "loop"; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return 1; }
    [[nodiscard]] bool link_up() const noexcept override { return true; }
    bool set_link(bool up) noexcept override { return inner_.set_link(up); }
    [[nodiscard]] io::DeviceStatistics statistics() const noexcept override { return inner_.statistics(); }

private:
    io::MemoryPort inner_{{.receive_capacity = 1U << 16U, .transmit_capacity = 1U << 12U}};
};

loader::TrafficProfile profile_of(const std::string& streams) {
    auto profile = loader::load_profile({"p.yaml", "ports: [{name: a, device: net_ring0}]\n" + streams});
    EXPECT_TRUE(profile) << profile.error().text();
    return profile ? *profile : loader::TrafficProfile{};
}

struct Trials {
    explicit Trials(const loader::TrafficProfile& profile) {
        auto made = Generator::create(
            profile, {.ports = {std::make_shared<Loop>()}, .frames = &pool, .launcher = launcher.get(), .cores = {0}});
        EXPECT_TRUE(made) << made.error().text();
        if (made) generator = *std::move(made);
    }
    io::MemoryFramePool pool;
    std::unique_ptr<runtime::Launcher> launcher = runtime::make_thread_launcher();
    std::unique_ptr<Generator> generator;
};

bool always(const TrialView& /*view*/) { return true; }

TEST(Trial, SendsItsStreamsInTheirSharesAndFindsThemAll) {
    Trials trials(
        profile_of("streams:\n- {name: x, from: a, to: a, weight: 3}\n- {name: y, from: a, to: a, size: imix}\n"
                   "- {name: z, from: a, to: a, packets: 10}\n"));
    TrialRequest request;
    request.rate = *loader::parse_rate("20kpps");
    request.duration = 100ms;
    request.drain = 100ms;
    for (int trial = 0; trial < 2; ++trial) {
        const auto result = trials.generator->run(request, always);
        ASSERT_TRUE(result);
        const auto& streams = result->streams;
        ASSERT_EQ(streams.size(), 3U);
        EXPECT_EQ(streams[2].sent.packets, 10U);
        std::uint64_t sent = 0;
        for (const StreamResult& stream : streams) {
            EXPECT_EQ(stream.sent, stream.received) << stream.name;
            EXPECT_EQ(stream.duplicates + stream.reordered + stream.beyond_window, 0U);
            EXPECT_EQ(stream.latency.count(), stream.sent.packets);
            sent += stream.sent.packets;
        }
        EXPECT_EQ(result->offered, sent + result->skipped);
        EXPECT_EQ(result->offered, 1610U) << "4 of 5 shares for 0.1 s, and 10";
        EXPECT_NEAR(static_cast<double>(streams[0].sent.packets), 3.0 * static_cast<double>(streams[1].sent.packets),
                    4);
        EXPECT_NEAR(result->seconds, 0.1, 1e-8) << "to a few ticks";
        EXPECT_EQ(result->ports[0].stale + result->ports[0].foreign, 0U);
    }
}

TEST(Trial, EndsWhenItsStreamsDo) {
    Trials trials(profile_of("streams: [{from: a, to: a, packets: 1000}]\n"));
    TrialRequest request;
    request.drain = 50ms;
    const auto result = trials.generator->run(request, always);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->streams[0].received.packets, 1000U);
    EXPECT_FALSE(result->stopped);
}

TEST(Trial, IsStoppedByWhoeverLooksOn) {
    Trials trials(profile_of("streams: [{from: a, to: a, rate: 10kpps}]\n"));
    TrialRequest request;
    request.drain = 50ms;
    const auto result =
        trials.generator->run(request, [](const TrialView& view) { return view.streams[0].sent < 100; });
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->stopped);
    EXPECT_GE(result->streams[0].sent.packets, 100U);
    EXPECT_EQ(result->streams[0].sent, result->streams[0].received);
}

TEST(Trial, WhatDoesNotFitIsRefusedBeforeAnythingIsSent) {
    const auto refusal = [](const std::string& streams, std::uint16_t room) {
        io::MemoryFramePool pool(room);
        const auto launcher = runtime::make_thread_launcher();
        auto made = Generator::create(
            profile_of(streams),
            {.ports = {std::make_shared<Loop>()}, .frames = &pool, .launcher = launcher.get(), .cores = {0}});
        return made ? "" : made.error().text();
    };
    EXPECT_EQ(refusal("streams: [{from: a, to: a, size: 9018}]\n", 2048),
              "p.yaml:2:34: stream 'stream-1': a frame of 9018 bytes does not fit in a buffer, which holds 2048; raise "
              "`dpdk.buffer-bytes`");
    EXPECT_EQ(refusal("streams: [{from: a, to: a, size: 9018}]\n", 9216), "");
    EXPECT_NE(
        refusal("streams:\n- {from: a, to: a, weight: 9999}\n- {from: a, to: a, weight: 9998}\n"
                "- {from: a, to: a, weight: 9997}\n- {from: a, to: a, weight: 9995}\n"
                "- {from: a, to: a, weight: 9991}\n- {from: a, to: a, weight: 9993}\n- {from: a, to: a, weight: 9994}\n"
                "- {from: a, to: a, weight: 9996}\n",
                2048)
            .find("have no short round"),
        std::string::npos);
}

}  // namespace
}  // namespace drywall::generate
