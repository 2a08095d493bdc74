// MemoryLoop: ports whose frames go to each other through memory, and the frames: what is left of a device when there
// is none. MemoryPort is for tests, and gives every frame a buffer of the heap; nothing is allocated here once it is
// made, so that what is measured is whoever sends and receives.
//
// Threads: one.
// Memory:  all of it when it is made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drywall/io/frame_pool.h"
#include "drywall/io/port.h"

namespace drywall::io {

class SlabPool final : public FramePool {
public:
    SlabPool(std::size_t frames, std::uint16_t room);

    bool allocate(std::span<Frame> frames, std::span<const std::uint16_t> lengths) noexcept override;
    [[nodiscard]] std::uint16_t room() const noexcept override { return room_; }
    void give_back(std::span<Frame> frames) noexcept;

private:
    std::uint16_t room_;
    std::vector<std::uint8_t> bytes_;
    std::vector<std::uint8_t*> free_;
};

// Frames that were transmitted, until the other end receives them.
class FrameQueue {
public:
    explicit FrameQueue(std::size_t capacity) : frames_(capacity) {}
    std::size_t push(std::span<Frame> frames) noexcept;
    std::size_t pop(std::span<Frame> frames) noexcept;

private:
    std::vector<Frame> frames_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

class LoopPort final : public Port {
public:
    LoopPort(std::string name, SlabPool& pool, FrameQueue& in, FrameQueue& out)
        : name_(std::move(name)), pool_(pool), in_(in), out_(out) {}

    std::uint16_t receive(std::uint16_t queue, std::span<Frame> frames) noexcept override;
    std::uint16_t transmit(std::uint16_t queue, std::span<Frame> frames) noexcept override;
    void release(std::span<Frame> frames) noexcept override { pool_.give_back(frames); }
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return 1; }
    [[nodiscard]] bool link_up() const noexcept override { return true; }
    bool set_link(bool /*up*/) noexcept override { return false; }
    [[nodiscard]] DeviceStatistics statistics() const noexcept override { return {}; }

private:
    std::string name_;
    SlabPool& pool_;
    FrameQueue& in_;
    FrameQueue& out_;
};

}  // namespace drywall::io
