#include "conditions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "drywall/net/packet_meta.h"

namespace drywall::ruleset {

namespace {

using Ranges = std::vector<classify::PortRange>;

constexpr std::array kProtocolsWithPorts{net::protocol::kTcp, net::protocol::kUdp, net::protocol::kSctp};

Ranges lower(const std::vector<policy::PortRange>& ports) {
    Ranges lowered;
    lowered.reserve(ports.size());
    for (const policy::PortRange& range : ports) lowered.push_back({range.first, range.last});
    return lowered;
}

Ranges intersection(const Ranges& a, const Ranges& b) {
    Ranges both;
    for (const classify::PortRange& x : a)
        for (const classify::PortRange& y : b)
            if (std::max(x.first, y.first) <= std::min(x.last, y.last))
                both.push_back({std::max(x.first, y.first), std::min(x.last, y.last)});
    return both;
}

bool limit(std::optional<std::uint8_t>& protocol, const std::optional<std::uint8_t>& to) {
    if (!to) return true;
    if (protocol && *protocol != *to) return false;
    protocol = to;
    return true;
}

// Two positive lists: a port must be in both. An empty one restricts nothing.
bool restrict_ports(Ranges& ports, const Ranges& to) {
    if (to.empty()) return true;
    ports = ports.empty() ? to : intersection(ports, to);
    return !ports.empty();
}

// What of one protocol is none of the named ports: every other port, and the named ones at other addresses.
void append_none_of(std::uint8_t protocol, const std::vector<PortGroup>& named, const Ranges& not_ports,
                    std::vector<Condition>& out) {
    Condition others{.protocol = protocol, .ports = {}, .not_ports = not_ports, .in = {}, .not_in = {}};
    for (const PortGroup& group : named)
        if (group.protocol == protocol)
            others.not_ports.insert(others.not_ports.end(), group.ports.begin(), group.ports.end());
    out.push_back(std::move(others));
    for (const PortGroup& group : named) {
        if (group.protocol != protocol) continue;
        out.push_back(
            {.protocol = protocol, .ports = group.ports, .not_ports = not_ports, .in = {}, .not_in = group.addresses});
    }
}

}  // namespace

std::vector<Condition> answering(const std::vector<PortGroup>& backends, const ProtocolLimits& limits) {
    std::vector<Condition> conditions;
    for (const PortGroup& group : backends)
        if (limits.admit(group.protocol))
            conditions.push_back({.protocol = group.protocol,
                                  .ports = group.ports,
                                  .not_ports = {},
                                  .in = group.addresses,
                                  .not_in = {}});
    return conditions;
}

std::vector<Condition> any_of(const policy::EntityRule& entity, const std::vector<PortGroup>& named,
                              const ProtocolLimits& limits) {
    if (entity.ports.empty() && entity.named_ports.empty()) return {Condition{}};
    std::vector<Condition> conditions = answering(named, limits);
    if (!entity.ports.empty())
        conditions.push_back({.protocol = {}, .ports = lower(entity.ports), .not_ports = {}, .in = {}, .not_in = {}});
    return conditions;
}

std::vector<Condition> none_of(const policy::EntityRule& entity, const std::vector<PortGroup>& named,
                               const ProtocolLimits& limits) {
    const Ranges not_ports = lower(entity.not_ports);
    const bool concerned = std::any_of(named.begin(), named.end(),
                                       [&limits](const PortGroup& group) { return limits.admit(group.protocol); });
    if (!concerned) return {Condition{.protocol = {}, .ports = {}, .not_ports = not_ports, .in = {}, .not_in = {}}};
    std::vector<Condition> conditions;
    for (const std::uint8_t protocol : kProtocolsWithPorts)
        if (limits.admit(protocol)) append_none_of(protocol, named, not_ports, conditions);
    // Protocols without ports: a negative list holds for them, one of all ports holds for nothing else.
    if (!limits.protocol)
        conditions.push_back({.protocol = {}, .ports = {}, .not_ports = {{0, 0xffff}}, .in = {}, .not_in = {}});
    return conditions;
}

bool join(const Condition& condition, Side side, classify::Rule& rule) {
    classify::ServiceMatch& service = rule.service;
    if (!limit(service.protocol, condition.protocol)) return false;
    if (service.protocol && service.not_protocol && *service.protocol == *service.not_protocol) return false;
    const bool source = side == Side::kSource;
    if (!restrict_ports(source ? service.source_ports : service.destination_ports, condition.ports)) return false;
    Ranges& not_ports = source ? service.not_source_ports : service.not_destination_ports;
    not_ports.insert(not_ports.end(), condition.not_ports.begin(), condition.not_ports.end());
    classify::AddressMatch& address = source ? rule.source : rule.destination;
    if (condition.in) address.in.push_back(*condition.in);
    if (condition.not_in) address.not_in.push_back(*condition.not_in);
    return true;
}

}  // namespace drywall::ruleset
