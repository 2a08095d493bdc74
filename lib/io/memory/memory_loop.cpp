#include "drywall/io/memory_loop.h"

#include <algorithm>
#include <cassert>

namespace drywall::io {

SlabPool::SlabPool(std::size_t frames, std::uint16_t room) : room_(room), bytes_(frames * room) {
    for (std::size_t i = 0; i < frames; ++i) free_.push_back(bytes_.data() + i * room);
}

bool SlabPool::allocate(std::span<Frame> frames, std::span<const std::uint16_t> lengths) noexcept {
    if (free_.size() < frames.size()) return false;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        assert(lengths[i] <= room_);
        std::uint8_t* bytes = free_.back();
        free_.pop_back();
        frames[i] = {{bytes, lengths[i], lengths[i], 0}, bytes};
    }
    return true;
}

// Never more than there were: the vector does not grow.
void SlabPool::give_back(std::span<Frame> frames) noexcept {
    for (Frame& frame : frames) free_.push_back(static_cast<std::uint8_t*>(std::exchange(frame.handle, nullptr)));
}

std::size_t FrameQueue::push(std::span<Frame> frames) noexcept {
    const std::size_t count = std::min(frames.size(), frames_.size() - size_);
    for (std::size_t i = 0; i < count; ++i) frames_[(first_ + size_ + i) % frames_.size()] = frames[i];
    size_ += count;
    return count;
}

std::size_t FrameQueue::pop(std::span<Frame> frames) noexcept {
    const std::size_t count = std::min(frames.size(), size_);
    for (std::size_t i = 0; i < count; ++i) frames[i] = frames_[(first_ + i) % frames_.size()];
    first_ = (first_ + count) % frames_.size();
    size_ -= count;
    return count;
}

std::uint16_t LoopPort::receive(std::uint16_t /*queue*/, std::span<Frame> frames) noexcept {
    return static_cast<std::uint16_t>(in_.pop(frames));
}

std::uint16_t LoopPort::transmit(std::uint16_t /*queue*/, std::span<Frame> frames) noexcept {
    const std::size_t taken = out_.push(frames);
    for (Frame& frame : frames.first(taken)) frame.handle = nullptr;
    return static_cast<std::uint16_t>(taken);
}

}  // namespace drywall::io
