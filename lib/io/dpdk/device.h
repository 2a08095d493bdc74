// Device: a `device:` text of the configuration, taken apart as DPDK will.
//
// Threads: values, control side.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace drywall::io {

// Virtual devices that come with Debian's DPDK, as hints name them.
inline constexpr std::string_view kVirtualDevices =
    "net_af_packet0,iface=NAME  net_af_xdp0,iface=NAME  net_tap0  net_memif0  net_pcap0,rx_pcap=FILE,tx_pcap=FILE  "
    "net_ring0  net_null0";

struct Device {
    bool pci = false;
    std::string name;       // "0000:3b:00.0" with its domain, or "net_af_packet0"
    std::string driver;     // "net_af_packet"; empty for PCI
    std::string arguments;  // "iface=eth1,qpairs=2"

    // The value of `key` among the arguments.
    [[nodiscard]] std::optional<std::string> argument(std::string_view key) const;
    // The kernel's interface below it ("eth1"): of net_af_packet and net_af_xdp.
    [[nodiscard]] std::optional<std::string> kernel_interface() const;
};

[[nodiscard]] Device parse_device(std::string_view text);

}  // namespace drywall::io
