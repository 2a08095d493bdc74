// KernelOffloads: what the kernel and its card would do to frames before a driver on a kernel interface has them,
// switched off as long as this stands, and put back at its end.
//
// Threads: control side, before the device is opened: with large receive on, some cards' drivers take no XDP program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "device.h"
#include "drywall/base/result.h"
#include "kernel_interface.h"

namespace drywall::io {

class KernelOffloads {
public:
    // Of a device on no kernel interface: nothing. Errors: a feature that changes frames can't be switched off.
    [[nodiscard]] static Result<std::unique_ptr<KernelOffloads>> switch_off(const std::string& port,
                                                                            const Device& device);
    ~KernelOffloads();
    KernelOffloads(const KernelOffloads&) = delete;
    KernelOffloads& operator=(const KernelOffloads&) = delete;

private:
    KernelOffloads(std::string interface, std::vector<std::string> names)
        : interface_(std::move(interface)), names_(std::move(names)) {}

    std::string interface_;
    std::vector<std::string> names_;  // what was on, and was switched off
};

// The names of those active features that change what `driver` would receive. Pure, as what follows, for tests: hardly
// any machine has an interface whose features are all of them.
[[nodiscard]] std::vector<std::string> changing_frames(std::string_view driver,
                                                       const std::vector<KernelFeature>& features);

// "ethtool -K eth1 rxvlan off gro off"
[[nodiscard]] std::string ethtool_command(const std::string& interface, const std::vector<std::string>& names);

}  // namespace drywall::io
