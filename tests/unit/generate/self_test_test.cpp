#include "drywall/generate/self_test.h"

#include <gtest/gtest.h>

#include "memory_loop.h"

namespace drywall::generate {
namespace {

using namespace std::chrono_literals;

TEST(MemoryLoop, GivesWhatItTookAndRefusesWhatHasNoRoom) {
    SlabPool pool(4, 100);
    FrameQueue queue(3);
    LoopPort port("loop", pool, queue, queue);
    std::array<io::Frame, 4> frames;
    const std::array<std::uint16_t, 4> lengths{60, 61, 62, 63};
    ASSERT_TRUE(pool.allocate(frames, lengths));
    std::array<io::Frame, 1> more;
    EXPECT_FALSE(pool.allocate(more, std::span(lengths).first(1)));
    EXPECT_EQ(port.transmit(0, frames), 3U);
    port.release(std::span(frames).subspan(3));
    std::array<io::Frame, 8> received;
    ASSERT_EQ(port.receive(0, received), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(received[i].view.length, lengths[i]);
    port.release(std::span(received).first(3));
    EXPECT_TRUE(pool.allocate(frames, lengths));
    EXPECT_EQ(port.receive(0, received), 0U);
}

TEST(SelfTest, SendsAProfileWithoutItsLimits) {
    loader::TrafficProfile profile;
    for (const char* name : {"left", "right"}) {
        loader::PortSettings port;
        port.name = name;
        profile.machine.ports.push_back(port);
    }
    profile.streams = {loader::default_stream("there", "left", "right"),
                       loader::default_stream("back", "right", "left")};
    profile.streams[0].packets = 10;
    profile.streams[1].rate = loader::parse_rate("1kpps");
    const auto launcher = runtime::make_thread_launcher();
    const auto rate = self_test(profile, *launcher, 0, 50ms);
    ASSERT_TRUE(rate);
    EXPECT_GT(*rate * 0.05, 1000.0) << "more than the limits let out";
}

}  // namespace
}  // namespace drywall::generate
