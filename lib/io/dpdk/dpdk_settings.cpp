#include "drywall/io/dpdk_settings.h"

namespace drywall::io {

DpdkSettings dpdk_settings(const loader::Settings& settings) {
    DpdkSettings dpdk;
    dpdk.hugepages = settings.memory == loader::Memory::kHugepages;
    dpdk.memory_mb = settings.memory_mb;
    dpdk.packet_buffers = settings.packet_buffers;
    dpdk.buffer_bytes = settings.buffer_bytes;
    dpdk.eal_arguments = settings.eal_arguments;
    for (const loader::PortSettings& port : settings.ports) dpdk.devices.push_back({port.name, port.device});
    dpdk.worker_cores = settings.worker_cores;
    dpdk.stats_core = settings.stats_core;
    return dpdk;
}

}  // namespace drywall::io
