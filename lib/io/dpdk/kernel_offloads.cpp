#include "kernel_offloads.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "drywall/base/logging.h"

namespace drywall::io {

namespace {

struct Offload {
    std::string_view name;     // the kernel's
    std::string_view ethtool;  // as `ethtool -K` takes it
    bool only_af_xdp;
};

// Checksums are only looked at, and what is done at sending is asked for by the sender (an skb's metadata), which a
// frame from a packet socket or a ring of AF_XDP does not have.
constexpr std::array kOffloads = {
    // The tag is carried beside the frame. A packet socket's driver puts it back; a program of XDP never sees it.
    Offload{"rx-vlan-hw-parse", "rxvlan", true},
    Offload{"rx-vlan-stag-hw-parse", "rx-vlan-stag-hw-parse", true},
    // Segments are glued together: two that arrived leave as one, or are too large to leave.
    Offload{"rx-gro", "gro", false},
    Offload{"rx-gro-hw", "rx-gro-hw", false},
    Offload{"rx-lro", "lro", false},
};

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

// What leaves a virtual pair's other end with its tag beside it arrives so, whatever is said at this end.
void warn_of_the_other_end(const std::string& port, const std::string& interface) {
    if (kernel_driver(interface) != "veth") return;
    spdlog::warn(
        "port '{}': '{}' is one end of a virtual pair, whose other end may keep VLAN tags beside its frames, which "
        "AF_XDP does not see: there, `ethtool -K PEER txvlan off tx-vlan-stag-hw-insert off`",
        port, interface);
}

}  // namespace

std::vector<std::string> changing_frames(std::string_view driver, const std::vector<KernelFeature>& features) {
    std::vector<std::string> names;
    for (const Offload& offload : kOffloads) {
        if (offload.only_af_xdp && driver != "net_af_xdp") continue;
        const auto found = std::find_if(features.begin(), features.end(),
                                        [&](const KernelFeature& feature) { return feature.name == offload.name; });
        if (found != features.end() && found->active) names.emplace_back(offload.name);
    }
    return names;
}

std::string ethtool_command(const std::string& interface, const std::vector<std::string>& names) {
    std::string text = "ethtool -K " + interface;
    for (const Offload& offload : kOffloads)
        if (std::find(names.begin(), names.end(), offload.name) != names.end())
            text += " " + std::string(offload.ethtool) + " off";
    return text;
}

Result<std::unique_ptr<KernelOffloads>> KernelOffloads::switch_off(const std::string& port, const Device& device) {
    const auto interface = device.kernel_interface();
    if (!interface) return std::unique_ptr<KernelOffloads>();
    const auto active = [&] { return changing_frames(device.driver, kernel_features(*interface)); };
    const std::vector<std::string> before = active();
    if (device.driver == "net_af_xdp") warn_of_the_other_end(port, *interface);
    if (before.empty()) return std::unique_ptr<KernelOffloads>();

    const int code = set_kernel_features(*interface, before, false);
    std::unique_ptr<KernelOffloads> offloads(new KernelOffloads(*interface, before));
    if (const std::vector<std::string> left = active(); !left.empty())
        return Error::of(ErrorKind::kUnavailable,
                         "port '" + port + "': kernel interface '" + *interface + "' changes frames before " +
                             device.driver + " has them, and that can't be switched off: " + listed(left) +
                             (code == 0 ? "" : std::string(" (") + std::strerror(code) + ")"),
                         "see whether `" + ethtool_command(*interface, left) +
                             "` helps; where it does not, use another interface, or another driver");
    spdlog::info("port '{}': switched off on '{}' as long as the appliance runs, because it changes frames: {}", port,
                 *interface, listed(before));
    return offloads;
}

KernelOffloads::~KernelOffloads() { (void)set_kernel_features(interface_, names_, true); }

}  // namespace drywall::io
