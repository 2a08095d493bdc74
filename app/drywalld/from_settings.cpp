#include "from_settings.h"

#include <filesystem>

#include "drywall/io/distributor.h"
#include "drywall/whatif/engine_settings.h"

namespace drywall::daemon {

control::ServerSettings server_settings(const loader::Settings& settings) {
    control::ServerSettings server;
    server.socket_path = settings.control_socket;
    server.group = settings.control_group;
    server.check = {settings.check_min_time, settings.check_min_connections};
    server.view_socket_path = settings.view_socket;
    server.view_group = settings.view_group;
    server.metrics_listen = settings.metrics_listen;
    server.metrics = {.rules = settings.metrics_rules,
                      .connections = std::uint64_t{settings.flows_per_worker} * settings.worker_cores.size()};
    return server;
}

store::StoreSettings store_settings(const loader::Settings& settings) {
    store::StoreSettings store;
    store.directory = settings.state_directory;
    store.generations = settings.state_generations;
    store.audit_entries = settings.state_audit_entries;
    return store;
}

runtime::Existing existing_connections(const loader::Settings& settings) {
    switch (settings.existing) {
        case loader::Existing::kRecheck: return runtime::Existing::kRecheck;
        case loader::Existing::kKeep: return runtime::Existing::kKeep;
        case loader::Existing::kReset: return runtime::Existing::kReset;
    }
    return runtime::Existing::kRecheck;
}

control::GuardSettings guard_settings(const loader::Settings& settings, const observe::FlowLog& flows,
                                      control::DenialWatch& denials) {
    control::GuardSettings guard;
    guard.flows = &flows;
    guard.denials = &denials;
    guard.rescue_flag = std::filesystem::path(settings.state_directory) / "rescue";
    if (settings.management) {
        guard.management.clear();
        for (const loader::ManagementRule& rule : *settings.management)
            guard.management.push_back({rule.protocol, rule.port, rule.to});
    }
    return guard;
}

control::IpfixSettings ipfix_settings(const loader::IpfixExport& settings) {
    return {.collector = settings.collector,
            .interval = settings.interval,
            .template_interval = settings.template_interval,
            .observation_domain = settings.observation_domain,
            .observation_point = settings.observation_point,
            .enterprise = settings.enterprise_number,
            .message_bytes = settings.message_bytes};
}

namespace {

io::Distribute distribute(const loader::Settings& settings) {
    switch (settings.distribute) {
        case loader::Distribute::kAuto: return io::Distribute::kAuto;
        case loader::Distribute::kAlways: return io::Distribute::kAlways;
        case loader::Distribute::kNever: return io::Distribute::kNever;
    }
    return io::Distribute::kAuto;
}

}  // namespace

runtime::DataplaneSettings dataplane_settings(const loader::Settings& settings,
                                              std::vector<std::shared_ptr<io::Port>> ports) {
    runtime::DataplaneSettings dataplane;
    dataplane.engine = whatif::engine_settings(settings);
    dataplane.engine.layer7.names =
        whatif::name_cache(settings, settings.worker_cores.size(), dataplane.engine.hash_seed);
    const io::Owners owners(static_cast<std::uint16_t>(settings.worker_cores.size()), dataplane.engine.hash_seed);
    dataplane.ports = io::distributed(std::move(ports), dataplane.engine.peer_of, distribute(settings), owners,
                                      settings.packet_buffers);
    dataplane.worker_cores = settings.worker_cores;
    dataplane.stats_core = settings.stats_core;
    dataplane.busy = settings.idle == loader::Idle::kBusy;
    dataplane.event_ring = settings.event_ring;
    dataplane.swap_timeout = settings.swap_timeout;
    dataplane.existing_grace = settings.existing_grace;
    return dataplane;
}

std::optional<observe::FlowHistorySettings> flow_history_settings(const loader::Settings& settings) {
    if (settings.flow_history.max_mb == 0) return std::nullopt;
    observe::FlowHistorySettings history;
    history.file = std::filesystem::path(settings.state_directory) / "flows.db";
    history.keep = settings.flow_history.keep;
    history.max_bytes = std::uint64_t{settings.flow_history.max_mb} << 20;
    return history;
}

std::optional<observe::FlowFileSettings> flow_file_settings(const loader::Settings& settings) {
    if (settings.flow_file.path.empty()) return std::nullopt;
    return observe::FlowFileSettings{.file = settings.flow_file.path,
                                     .max_bytes = std::uint64_t{settings.flow_file.max_mb} << 20,
                                     .files = settings.flow_file.files};
}

}  // namespace drywall::daemon
