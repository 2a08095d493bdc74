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

}  // namespace drywall::io
