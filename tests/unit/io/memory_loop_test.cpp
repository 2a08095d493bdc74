#include "drywall/io/memory_loop.h"

#include <array>

#include <gtest/gtest.h>

namespace drywall::io {
namespace {

TEST(MemoryLoop, GivesWhatItTookAndRefusesWhatHasNoRoom) {
    SlabPool pool(4, 100);
    FrameQueue queue(3);
    LoopPort port("loop", pool, queue, queue);
    std::array<Frame, 4> frames;
    const std::array<std::uint16_t, 4> lengths{60, 61, 62, 63};
    ASSERT_TRUE(pool.allocate(frames, lengths));
    std::array<Frame, 1> more;
    EXPECT_FALSE(pool.allocate(more, std::span(lengths).first(1)));
    EXPECT_EQ(port.transmit(0, frames), 3U);
    port.release(std::span(frames).subspan(3));
    std::array<Frame, 8> received;
    ASSERT_EQ(port.receive(0, received), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(received[i].view.length, lengths[i]);
    port.release(std::span(received).first(3));
    EXPECT_TRUE(pool.allocate(frames, lengths));
    EXPECT_EQ(port.receive(0, received), 0U);
}

}  // namespace
}  // namespace drywall::io
