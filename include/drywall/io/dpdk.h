// Dpdk: the EAL and the Ethernet devices of the appliance, from settings to io::Ports.
//
// Threads: the main thread starts and ends it; ports may then be polled, each queue by its worker.
// Life:    once per process (the EAL cannot start twice). Ports live no longer than the Dpdk that made them.
// Errors:  what can be wrong is looked for before the EAL starts; the rest is translated. What DPDK itself prints goes
//          to the log, level debug.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/io/frame_pool.h"
#include "drywall/io/port.h"

namespace drywall::io {

struct DpdkDevice {
    std::string port;    // what people call it
    std::string device;  // PCI address ("0000:3b:00.0") or virtual device ("net_af_packet0,iface=eth1")
};

struct DpdkSettings {
    bool hugepages = false;
    std::uint32_t memory_mb = 256;
    std::uint32_t packet_buffers = 16384;
    std::uint16_t buffer_bytes = 2048;       // of a frame that one buffer holds; longer ones need several, or a device
                                             // that can't use several refuses to start
    std::vector<std::string> eal_arguments;  // passed on as they are, last
    std::vector<DpdkDevice> devices;         // by PortId
    std::vector<unsigned> worker_cores;      // worker w has queue w of every port, and lcore w + 1
    std::optional<std::uint16_t> queues;     // of every port, where it is not one for each worker
    unsigned stats_core = 0;                 // the lcore after the workers'
};

class Dpdk {
public:
    // Every device configured, started and promiscuous, with one queue per worker unless the settings say otherwise.
    [[nodiscard]] static Result<std::unique_ptr<Dpdk>> start(const DpdkSettings& settings);

    // Stops and closes the devices, ends the EAL.
    virtual ~Dpdk() = default;

    [[nodiscard]] virtual const std::vector<std::shared_ptr<Port>>& ports() const noexcept = 0;  // by PortId
    // Frames from the memory that its ports receive into; of its ports, and no longer than it lives.
    [[nodiscard]] virtual FramePool& frames() noexcept = 0;
};

// "DPDK 22.11.2"
[[nodiscard]] std::string dpdk_version();

}  // namespace drywall::io
