#include "drywall/io/distributor.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "drywall/io/memory_port.h"
#include "packets.h"

namespace drywall::io {
namespace {

using test::Packet;

const Owners kTwo(2, 1);
constexpr std::size_t kBuffers = 16384;

Packet between_hosts(unsigned host) {
    return test::udp().from(net::Address::v4(0x0a000000 + host), 1000).to("10.1.0.9", 53);
}

std::uint16_t owner_of(const Owners& owners, const Packet& packet) { return owners.of(test::Frames{packet}[0]); }

// The nth pair of hosts that `worker` owns.
Packet owned_by(std::uint16_t worker, unsigned nth = 0) {
    unsigned host = 1;
    while (owner_of(kTwo, between_hosts(host)) != worker || nth-- > 0) ++host;
    return between_hosts(host);
}

struct Distributing {
    std::shared_ptr<MemoryPort> wire;
    std::unique_ptr<Distributor> port;

    explicit Distributing(std::size_t room = kHandOverRoom, const Owners& owners = kTwo)
        : wire(std::make_shared<MemoryPort>(MemoryPortSettings{.queues = owners.workers()})),
          port(std::make_unique<Distributor>(wire, owners, room)) {}

    void inject(const Packet& packet, std::uint16_t queue) const { ASSERT_TRUE(wire->inject(packet.bytes(), queue)); }

    // What one receive() returns, given back at once.
    [[nodiscard]] std::vector<test::Bytes> received(std::uint16_t queue, std::size_t room = kMaxBurst) const {
        std::vector<Frame> frames(room);
        const std::uint16_t count = port->receive(queue, frames);
        std::vector<test::Bytes> out;
        for (const Frame& frame : std::span(frames).first(count))
            out.emplace_back(frame.view.data, frame.view.data + frame.view.contiguous);
        port->release(std::span(frames).first(count));
        return out;
    }
};

TEST(Distributor, AFrameComesToItsOwnerFromAnyQueue) {
    const Distributing two;
    const Packet mine = owned_by(0);
    const Packet others = owned_by(1);
    two.inject(mine, 0);
    two.inject(others, 0);
    EXPECT_EQ(two.received(0), std::vector<test::Bytes>{mine.bytes()});
    EXPECT_EQ(two.received(1), std::vector<test::Bytes>{others.bytes()});
    EXPECT_EQ(two.port->statistics().handed_over, 1U);
    EXPECT_EQ(two.port->statistics().missed, 0U);
}

TEST(Distributor, WhatIsNotIpStaysWhereItCameIn) {
    const Distributing two;
    for (const std::uint16_t queue : {std::uint16_t{0}, std::uint16_t{1}}) {
        two.inject(test::arp(), queue);
        EXPECT_EQ(two.received(queue).size(), 1U);
    }
}

TEST(Distributor, FramesOfOneQueueAndOneOwnerStayInOrder) {
    const Distributing two;
    std::vector<test::Bytes> sent;
    for (unsigned i = 0; i < 200; ++i) {
        const Packet packet = owned_by(1, i % 3).payload(i);
        two.inject(packet, 0);
        sent.push_back(packet.bytes());
    }
    std::vector<test::Bytes> arrived;
    while (arrived.size() < sent.size()) {
        EXPECT_TRUE(two.received(0, 16).empty());
        for (test::Bytes& frame : two.received(1, 16)) arrived.push_back(std::move(frame));
    }
    EXPECT_EQ(arrived, sent);
}

TEST(Distributor, WhatFindsARingFullIsMissedAndNotReceived) {
    const Distributing two(4);
    for (int i = 0; i < 10; ++i) two.inject(owned_by(1), 0);
    EXPECT_TRUE(two.received(0).empty());
    EXPECT_EQ(two.port->statistics().missed, 6U);
    EXPECT_EQ(two.port->statistics().handed_over, 4U);
    EXPECT_EQ(two.port->statistics().received, 4U);
    EXPECT_EQ(two.received(1).size(), 4U);
    two.inject(owned_by(1), 0);
    EXPECT_TRUE(two.received(0).empty());
    EXPECT_EQ(two.received(1).size(), 1U) << "there is room again";
}

TEST(Distributor, NeitherTheDeviceNorTheOthersAreStarved) {
    const Distributing two;
    for (int i = 0; i < 40; ++i) two.inject(owned_by(0).payload(1), 1);
    EXPECT_TRUE(two.received(1).empty());
    for (int i = 0; i < 40; ++i) two.inject(owned_by(0).payload(2), 0);
    std::size_t of_others = 0;
    const std::vector<test::Bytes> burst = two.received(0, 8);
    for (const test::Bytes& frame : burst) of_others += frame == owned_by(0).payload(1).bytes() ? 1 : 0;
    EXPECT_EQ(burst.size(), 8U);
    EXPECT_EQ(of_others, 4U);
}

// In overload, by any number of workers: whose ring is served first goes round.
TEST(Distributor, EveryGiverHasItsTurn) {
    for (const std::uint16_t workers : {std::uint16_t{3}, std::uint16_t{4}, std::uint16_t{6}}) {
        const Owners owners(workers, 1);
        const Distributing all(kHandOverRoom, owners);
        unsigned host = 1;
        while (owner_of(owners, between_hosts(host)) != 0) ++host;
        for (std::uint16_t giver = 1; giver < workers; ++giver) {
            for (int i = 0; i < 200; ++i) all.inject(between_hosts(host).payload(giver), giver);
            for (int i = 0; i < 200 / 32 + 1; ++i) EXPECT_TRUE(all.received(giver).empty());
        }
        std::vector<int> served(workers);
        for (int turn = 0; turn < 4 * workers; ++turn) {
            for (int i = 0; i < 4; ++i) all.inject(between_hosts(host), 0);
            for (const test::Bytes& frame : all.received(0, 8))
                for (std::uint16_t giver = 1; giver < workers; ++giver)
                    served[giver] += frame == between_hosts(host).payload(giver).bytes() ? 1 : 0;
        }
        for (std::uint16_t giver = 1; giver < workers; ++giver)
            EXPECT_GE(served[giver], 8) << "giver " << giver << " of " << workers;
    }
}

TEST(Distributor, AWorkerThatHangsKeepsBackAQuarterOfTheBuffersAtMost) {
    for (const std::size_t buffers : {1024U, 4096U, 16384U, 1048576U})
        for (const std::size_t ports : {2U, 4U, 32U})
            for (const std::size_t workers : {2U, 4U, 8U, 64U}) {
                const std::size_t room = hand_over_room(buffers, ports, workers);
                EXPECT_TRUE(std::has_single_bit(room));
                EXPECT_LE(room, kHandOverRoom);
                EXPECT_GE(room, kMaxBurst);
                EXPECT_TRUE(room == kMaxBurst || room * ports * (workers - 1) <= buffers / 4);
            }
    EXPECT_EQ(hand_over_room(16384, 2, 2), kHandOverRoom);
}

TEST(Distributor, AWorkerThatOnlyHandsOverIsNotIdle) {
    const Distributing two;
    two.inject(owned_by(1), 0);
    EXPECT_TRUE(two.received(0).empty());
    EXPECT_TRUE(two.port->moved_frames(0));
    EXPECT_TRUE(two.received(0).empty());
    EXPECT_FALSE(two.port->moved_frames(0));
}

TEST(Distributor, SaysOfThePortWhatThePortSays) {
    const auto wire = std::make_shared<MemoryPort>(MemoryPortSettings{.name = "lan", .queues = 4, .mtu = 9000});
    Distributor port(wire, kTwo);
    EXPECT_EQ(port.name(), "lan");
    EXPECT_EQ(port.mtu(), 9000);
    EXPECT_EQ(port.queues(), 2) << "one for each worker";
    EXPECT_TRUE(port.set_link(false));
    EXPECT_FALSE(wire->link_up());
    EXPECT_FALSE(port.link_up());
}

// A port that counts what is in other hands.
class LendingPort final : public Port {
public:
    explicit LendingPort(std::shared_ptr<MemoryPort> wire) : wire_(std::move(wire)) {}
    std::uint16_t receive(std::uint16_t queue, std::span<Frame> frames) noexcept override {
        const std::uint16_t count = wire_->receive(queue, frames);
        lent_ += count;
        return count;
    }
    std::uint16_t transmit(std::uint16_t queue, std::span<Frame> frames) noexcept override {
        const std::uint16_t count = wire_->transmit(queue, frames);
        lent_ -= count;
        return count;
    }
    void release(std::span<Frame> frames) noexcept override {
        wire_->release(frames);
        lent_ -= static_cast<int>(frames.size());
    }
    [[nodiscard]] std::string steering() const override { return steers_by; }
    [[nodiscard]] std::string name() const override { return "lending"; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return wire_->queues(); }
    [[nodiscard]] bool link_up() const noexcept override { return true; }
    bool set_link(bool /*up*/) noexcept override { return false; }
    [[nodiscard]] DeviceStatistics statistics() const noexcept override { return wire_->statistics(); }
    [[nodiscard]] int lent() const { return lent_; }

    std::string steers_by;

private:
    std::shared_ptr<MemoryPort> wire_;
    std::atomic<int> lent_{0};
};

TEST(Distributor, GivesBackWhatLiesInItsRingsWhenItEnds) {
    const auto wire = std::make_shared<MemoryPort>(MemoryPortSettings{.queues = 2});
    const auto lending = std::make_shared<LendingPort>(wire);
    {
        Distributor port(lending, kTwo, 128);
        for (int i = 0; i < 150; ++i) ASSERT_TRUE(wire->inject(owned_by(1).bytes(), 0));
        std::array<Frame, kMaxBurst> frames;
        for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(port.receive(0, frames), 0);
        EXPECT_EQ(lending->lent(), 128) << "what was missed is back already";
    }
    EXPECT_EQ(lending->lent(), 0);
}

// Every frame carries its number within its flow and comes in on a queue of the flow's own.
TEST(Distributor, FourWorkersGetAllOfTheirFramesInOrderAndNoOthers) {
    constexpr std::uint16_t kWorkers = 4;
    constexpr unsigned kFlows = 24;
    constexpr std::uint16_t kEach = 400;
    const Owners four(kWorkers, 3);
    const Distributing bed(64, four);
    std::atomic<std::uint64_t> handed_out{0};
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<bool> done{false};
    std::vector<std::thread> workers;
    for (std::uint16_t worker = 0; worker < kWorkers; ++worker)
        workers.emplace_back([&, worker] {
            std::array<Frame, kMaxBurst> frames;
            std::array<int, kFlows> last;
            last.fill(-1);
            while (!done.load()) {
                const std::uint16_t count = bed.port->receive(worker, frames);
                for (const Frame& frame : std::span(frames).first(count)) {
                    const net::PacketMeta meta = net::parse(frame.view);
                    const unsigned flow = meta.tuple.source[3];
                    if (four.of(frame.view) != worker || meta.tuple.source_port <= last[flow]) ++wrong;
                    last[flow] = meta.tuple.source_port;
                }
                bed.port->release(std::span(frames).first(count));
                handed_out += count;
                if (count == 0) std::this_thread::yield();
            }
        });
    for (std::uint16_t number = 0; number < kEach; ++number)
        for (unsigned flow = 0; flow < kFlows; ++flow) {
            const test::Bytes frame =
                test::udp()
                    .from(net::Address::v4(0x0a000000 + flow), static_cast<std::uint16_t>(1000 + number))
                    .bytes();
            while (!bed.wire->inject(frame, static_cast<std::uint16_t>(flow % kWorkers))) std::this_thread::yield();
        }
    const auto over = [&] { return handed_out + bed.port->statistics().missed == std::uint64_t{kFlows} * kEach; };
    while (!over()) std::this_thread::yield();
    done = true;
    for (std::thread& worker : workers) worker.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(bed.port->statistics().received, handed_out);
    EXPECT_GT(bed.port->statistics().handed_over, 0U);
}

bool distributes(const std::shared_ptr<Port>& port) { return dynamic_cast<Distributor*>(port.get()) != nullptr; }

TEST(Distribution, StandsWhereTheTwoDevicesOfAPairDoNotChooseAlike) {
    const auto wire = std::make_shared<MemoryPort>(MemoryPortSettings{.queues = 2});
    const auto lan = std::make_shared<LendingPort>(wire);
    const auto wan = std::make_shared<LendingPort>(wire);
    const std::vector<std::optional<PortId>> pair{PortId{1}, PortId{0}};
    const auto count = [&](Distribute when, const Owners& owners) {
        const auto ports = distributed({lan, wan}, pair, when, owners, kBuffers);
        return std::count_if(ports.begin(), ports.end(), distributes);
    };
    EXPECT_EQ(count(Distribute::kAuto, kTwo), 2) << "they promise nothing";
    EXPECT_EQ(count(Distribute::kNever, kTwo), 0);
    EXPECT_EQ(count(Distribute::kAlways, Owners(1, 1)), 0) << "one worker owns everything";
    lan->steers_by = "key A";
    EXPECT_EQ(count(Distribute::kAuto, kTwo), 2) << "the answers come in by the other port";
    wan->steers_by = "key B";
    EXPECT_EQ(count(Distribute::kAuto, kTwo), 2) << "each is symmetric, and they choose different queues";
    wan->steers_by = "key A";
    EXPECT_EQ(count(Distribute::kAuto, kTwo), 0);
    EXPECT_EQ(count(Distribute::kAlways, kTwo), 2);
}

TEST(Distribution, LeavesAPortThatHasNoPeerAlone) {
    const auto port = std::make_shared<MemoryPort>(MemoryPortSettings{.queues = 2});
    EXPECT_FALSE(distributes(distributed({port}, {std::nullopt}, Distribute::kAlways, kTwo, kBuffers)[0]));
}

}  // namespace
}  // namespace drywall::io
