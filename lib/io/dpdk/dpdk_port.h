// DpdkPort: an ethdev as an io::Port. Frames are mbufs; a frame's handle is its rte_mbuf.
//
// Threads: as Port. Configured and started by open(), on the main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "device.h"
#include "drywall/base/result.h"
#include "drywall/io/port.h"
#include "eal_log.h"

struct rte_mempool;
struct rte_eth_dev_info;
struct rte_eth_conf;

namespace drywall::io {

class DpdkPort final : public Port {
public:
    struct Wish {
        std::string name;
        std::string device_text;  // as the person wrote it
        Device device;
        std::uint16_t index = 0;  // PortId
        std::uint16_t queues = 1;
        unsigned socket = 0;
    };

    // Takes a probed ethdev over: configures its queues, starts it.
    [[nodiscard]] static Result<std::shared_ptr<DpdkPort>> open(Wish wish, std::uint16_t ethdev, rte_mempool* buffers);
    ~DpdkPort() override;
    DpdkPort(const DpdkPort&) = delete;
    DpdkPort& operator=(const DpdkPort&) = delete;

    std::uint16_t receive(std::uint16_t queue, std::span<Frame> frames) noexcept override;
    std::uint16_t transmit(std::uint16_t queue, std::span<Frame> frames) noexcept override;
    void release(std::span<Frame> frames) noexcept override;
    [[nodiscard]] std::string steering() const override { return steering_; }
    [[nodiscard]] std::string name() const override { return wish_.name; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return wish_.queues; }
    [[nodiscard]] bool link_up() const noexcept override;
    [[nodiscard]] std::uint16_t mtu() const noexcept override;
    // The kernel drops what is larger than its interface's MTU, when the driver has long counted it as sent.
    [[nodiscard]] std::uint16_t loses_beyond() const noexcept override {
        return wish_.device.kernel_interface() ? mtu() : std::uint16_t{0};
    }
    bool set_link(bool up) noexcept override;
    [[nodiscard]] DeviceStatistics statistics() const noexcept override;

private:
    DpdkPort(Wish wish, std::uint16_t ethdev) : wish_(std::move(wish)), ethdev_(ethdev) {}

    [[nodiscard]] std::unique_ptr<HoldBackOutput> hold_back_output() const;
    Status has_enough_queues(const rte_eth_dev_info& info) const;
    [[nodiscard]] rte_eth_conf configuration(const rte_eth_dev_info& info, rte_mempool* buffers) const;
    Status set_up(rte_mempool* buffers);
    Status set_up_queues(const rte_eth_dev_info& info, rte_mempool* buffers);
    Status start();
    void throw_away_what_came_before();
    [[nodiscard]] std::string agreed_steering(const rte_eth_dev_info& info) const;
    [[nodiscard]] Error failed(const std::string& what, int code) const;

    Wish wish_;
    std::uint16_t ethdev_;
    std::string steering_;
};

}  // namespace drywall::io
