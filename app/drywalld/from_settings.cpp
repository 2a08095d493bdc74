#include "from_settings.h"

#include <algorithm>
#include <random>

namespace drywall::daemon {

namespace {

PortId port_called(const loader::Settings& settings, const std::string& name) {
    const auto found = std::find_if(settings.ports.begin(), settings.ports.end(),
                                    [&](const loader::PortSettings& port) { return port.name == name; });
    return PortId(found - settings.ports.begin());  // load_settings() made sure that it is there
}

std::vector<std::optional<PortId>> peers(const loader::Settings& settings) {
    std::vector<std::optional<PortId>> peer_of(settings.ports.size());
    for (const loader::PairSettings& pair : settings.pairs) {
        const PortId first = port_called(settings, pair.first);
        const PortId second = port_called(settings, pair.second);
        peer_of[index(first)] = second;
        peer_of[index(second)] = first;
    }
    return peer_of;
}

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

engine::EngineSettings engine_settings(const loader::Settings& settings) {
    engine::EngineSettings engine;
    engine.peer_of = peers(settings);
    for (const loader::NonIpRule& rule : settings.non_ip) engine.non_ip.push_back({rule.ether_type, rule.verdict});
    engine.non_ip_default = settings.non_ip_default;
    engine.neighbour_discovery = settings.neighbour_discovery;
    engine.flow_capacity = settings.flows_per_worker;
    engine.timeouts = {settings.timeouts.tcp_established,
                       settings.timeouts.tcp_transitory,
                       settings.timeouts.udp,
                       settings.timeouts.icmp,
                       settings.timeouts.other,
                       settings.timeouts.fragment};
    engine.hash_seed = random_seed();
    return engine;
}

}  // namespace

io::DpdkSettings dpdk_settings(const loader::Settings& settings) {
    io::DpdkSettings dpdk;
    dpdk.hugepages = settings.memory == loader::Memory::kHugepages;
    dpdk.memory_mb = settings.memory_mb;
    dpdk.packet_buffers = settings.packet_buffers;
    dpdk.eal_arguments = settings.eal_arguments;
    for (const loader::PortSettings& port : settings.ports) dpdk.devices.push_back({port.name, port.device});
    dpdk.worker_cores = settings.worker_cores;
    dpdk.stats_core = settings.stats_core;
    return dpdk;
}

ruleset::Surroundings surroundings(const loader::Settings& settings) {
    ruleset::Surroundings around;
    for (const loader::PortSettings& port : settings.ports) around.port_names.push_back(port.name);
    around.peer_of = peers(settings);
    around.unmatched = settings.unmatched;
    around.pending_as_calico = settings.pending_as_calico;
    for (const loader::FailsafeRule& rule : settings.failsafe)
        around.failsafe.push_back({rule.protocol, rule.port, rule.to, rule.from});
    return around;
}

classify::Budget budget(const loader::Settings& settings) {
    classify::Budget budget;
    budget.table_bytes = settings.ruleset_memory_mb << 20;
    return budget;
}

control::ServerSettings server_settings(const loader::Settings& settings) {
    control::ServerSettings server;
    server.socket_path = settings.control_socket;
    server.group = settings.control_group;
    return server;
}

runtime::DataplaneSettings dataplane_settings(const loader::Settings& settings,
                                              std::vector<std::shared_ptr<io::Port>> ports) {
    runtime::DataplaneSettings dataplane;
    dataplane.ports = std::move(ports);
    dataplane.worker_cores = settings.worker_cores;
    dataplane.stats_core = settings.stats_core;
    dataplane.busy = settings.idle == loader::Idle::kBusy;
    dataplane.engine = engine_settings(settings);
    dataplane.event_ring = settings.event_ring;
    dataplane.swap_timeout = settings.swap_timeout;
    return dataplane;
}

}  // namespace drywall::daemon
