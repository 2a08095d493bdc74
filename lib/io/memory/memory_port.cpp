#include "drywall/io/memory_port.h"

#include <cassert>
#include <utility>

#include "frame_ring.h"

namespace drywall::io {

namespace {

// A frame's handle is its buffer, owned by whoever holds the frame.
std::unique_ptr<Buffer> take(Frame& frame) noexcept {
    return std::unique_ptr<Buffer>(static_cast<Buffer*>(std::exchange(frame.handle, nullptr)));
}

Frame give(std::unique_ptr<Buffer> buffer, PortId port) noexcept {
    const auto size = static_cast<std::uint32_t>(buffer->bytes.size());
    return {{buffer->bytes.data(), size, size, static_cast<std::uint16_t>(index(port))}, buffer.release()};
}

}  // namespace

struct MemoryPort::Queue {
    explicit Queue(const MemoryPortSettings& settings)
        : received(settings.receive_capacity), transmitted(settings.transmit_capacity) {}

    FrameRing received;     // wire pushes, worker pops
    FrameRing transmitted;  // worker pushes, wire pops
    std::atomic<std::uint64_t> received_count{0};
    std::atomic<std::uint64_t> missed_count{0};
    std::atomic<std::uint64_t> transmitted_count{0};
    std::atomic<std::uint64_t> refused_count{0};
};

MemoryPort::MemoryPort(MemoryPortSettings settings) : settings_(std::move(settings)) {
    for (std::uint16_t i = 0; i < settings_.queues; ++i) queues_.push_back(std::make_unique<Queue>(settings_));
}

MemoryPort::~MemoryPort() = default;

bool MemoryPort::inject(std::span<const std::uint8_t> frame, std::uint16_t queue) {
    Queue& to = *queues_.at(queue);
    auto buffer = std::make_unique<Buffer>(Buffer{{frame.begin(), frame.end()}});
    if (link_up() && to.received.push(buffer)) return true;
    to.missed_count.fetch_add(1, std::memory_order_relaxed);
    return false;
}

std::vector<std::vector<std::uint8_t>> MemoryPort::collect(std::uint16_t queue) {
    std::vector<std::vector<std::uint8_t>> out;
    while (const auto buffer = queues_.at(queue)->transmitted.pop()) out.push_back(std::move(buffer->bytes));
    return out;
}

std::size_t MemoryPort::waiting(std::uint16_t queue) const noexcept { return queues_[queue]->received.size(); }

std::uint16_t MemoryPort::receive(std::uint16_t queue, std::span<Frame> frames) noexcept {
    assert(queue < queues_.size());
    Queue& from = *queues_[queue];
    std::uint16_t count = 0;
    while (count < frames.size()) {
        auto buffer = from.received.pop();
        if (!buffer) break;
        frames[count++] = give(std::move(buffer), settings_.id);
    }
    from.received_count.fetch_add(count, std::memory_order_relaxed);
    return count;
}

std::uint16_t MemoryPort::transmit(std::uint16_t queue, std::span<Frame> frames) noexcept {
    assert(queue < queues_.size());
    Queue& to = *queues_[queue];
    std::uint16_t count = 0;
    for (Frame& frame : frames) {
        auto buffer = take(frame);
        if (!link_up() || !to.transmitted.push(buffer)) {
            frame.handle = buffer.release();  // still the caller's
            break;
        }
        ++count;
    }
    to.transmitted_count.fetch_add(count, std::memory_order_relaxed);
    to.refused_count.fetch_add(frames.size() - count, std::memory_order_relaxed);
    return count;
}

void MemoryPort::release(std::span<Frame> frames) noexcept {
    for (Frame& frame : frames) take(frame).reset();
}

bool MemoryPort::set_link(bool up) noexcept {
    link_up_.store(up, std::memory_order_relaxed);
    return true;
}

bool MemoryFramePool::allocate(std::span<Frame> frames, std::span<const std::uint16_t> lengths) noexcept {
    for (std::size_t i = 0; i < frames.size(); ++i)
        frames[i] = give(std::make_unique<Buffer>(Buffer{std::vector<std::uint8_t>(lengths[i])}), PortId{});
    return true;
}

DeviceStatistics MemoryPort::statistics() const noexcept {
    DeviceStatistics sum;
    for (const auto& queue : queues_) {
        sum.received += queue->received_count.load(std::memory_order_relaxed);
        sum.missed += queue->missed_count.load(std::memory_order_relaxed);
        sum.transmitted += queue->transmitted_count.load(std::memory_order_relaxed);
        sum.transmit_errors += queue->refused_count.load(std::memory_order_relaxed);
    }
    return sum;
}

}  // namespace drywall::io
