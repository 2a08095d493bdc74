#include "drywall/io/memory_port.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>

namespace drywall::io {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes numbered(std::uint32_t number) {
    return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
}

TEST(MemoryPort, WhatIsInjectedIsReceivedInOrder) {
    MemoryPort port({.id = PortId{3}});
    port.inject(numbered(1));
    port.inject(numbered(2));
    std::array<Frame, 8> frames;
    ASSERT_EQ(port.receive(0, frames), 2);
    EXPECT_EQ(frames[0].view.data[3], 1);
    EXPECT_EQ(frames[1].view.data[3], 2);
    EXPECT_EQ(frames[1].view.contiguous, 4U);
    EXPECT_EQ(frames[1].view.length, 4U);
    EXPECT_EQ(frames[1].view.ingress_port, 3);
    port.release(std::span(frames).first(2));
    EXPECT_EQ(port.receive(0, frames), 0);
}

TEST(MemoryPort, AFrameOfOnePortLeavesByAnother) {
    MemoryPort in({});
    MemoryPort out({});
    in.inject(numbered(7));
    std::array<Frame, 1> frames;
    ASSERT_EQ(in.receive(0, frames), 1);
    ASSERT_EQ(out.transmit(0, frames), 1);
    EXPECT_EQ(out.collect(), std::vector<Bytes>{numbered(7)});
    EXPECT_TRUE(out.collect().empty()) << "what was collected is gone";
}

TEST(MemoryPort, AFullTransmitQueueRefusesAndTheFramesStayWithTheCaller) {
    MemoryPort in({});
    MemoryPort out({.transmit_capacity = 2});
    for (std::uint32_t i = 0; i < 3; ++i) in.inject(numbered(i));
    std::array<Frame, 3> frames;
    ASSERT_EQ(in.receive(0, frames), 3);
    EXPECT_EQ(out.transmit(0, frames), 2);
    ASSERT_NE(frames[2].handle, nullptr);
    EXPECT_EQ(frames[2].view.data[3], 2);
    EXPECT_EQ(out.statistics().transmit_errors, 1U);

    EXPECT_EQ(out.collect().size(), 2U);
    EXPECT_EQ(out.transmit(0, std::span(frames).subspan(2)), 1) << "there is room again";
}

TEST(MemoryPort, AFullReceiveQueueCountsWhatItMissed) {
    MemoryPort port({.receive_capacity = 1});
    EXPECT_TRUE(port.inject(numbered(1)));
    EXPECT_FALSE(port.inject(numbered(2)));
    EXPECT_EQ(port.waiting(), 1U);
    EXPECT_EQ(port.statistics().missed, 1U);
}

TEST(MemoryPort, QueuesAreApart) {
    MemoryPort port({.queues = 2});
    port.inject(numbered(9), 1);
    std::array<Frame, 1> frames;
    EXPECT_EQ(port.receive(0, frames), 0);
    ASSERT_EQ(port.receive(1, frames), 1);
    port.release(frames);
}

TEST(MemoryPort, NothingCrossesAWireThatIsDown) {
    MemoryPort port({});
    port.inject(numbered(1));
    std::array<Frame, 1> frames;
    ASSERT_EQ(port.receive(0, frames), 1);
    EXPECT_TRUE(port.set_link(false));
    EXPECT_FALSE(port.link_up());
    EXPECT_EQ(port.transmit(0, frames), 0);
    EXPECT_FALSE(port.inject(numbered(2)));
    port.release(frames);
}

TEST(MemoryPort, StatisticsCountBothWays) {
    MemoryPort port({});
    for (std::uint32_t i = 0; i < 3; ++i) port.inject(numbered(i));
    std::array<Frame, 4> frames;
    ASSERT_EQ(port.receive(0, frames), 3);
    ASSERT_EQ(port.transmit(0, std::span(frames).first(3)), 3);
    EXPECT_EQ(port.statistics().received, 3U);
    EXPECT_EQ(port.statistics().transmitted, 3U);
}

TEST(MemoryPort, AWorkerEchoesWhileTheTestInjectsAndCollects) {
    constexpr std::uint32_t kFrames = 20'000;
    MemoryPort port({.receive_capacity = 64, .transmit_capacity = 64});
    std::atomic<bool> done{false};
    std::thread worker([&] {
        std::array<Frame, 32> frames;
        while (!done.load()) {
            const std::uint16_t count = port.receive(0, frames);
            std::uint16_t sent = 0;
            while (sent < count) sent += port.transmit(0, std::span(frames).subspan(sent, count - sent));
            std::this_thread::yield();
        }
    });
    std::uint32_t injected = 0;
    std::uint32_t collected = 0;
    bool in_order = true;
    while (collected < kFrames) {
        if (injected < kFrames && port.inject(numbered(injected))) ++injected;
        for (const Bytes& frame : port.collect()) in_order = in_order && frame == numbered(collected++);
    }
    done = true;
    worker.join();
    EXPECT_TRUE(in_order);
    EXPECT_EQ(port.statistics().transmitted, kFrames);
}

}  // namespace
}  // namespace drywall::io
