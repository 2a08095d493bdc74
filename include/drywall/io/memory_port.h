// MemoryPort: a port whose wire is the test's hand. What is injected will be received; what was transmitted can be
// collected. Capacities are exact, so that a full queue can be tested.
//
// Threads: per queue, one thread on the wire's side (inject, collect) and one on the worker's side (receive, transmit,
//          release); no locks. Link and statistics: any thread.
// Memory:  inject() allocates, and whoever ends a frame's life frees it. The worker's side allocates nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/io/frame_pool.h"
#include "drywall/io/port.h"

namespace drywall::io {

struct MemoryPortSettings {
    std::string name = "memory0";
    PortId id{};  // becomes the frames' ingress_port
    std::uint16_t queues = 1;
    std::size_t receive_capacity = 1024;   // frames waiting to be received, per queue
    std::size_t transmit_capacity = 1024;  // frames waiting to be collected, per queue
    std::uint16_t mtu = 0;                 // it does not say
};

class MemoryPort final : public Port {
public:
    explicit MemoryPort(MemoryPortSettings settings);
    ~MemoryPort() override;  // REQUIRES: no thread uses the port any more
    MemoryPort(const MemoryPort&) = delete;
    MemoryPort& operator=(const MemoryPort&) = delete;

    // The wire's side. inject() returns false, and counts the frame as missed, when the queue is full.
    // REQUIRES: queue < queues()
    bool inject(std::span<const std::uint8_t> frame, std::uint16_t queue = 0);
    // Everything that was transmitted since the last call, in order.
    [[nodiscard]] std::vector<std::vector<std::uint8_t>> collect(std::uint16_t queue = 0);
    // Frames that were injected and not yet received.
    [[nodiscard]] std::size_t waiting(std::uint16_t queue = 0) const noexcept;

    // The worker's side. Takes frames of any MemoryPort: ownership of the buffer moves with the frame.
    std::uint16_t receive(std::uint16_t queue, std::span<Frame> frames) noexcept override;
    std::uint16_t transmit(std::uint16_t queue, std::span<Frame> frames) noexcept override;
    void release(std::span<Frame> frames) noexcept override;

    [[nodiscard]] std::string name() const override { return settings_.name; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return settings_.queues; }
    [[nodiscard]] bool link_up() const noexcept override { return link_up_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint16_t mtu() const noexcept override { return settings_.mtu; }
    [[nodiscard]] std::uint16_t loses_beyond() const noexcept override { return settings_.mtu; }
    bool set_link(bool up) noexcept override;
    [[nodiscard]] DeviceStatistics statistics() const noexcept override;

private:
    struct Queue;

    const MemoryPortSettings settings_;
    std::vector<std::unique_ptr<Queue>> queues_;
    std::atomic<bool> link_up_{true};  // any thread; a port that is down takes and gives nothing
};

// Frames for any MemoryPort, from the heap.
class MemoryFramePool final : public FramePool {
public:
    explicit MemoryFramePool(std::uint16_t room = 2048) : room_(room) {}
    bool allocate(std::span<Frame> frames, std::span<const std::uint16_t> lengths) noexcept override;
    [[nodiscard]] std::uint16_t room() const noexcept override { return room_; }

private:
    std::uint16_t room_;
};

}  // namespace drywall::io
