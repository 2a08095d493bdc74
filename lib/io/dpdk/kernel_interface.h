// The kernel's network interfaces, in the network namespace of this process.
//
// Threads: any; each call asks the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace drywall::io {

[[nodiscard]] std::vector<std::string> kernel_interfaces();

// Administratively up and with a carrier.
[[nodiscard]] bool kernel_link_up(const std::string& interface) noexcept;

// 0: no such interface.
[[nodiscard]] std::uint16_t kernel_mtu(const std::string& interface) noexcept;

// As `ip link set INTERFACE up|down`. False: not allowed, or no such interface.
bool set_kernel_link(const std::string& interface, bool up) noexcept;

// What `ethtool -k` shows, under the kernel's own names ("rx-gro").
struct KernelFeature {
    std::string name;
    bool active = false;
};

// Empty: no such interface.
[[nodiscard]] std::vector<KernelFeature> kernel_features(const std::string& interface);

// As `ethtool -K INTERFACE NAME on|off ...`. 0, or an errno; a feature that did not change is no error: look again.
int set_kernel_features(const std::string& interface, const std::vector<std::string>& names, bool on);

// What drives it ("ixgbe", "veth"); empty: it does not say.
[[nodiscard]] std::string kernel_driver(const std::string& interface) noexcept;

}  // namespace drywall::io
