#include "hardening.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include <linux/capability.h>
#include <unistd.h>

#include "drywall/base/logging.h"
#include "drywall/host/syscall_filter.h"

namespace drywall::daemon {

namespace {

// CAP_BPF and CAP_PERFMON: Linux 5.8, and newer than some headers.
constexpr unsigned kBpf = 39;

struct DriverNeeds {
    std::string_view driver;  // what the device's name begins with; empty: a PCI address
    std::initializer_list<unsigned> to_open;
    std::initializer_list<unsigned> to_run;
};

// Virtual devices that are not here (net_memif, net_ring, net_null, net_pcap on files) need none.
const DriverNeeds kNeeds[] = {
    // A packet socket, whose ring is locked in memory (IPC_LOCK, or a limit that is large enough); promiscuous mode;
    // interfaces are set up, and their flags carry link state.
    {"net_af_packet", {CAP_NET_RAW, CAP_NET_ADMIN, CAP_IPC_LOCK}, {CAP_NET_ADMIN}},
    // libxdp loads its dispatcher and finds programs by their numbers, which takes SYS_ADMIN (BPF_PROG_GET_FD_BY_ID),
    // also
    // to take them off again. Socket memory is locked.
    {"net_af_xdp",
     {CAP_NET_RAW, CAP_NET_ADMIN, kBpf, CAP_SYS_ADMIN, CAP_IPC_LOCK, CAP_SYS_RESOURCE},
     {CAP_NET_ADMIN, kBpf, CAP_SYS_ADMIN}},
    {"net_tap", {CAP_NET_ADMIN, CAP_NET_RAW}, {CAP_NET_ADMIN}},
    {"net_pcap", {CAP_NET_RAW, CAP_NET_ADMIN}, {}},
    // vfio locks memory; mlx5 opens raw queues and changes flags of the kernel's interface beside it.
    {"", {CAP_IPC_LOCK, CAP_NET_RAW, CAP_NET_ADMIN}, {CAP_IPC_LOCK, CAP_NET_RAW, CAP_NET_ADMIN}},
};

const DriverNeeds* needs_of(const std::string& device) {
    const bool pci = device.find(':') < device.find(',');
    for (const DriverNeeds& needs : kNeeds)
        if (needs.driver.empty() ? pci : device.starts_with(needs.driver)) return &needs;
    return nullptr;
}

host::Identity identity_of(const loader::Settings& settings) {
    host::Identity identity;
    identity.user = settings.hardening.user;
    identity.group = settings.hardening.group;
    for (const std::string& group : {settings.control_group, settings.view_group})
        if (!group.empty()) identity.groups.push_back(group);
    identity.directories.emplace_back(std::filesystem::path(settings.control_socket).parent_path());
    if (!settings.view_socket.empty())
        identity.directories.emplace_back(std::filesystem::path(settings.view_socket).parent_path());
    identity.directories.emplace_back(settings.state_directory);
    return identity;
}

}  // namespace

Result<NeededCapabilities> needed_capabilities(const loader::Settings& settings) {
    NeededCapabilities needed;
    for (const loader::PortSettings& port : settings.ports) {
        const DriverNeeds* needs = needs_of(port.device);
        if (needs == nullptr) continue;
        needed.to_open.insert(needs->to_open);
        needed.to_run.insert(needs->to_run);
    }
    for (const std::string& name : settings.hardening.keep_capabilities) {
        const auto capability = host::capability(name);
        if (!capability) return capability.error();
        needed.to_open.insert(*capability);
        needed.to_run.insert(*capability);
    }
    return needed;
}

Status take_on_identity(const loader::Settings& settings) {
    const auto needed = needed_capabilities(settings);
    if (!needed) return needed.error();
    return host::take_on(identity_of(settings), needed->to_open);
}

Status give_up_what_is_not_needed(const loader::Settings& settings) {
    const auto needed = needed_capabilities(settings);
    if (!needed) return needed.error();
    if (auto given_up = host::give_up(needed->to_run); !given_up) return given_up;
    const loader::Seccomp seccomp = settings.hardening.seccomp;
    if (seccomp != loader::Seccomp::kOff) {
        const auto mode = seccomp == loader::Seccomp::kLog ? host::FilterMode::kLog : host::FilterMode::kEnforce;
        if (auto filtered = host::install_syscall_filter(mode); !filtered) return filtered;
    }
    spdlog::info("privileges: uid {}, capabilities that may be used: {}, seccomp: {}", ::geteuid(),
                 host::names_of(needed->to_run),
                 seccomp == loader::Seccomp::kEnforce ? "enforce"
                 : seccomp == loader::Seccomp::kLog   ? "log"
                                                      : "off");
    return Done{};
}

void end_because_of(const std::string& hung_worker) {
    spdlog::critical(
        "`workers.hung: exit`: {}; the process ends now, and nothing is forwarded until it is started again",
        hung_worker);
    spdlog::default_logger()->flush();
    std::fprintf(stderr, "drywalld: ended because of a hung worker: %s\n", hung_worker.c_str());
    ::_exit(kExitHungWorker);
}

}  // namespace drywall::daemon
