#include "rule_match.h"

#include <algorithm>
#include <cassert>

#include "drywall/policy/convert.h"
#include "layer7.h"

namespace drywall::reference {
namespace {

// One side of a packet.
struct Side {
    net::Address address;
    std::uint16_t port = 0;
};

ReadSide read_side(const policy::EntityRule& side, const policy::Policy& policy) {
    ReadSide read;
    read.side = &side;
    const policy::EntityScope scope = policy::effective_scope(side, policy);
    if (scope.in) read.in = parse_selector(*scope.in);
    if (scope.not_in) read.not_in = parse_selector(*scope.not_in);
    if (side.services) {
        const std::string& ns = side.services->ns.empty() ? policy.metadata.ns : side.services->ns;
        read.service = {ns, side.services->name};
    }
    return read;
}

bool in_any(const std::vector<net::Prefix>& nets, const net::Address& address) {
    return std::any_of(nets.begin(), nets.end(), [&](const net::Prefix& net) { return net.contains(address); });
}

bool has_family(const std::vector<net::Prefix>& nets, net::Family family) {
    return std::any_of(nets.begin(), nets.end(), [&](const net::Prefix& net) { return net.address.family == family; });
}

// A rule is rendered once per family. Where all CIDRs of a field are of the other family, it is absent from this one.
bool exists_for(const policy::Rule& rule, net::Family family) {
    if (rule.ip_version && *rule.ip_version != family) return false;
    if (rule.protocol == net::protocol::kIcmp && family != net::Family::kIPv4) return false;
    if (rule.protocol == net::protocol::kIcmpv6 && family != net::Family::kIPv6) return false;
    for (const policy::EntityRule* side : {&rule.source, &rule.destination})
        for (const auto* nets : {&side->nets, &side->not_nets})
            if (!nets->empty() && !has_family(*nets, family)) return false;
    return true;
}

bool is_icmp_of(const policy::Icmp& icmp, const net::Tuple& packet) {
    if (!net::is_icmp(packet.protocol)) return false;
    const int type = packet.destination_port >> 8;
    const int code = packet.destination_port & 0xff;
    return icmp.type == type && (!icmp.code || *icmp.code == code);
}

bool protocol_matches(const policy::Rule& rule, const net::Tuple& packet) {
    if (rule.protocol && *rule.protocol != packet.protocol) return false;
    if (rule.not_protocol && *rule.not_protocol == packet.protocol) return false;
    if (rule.icmp && !is_icmp_of(*rule.icmp, packet)) return false;
    if (rule.not_icmp && is_icmp_of(*rule.not_icmp, packet)) return false;
    return true;
}

// What is known by a name that selected sets allow belongs to them, too (`has_allowed_name`).
bool address_matches(const ReadSide& read, const Side& side, bool has_allowed_name, const Landscape& landscape) {
    if (!read.side->nets.empty() && !in_any(read.side->nets, side.address)) return false;
    if (in_any(read.side->not_nets, side.address)) return false;
    if (read.in && !landscape.belongs(side.address, *read.in) && !has_allowed_name) return false;
    if (read.not_in && landscape.belongs(side.address, *read.not_in)) return false;
    return true;
}

// Numbers and names in one list are alternatives. A name stands for what the endpoints that the side's selector
// matches declare; protocols without ports are in no list.
bool in_port_list(const std::vector<policy::PortRange>& numbers, const std::vector<std::string>& names,
                  const ReadSide& read, const Side& side, const net::Tuple& packet, const Landscape& landscape) {
    if (!net::has_ports(packet.protocol)) return false;
    for (const policy::PortRange& range : numbers)
        if (range.first <= side.port && side.port <= range.last) return true;
    const policy::Selector of = read.in ? *read.in : policy::Selector::all();
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return landscape.declares(side.address, name, packet.protocol, side.port, of);
    });
}

bool ports_match(const ReadSide& read, const Side& side, const net::Tuple& packet, const Landscape& landscape) {
    const policy::EntityRule& rule = *read.side;
    const bool restricted = !rule.ports.empty() || !rule.named_ports.empty();
    if (restricted && !in_port_list(rule.ports, rule.named_ports, read, side, packet, landscape)) return false;
    return !in_port_list(rule.not_ports, rule.not_named_ports, read, side, packet, landscape);
}

// allowedEgressDomains have a meaning in egress rules that Allow, and nowhere else.
bool allowed_by_sets(const ReadRule& rule, const ConnectionFacts& facts, const Landscape& landscape,
                     const policy::DomainConditions& conditions) {
    if (rule.direction != Direction::kEgress || rule.rule->action != Action::kAllow || !rule.destination.in)
        return false;
    const std::vector<std::string> domains = landscape.allowed_domains(*rule.destination.in);
    return !domains.empty() && domains_hold(domains, facts, conditions);
}

bool conditions_hold(const policy::Rule& rule, const net::Tuple& packet, const ConnectionFacts& facts,
                     const policy::DomainConditions& conditions) {
    if (rule.http && (packet.protocol != net::protocol::kTcp || !http_holds(*rule.http, facts))) return false;
    const std::vector<std::string>& domains = rule.destination.domains;
    return domains.empty() || domains_hold(domains, facts, conditions);
}

}  // namespace

policy::Selector parse_selector(const std::string& text) {
    auto parsed = policy::Selector::parse(text);
    assert(parsed);
    return *std::move(parsed);
}

std::vector<ReadRule> read_rules(const std::vector<policy::Rule>& rules, const policy::Policy& policy,
                                 Direction direction) {
    std::vector<ReadRule> read;
    for (const policy::Rule& rule : rules)
        read.push_back({.rule = &rule,
                        .source = read_side(rule.source, policy),
                        .destination = read_side(rule.destination, policy),
                        .direction = direction});
    return read;
}

bool matches(const ReadRule& rule, const net::Tuple& packet, const ConnectionFacts& facts, const Landscape& landscape,
             const policy::DomainConditions& conditions) {
    const Side source{{packet.family, packet.source}, packet.source_port};
    const Side destination{{packet.family, packet.destination}, packet.destination_port};
    if (!exists_for(*rule.rule, packet.family)) return false;
    if (!protocol_matches(*rule.rule, packet)) return false;
    if (!address_matches(rule.source, source, false, landscape)) return false;
    const bool allowed = allowed_by_sets(rule, facts, landscape, conditions);
    if (!address_matches(rule.destination, destination, allowed, landscape)) return false;
    if (!ports_match(rule.source, source, packet, landscape)) return false;
    if (!ports_match(rule.destination, destination, packet, landscape)) return false;
    if (!conditions_hold(*rule.rule, packet, facts, conditions)) return false;
    // A service as source is its backends' addresses; as destination it is their addresses with their ports.
    if (rule.source.service && !landscape.backs(*rule.source.service, source.address)) return false;
    return !rule.destination.service ||
           landscape.serves(*rule.destination.service, destination.address, packet.protocol, destination.port);
}

}  // namespace drywall::reference
