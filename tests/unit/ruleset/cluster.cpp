#include "cluster.h"

#include <cstdio>
#include <cstdlib>

namespace drywall::test {

namespace {

net::Prefix prefix(std::string_view text) {
    const auto parsed = net::Prefix::parse_loose(text);
    if (!parsed) {
        std::fprintf(stderr, "'%.*s' is no prefix\n", static_cast<int>(text.size()), text.data());
        std::abort();
    }
    return *parsed;
}

}  // namespace

RuleWords& RuleWords::icmp(std::uint8_t type, std::optional<std::uint8_t> code) {
    rule_.icmp = policy::Icmp{.type = type, .code = code};
    return *this;
}

RuleWords& RuleWords::not_icmp(std::uint8_t type, std::optional<std::uint8_t> code) {
    rule_.not_icmp = policy::Icmp{.type = type, .code = code};
    return *this;
}

RuleWords& RuleWords::from_net(std::string_view cidr) { return rule_.source.nets.push_back(prefix(cidr)), *this; }
RuleWords& RuleWords::not_from_net(std::string_view cidr) {
    return rule_.source.not_nets.push_back(prefix(cidr)), *this;
}
RuleWords& RuleWords::to_net(std::string_view cidr) { return rule_.destination.nets.push_back(prefix(cidr)), *this; }

policy::KubernetesNetworkPolicy knp(std::string ns, std::string name, std::optional<std::uint16_t> open_tcp_port) {
    policy::KubernetesNetworkPolicy policy;
    policy.metadata.name = std::move(name);
    policy.metadata.ns = std::move(ns);
    if (open_tcp_port) policy.ingress.emplace_back().ports.emplace_back().port = open_tcp_port;
    return policy;
}

policy::KubernetesNetworkPolicy sknp(std::string ns, std::string name, std::optional<std::uint16_t> open_tcp_port,
                                     policy::StagedAction action) {
    policy::KubernetesNetworkPolicy policy = knp(std::move(ns), std::move(name), open_tcp_port);
    policy.staged_action = action;
    return policy;
}

Texts texts(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits) {
    Texts texts;
    for (const HitId hit : hits) texts.push_back(ruleset.hit(hit).text());
    return texts;
}

Judged judge(const ruleset::Ruleset& ruleset, const Packet& packet) {
    const TraceId id = ruleset.classify(packet.tuple());
    const ruleset::TraceVerdict& verdict = ruleset.verdict(id);
    Judged judged{.enforced = verdict.enforced,
                  .pending = verdict.pending,
                  .reason = verdict.reason,
                  .untracked = verdict.untracked,
                  .enforced_hits = texts(ruleset, ruleset.trace(id).enforced_hits),
                  .pending_hits = texts(ruleset, ruleset.trace(id).pending_hits),
                  .responsible = {}};
    for (const ruleset::PolicyRef& policy : ruleset.responsible(id)) judged.responsible.push_back(policy.text());
    return judged;
}

Cluster::Cluster() : inventory_(policy::initial_inventory()) {
    surroundings_.port_names = {"left", "right"};
    surroundings_.peer_of = {PortId{1}, PortId{0}};
}

Cluster& Cluster::add(policy::Resource resource) {
    const policy::ResourceId id = policy::id_of(resource);
    inventory_[id] = std::make_shared<const policy::Resource>(std::move(resource));
    return *this;
}

Cluster& Cluster::remove(policy::Kind kind, const std::string& name, const std::string& ns) {
    inventory_.erase({.kind = kind, .ns = ns, .name = name});
    return *this;
}

Cluster& Cluster::tier(const std::string& name, double order, Action end) {
    policy::Tier tier;
    tier.metadata.name = name;
    tier.order = order;
    tier.default_action = end;
    return add(policy::Resource(tier));
}

Cluster& Cluster::workload(const std::string& name, std::string_view text, policy::Labels labels,
                           std::vector<std::string> profiles) {
    policy::WorkloadEndpoint endpoint;
    endpoint.metadata.name = name;
    endpoint.metadata.ns = "prod";
    endpoint.metadata.labels = std::move(labels);
    endpoint.ip_networks = {address(text)};
    endpoint.profiles = std::move(profiles);
    return add(policy::Resource(endpoint));
}

Cluster& Cluster::host(const std::string& name, std::string_view text, policy::Labels labels,
                       std::vector<std::string> profiles) {
    policy::HostEndpoint endpoint;
    endpoint.metadata.name = name;
    endpoint.metadata.labels = std::move(labels);
    endpoint.node = name;
    endpoint.expected_ips = {address(text)};
    endpoint.profiles = std::move(profiles);
    return add(policy::Resource(endpoint));
}

Cluster& Cluster::port(const std::string& name, const std::string& port, policy::Labels labels) {
    policy::HostEndpoint endpoint;
    endpoint.metadata.name = name;
    endpoint.metadata.labels = std::move(labels);
    endpoint.node = "appliance";
    endpoint.interface_name = port;
    return add(policy::Resource(endpoint));
}

Cluster& Cluster::set(const std::string& name, const std::vector<std::string>& nets, policy::Labels labels,
                      std::vector<std::string> allowed_egress_domains) {
    policy::NetworkSet set;
    set.metadata.name = name;
    set.metadata.labels = std::move(labels);
    for (const std::string& net : nets) set.nets.push_back(prefix(net));
    set.allowed_egress_domains = std::move(allowed_egress_domains);
    return add(policy::Resource(set));
}

Cluster& Cluster::pod(const std::string& ns, const std::string& name, std::string_view text, policy::Labels labels,
                      std::vector<policy::NamedPort> ports, const std::string& account) {
    policy::Pod pod;
    pod.metadata.name = name;
    pod.metadata.ns = ns;
    pod.metadata.labels = std::move(labels);
    pod.service_account = account;
    pod.addresses = {address(text)};
    pod.ports = std::move(ports);
    return add(policy::Resource(pod));
}

Cluster& Cluster::ns(const std::string& name, policy::Labels labels) {
    policy::Namespace space;
    space.metadata.name = name;
    space.metadata.labels = std::move(labels);
    return add(policy::Resource(space));
}

Cluster& Cluster::profile(const std::string& name, std::vector<policy::Rule> ingress, std::vector<policy::Rule> egress,
                          policy::Labels labels_to_apply) {
    policy::Profile profile;
    profile.metadata.name = name;
    profile.ingress = std::move(ingress);
    profile.egress = std::move(egress);
    profile.labels_to_apply = std::move(labels_to_apply);
    return add(policy::Resource(profile));
}

Cluster& Cluster::felix(const std::string& name, std::optional<std::vector<policy::FailsafePort>> inbound,
                        std::optional<std::vector<policy::FailsafePort>> outbound) {
    policy::FelixConfiguration felix;
    felix.metadata.name = name;
    felix.failsafe_inbound = std::move(inbound);
    felix.failsafe_outbound = std::move(outbound);
    return add(policy::Resource(felix));
}

Cluster& Cluster::slice(const std::string& ns, const std::string& service, const std::vector<std::string>& addresses,
                        std::vector<policy::NamedPort> ports) {
    policy::EndpointSlice slice;
    slice.metadata.name = service + "-slice";
    slice.metadata.ns = ns;
    slice.metadata.labels["kubernetes.io/service-name"] = service;
    slice.address_type = "IPv4";
    for (const std::string& text : addresses) slice.addresses.push_back(address(text));
    slice.ports = std::move(ports);
    return add(policy::Resource(slice));
}

Result<std::shared_ptr<const ruleset::Ruleset>> Cluster::try_build() const {
    return ruleset::Ruleset::build(Generation{1}, inventory_, surroundings_);
}

std::shared_ptr<const ruleset::Ruleset> Cluster::build() const {
    auto built = try_build();
    if (!built) {
        std::fprintf(stderr, "the ruleset can't be built:\n%s\n", built.error().text().c_str());
        std::abort();
    }
    return *built;
}

}  // namespace drywall::test
