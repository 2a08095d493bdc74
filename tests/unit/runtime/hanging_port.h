// HangingPort: a port in memory whose second queue stops answering when the test says so.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "testbed.h"

namespace drywall::runtime {

// A device whose queue 1 can be made to hang in receive().
class HangingPort final : public io::Port {
public:
    explicit HangingPort(std::shared_ptr<io::MemoryPort> device) : device_(std::move(device)) {}

    std::uint16_t receive(std::uint16_t queue, std::span<io::Frame> frames) noexcept override {
        if (queue == 1 && hang_) {
            hanging_ = true;
            hang_.wait(true);
            hanging_ = false;
        }
        return device_->receive(queue, frames);
    }
    std::uint16_t transmit(std::uint16_t queue, std::span<io::Frame> frames) noexcept override {
        return device_->transmit(queue, frames);
    }
    void release(std::span<io::Frame> frames) noexcept override { device_->release(frames); }
    [[nodiscard]] std::string name() const override { return device_->name(); }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return device_->queues(); }
    [[nodiscard]] bool link_up() const noexcept override { return device_->link_up(); }
    bool set_link(bool up) noexcept override { return device_->set_link(up); }
    [[nodiscard]] io::DeviceStatistics statistics() const noexcept override { return device_->statistics(); }

    void hang() {
        hang_ = true;
        wait_until([&] { return hanging_.load(); });
    }
    void go_on() {
        hang_ = false;
        hang_.notify_all();
    }

private:
    std::shared_ptr<io::MemoryPort> device_;
    std::atomic<bool> hang_{false};
    std::atomic<bool> hanging_{false};
};

}  // namespace drywall::runtime
