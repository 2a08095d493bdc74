#include "drywall/whatif/engine_settings.h"

#include <algorithm>
#include <random>

#include "drywall/explain/site.h"

namespace drywall::whatif {

namespace {

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

engine::MidStream mid_stream_of(loader::MidStream choice) {
    switch (choice) {
        case loader::MidStream::kAllow: return engine::MidStream::kAllow;
        case loader::MidStream::kObserve: return engine::MidStream::kObserve;
        case loader::MidStream::kDrop: break;
    }
    return engine::MidStream::kDrop;
}

engine::NameEvidence evidence_of(loader::DomainEvidence choice) {
    switch (choice) {
        case loader::DomainEvidence::kAddress: return engine::NameEvidence::kAddress;
        case loader::DomainEvidence::kAddressOrSni: return engine::NameEvidence::kAddressOrSni;
        case loader::DomainEvidence::kAddressAndSni: break;
    }
    return engine::NameEvidence::kAddressAndSni;
}

engine::Layer7Settings layer7_settings(const loader::Layer7& settings) {
    engine::Layer7Settings layer7;
    layer7.http2 = settings.http.http2;
    layer7.not_http = settings.http.not_http;
    layer7.malformed = settings.http.malformed;
    layer7.upgraded = settings.http.upgraded;
    layer7.unseen = settings.http.unseen;
    layer7.over_limit = settings.http.over_limit;
    layer7.missing_sni = settings.tls.missing_sni;
    layer7.ech = settings.tls.ech;
    layer7.evidence = evidence_of(settings.domains.evidence);
    layer7.dns_servers = settings.dns.servers;
    layer7.dns_questions = settings.dns.questions_per_worker;
    layer7.reset_denied = settings.http.on_deny == loader::OnDeny::kReset;
    layer7.inspector = {.connections = settings.memory.connections_per_worker,
                        .buffers = std::size_t{settings.memory.buffers_mb_per_worker} << 20,
                        .per_connection = settings.memory.bytes_per_connection,
                        .max_head = settings.http.max_head_bytes};
    return layer7;
}

}  // namespace

engine::EngineSettings engine_settings(const loader::Settings& settings) {
    engine::EngineSettings engine;
    engine.peer_of = explain::surroundings_of(settings).peer_of;
    for (const loader::PortSettings& port : settings.ports)
        engine.sources.push_back({net::PrefixSet(port.sources), net::PrefixSet(port.not_sources)});
    const auto free = [](const engine::SourceRule& rule) { return rule.only.empty() && rule.none.empty(); };
    if (std::all_of(engine.sources.begin(), engine.sources.end(), free)) engine.sources.clear();
    engine.addresses = settings.addresses;
    engine.verify_checksums = settings.verify_checksums;
    for (const loader::NonIpRule& rule : settings.non_ip) engine.non_ip.push_back({rule.name, rule.verdict});
    engine.non_ip_default = settings.non_ip_default;
    engine.neighbour_discovery = settings.neighbour_discovery;
    engine.flow_capacity = settings.flows_per_worker;
    engine.fragment_capacity = settings.fragments_per_worker;
    engine.timeouts = {.tcp_established = settings.timeouts.tcp_established,
                       .tcp_transitory = settings.timeouts.tcp_transitory,
                       .udp = settings.timeouts.udp,
                       .icmp = settings.timeouts.icmp,
                       .other = settings.timeouts.other,
                       .fragment = settings.timeouts.fragment,
                       .tcp_half_open = settings.timeouts.tcp_half_open,
                       .tcp_closed = settings.timeouts.tcp_closed,
                       .sctp = settings.timeouts.sctp,
                       .sctp_half_open = settings.timeouts.sctp_half_open};
    engine.mid_stream = mid_stream_of(settings.mid_stream);
    engine.tcp_window =
        settings.tcp_window == loader::TcpWindow::kObserve ? engine::TcpWindow::kObserve : engine::TcpWindow::kStrict;
    engine.half_open_limit = settings.half_open_limit.value_or(settings.flows_per_worker / 4);
    engine.per_source_limit = settings.per_source_limit;
    engine.report_interval = settings.flow_report_interval;
    engine.hash_seed = random_seed();
    engine.layer7 = layer7_settings(settings.layer7);
    return engine;
}

std::shared_ptr<inspect::NameCache> name_cache(const loader::Settings& settings, std::size_t workers,
                                               std::uint64_t hash_seed) {
    const loader::Layer7Dns& dns = settings.layer7.dns;
    if (dns.servers.empty()) return nullptr;
    return std::make_shared<inspect::NameCache>(inspect::NameCacheSettings{.entries = dns.names,
                                                                           .workers = workers,
                                                                           .hash_seed = hash_seed,
                                                                           .min_ttl = dns.min_ttl,
                                                                           .max_ttl = dns.max_ttl,
                                                                           .extra_ttl = dns.extra_ttl});
}

}  // namespace drywall::whatif
