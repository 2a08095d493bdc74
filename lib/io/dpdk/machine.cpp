#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel_interface.h"
#include "preflight.h"

namespace drywall::io {

namespace {

namespace fs = std::filesystem;

std::vector<unsigned> allowed_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<unsigned> cpus;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus;
}

std::size_t memory_mb() {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_size = ::sysconf(_SC_PAGESIZE);
    if (pages < 0 || page_size < 0) return 0;
    return (static_cast<std::size_t>(pages) * static_cast<std::size_t>(page_size)) >> 20;
}

std::size_t free_hugepages_mb() {
    std::size_t kilobytes = 0;
    std::error_code none;
    for (const auto& size : fs::directory_iterator("/sys/kernel/mm/hugepages", none)) {
        const std::string name = size.path().filename().string();  // "hugepages-2048kB"
        std::size_t free = 0;
        std::ifstream(size.path() / "free_hugepages") >> free;
        kilobytes += free * std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10);
    }
    return kilobytes / 1024;
}

std::map<std::string, std::string> pci_devices() {
    std::map<std::string, std::string> devices;
    std::error_code none;
    for (const auto& device : fs::directory_iterator("/sys/bus/pci/devices", none)) {
        std::error_code unbound;
        const fs::path driver = fs::read_symlink(device.path() / "driver", unbound);
        devices[device.path().filename().string()] = unbound ? "" : driver.filename().string();
    }
    return devices;
}

// The bits of CapEff in /proc/self/status.
bool has_capability(unsigned capability) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("CapEff:"))
            return ((std::strtoull(line.c_str() + 7, nullptr, 16) >> capability) & 1U) != 0;
    return ::geteuid() == 0;
}

bool kernel_has_af_xdp() {
    const int fd = ::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno != EAFNOSUPPORT;
    ::close(fd);
    return true;
}

}  // namespace

Machine look_at_machine() {
    Machine machine;
    machine.cpus = allowed_cpus();
    machine.interfaces = kernel_interfaces();
    machine.pci = pci_devices();
    machine.memory_mb = memory_mb();
    machine.free_hugepages_mb = free_hugepages_mb();
    machine.may_open_raw_sockets = has_capability(CAP_NET_RAW);
    machine.may_administrate_network = has_capability(CAP_NET_ADMIN);
    machine.has_af_xdp = kernel_has_af_xdp();
    return machine;
}

}  // namespace drywall::io
