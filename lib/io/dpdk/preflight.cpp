#include "preflight.h"

#include <algorithm>
#include <array>
#include <set>

#include <rte_config.h>

#include "device.h"

namespace drywall::io {

namespace {

// Kernel drivers under which DPDK can drive a PCI device: the pass-through ones, and those that share it (mlx, mana).
constexpr std::array<std::string_view, 6> kDpdkDrivers = {"vfio-pci",  "uio_pci_generic", "igb_uio",
                                                          "mlx5_core", "mlx4_core",       "mana"};

template <typename List>
std::string joined(const List& list) {
    std::string text;
    for (const auto& item : list) {
        if (!text.empty()) text += ", ";
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(item)>>)
            text += std::to_string(item);
        else
            text += item;
    }
    return text;
}

class Check {
public:
    Check(const DpdkSettings& settings, const Machine& machine) : settings_(settings), machine_(machine) {}

    Status all() {
        cores();
        memory();
        std::set<std::string> seen;
        for (const DpdkDevice& device : settings_.devices) {
            const Device parsed = parse_device(device.device);
            if (!seen.insert(parsed.name).second)
                complain(about(device) + " is named by another port too", "give every port a device of its own");
            if (const auto interface = parsed.kernel_interface();
                interface && !seen.insert("iface=" + *interface).second)
                complain(about(device) + ": another port is on kernel interface '" + *interface + "' too",
                         "a packet would come in by both; give every port an interface of its own");
            if (parsed.pci)
                pci(device, parsed);
            else
                virtual_device(device, parsed);
        }
        if (complaints_.empty()) return Done{};
        return Error{ErrorKind::kUnavailable, std::move(complaints_)};
    }

private:
    static std::string about(const DpdkDevice& device) {
        return "port '" + device.port + "': device '" + device.device + "'";
    }

    void complain(std::string message, std::string hint) {
        complaints_.push_back({{}, std::move(message), std::move(hint)});
    }

    void cores() {
        for (const unsigned core : std::set<unsigned>(settings_.worker_cores.begin(), settings_.worker_cores.end()))
            core_is_there(core, "worker");
        core_is_there(settings_.stats_core, "stats");
        if (settings_.worker_cores.size() + 2 > RTE_MAX_LCORE)
            complain(std::to_string(settings_.worker_cores.size()) + " workers are more than DPDK was built for",
                     "name at most " + std::to_string(RTE_MAX_LCORE - 2) + " worker cores");
    }

    void core_is_there(unsigned core, const std::string& role) {
        if (std::binary_search(machine_.cpus.begin(), machine_.cpus.end(), core)) return;
        complain(role + " core " + std::to_string(core) + " is not there, or this process may not use it",
                 "CPUs that can be named: " + joined(machine_.cpus));
    }

    void memory() {
        if (settings_.hugepages) return hugepages();
        if (machine_.memory_mb == 0 || machine_.memory_mb >= settings_.memory_mb) return;
        complain("`dpdk.memory-mb: " + std::to_string(settings_.memory_mb) +
                     "` is more than the machine has: " + std::to_string(machine_.memory_mb) + " MB",
                 "lower it; 256 is the default");
    }

    void hugepages() {
        if (machine_.free_hugepages_mb >= settings_.memory_mb) return;
        complain("hugepages are configured, and " + std::to_string(settings_.memory_mb) +
                     " MB of them are needed, but " + std::to_string(machine_.free_hugepages_mb) + " MB are free",
                 "reserve some (`sysctl vm.nr_hugepages=" + std::to_string((settings_.memory_mb + 1) / 2) +
                     "` for pages of 2 MB), or configure `dpdk: {memory: no-huge}`");
    }

    void pci(const DpdkDevice& device, const Device& parsed) {
        const auto found = machine_.pci.find(parsed.name);
        if (found == machine_.pci.end())
            return complain(about(device) + ": there is no PCI device at this address",
                            "`dpdk-devbind.py --status-dev net` lists those that are there");
        const std::string& driver = found->second;
        if (std::find(kDpdkDrivers.begin(), kDpdkDrivers.end(), driver) != kDpdkDrivers.end()) return;
        complain(about(device) +
                     (driver.empty() ? " is bound to no driver" : " is in use by the kernel's driver '" + driver + "'"),
                 "bind it: `dpdk-devbind.py --bind=vfio-pci " + parsed.name + "`");
    }

    void virtual_device(const DpdkDevice& device, const Device& parsed) {
        if (!parsed.driver.starts_with("net_") && !parsed.driver.starts_with("eth_"))
            return complain(about(device) + " is neither a PCI address nor a virtual device of DPDK",
                            "virtual devices: " + std::string(kVirtualDevices));
        if (parsed.driver == "net_af_packet" || parsed.driver == "net_af_xdp") on_interface(device, parsed);
        if (parsed.driver == "net_tap" && !machine_.may_administrate_network)
            complain(about(device) + " needs the capability CAP_NET_ADMIN", "run it as root, or grant it");
    }

    void on_interface(const DpdkDevice& device, const Device& parsed) {
        const std::optional<std::string> interface = parsed.argument("iface");
        if (!interface)
            complain(about(device) + " does not say on which kernel interface",
                     "write `" + parsed.name + ",iface=NAME`; interfaces here: " + joined(machine_.interfaces));
        else if (std::find(machine_.interfaces.begin(), machine_.interfaces.end(), *interface) ==
                 machine_.interfaces.end())
            complain(about(device) + ": there is no kernel interface '" + *interface + "'",
                     "interfaces here: " + joined(machine_.interfaces));
        may_open(device, parsed);
    }

    void may_open(const DpdkDevice& device, const Device& parsed) {
        if (!machine_.may_open_raw_sockets)
            complain(about(device) + " needs the capability CAP_NET_RAW", "run it as root, or grant it");
        if (parsed.driver != "net_af_xdp") return;
        if (!machine_.has_af_xdp)
            complain(about(device) + ": this kernel has no AF_XDP sockets",
                     "use net_af_packet, or a kernel built with CONFIG_XDP_SOCKETS");
        if (!machine_.may_administrate_network)
            complain(about(device) + " needs the capability CAP_NET_ADMIN", "run it as root, or grant it");
    }

    const DpdkSettings& settings_;
    const Machine& machine_;
    std::vector<Complaint> complaints_;
};

}  // namespace

Status check(const DpdkSettings& settings, const Machine& machine) { return Check(settings, machine).all(); }

}  // namespace drywall::io
