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

Cluster& Cluster::remove(policy::Kind kind, const std::string& name) {
    inventory_.erase({.kind = kind, .ns = {}, .name = name});
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

Cluster& Cluster::set(const std::string& name, const std::vector<std::string>& nets, policy::Labels labels) {
    policy::NetworkSet set;
    set.metadata.name = name;
    set.metadata.labels = std::move(labels);
    for (const std::string& net : nets) set.nets.push_back(prefix(net));
    return add(policy::Resource(set));
}

Result<std::shared_ptr<const ruleset::Ruleset>> Cluster::try_build() const {
    if (const Status status = policy::check(inventory_); !status) return status.error();
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
