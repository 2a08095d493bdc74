#include "example_packet.h"

#include <algorithm>
#include <array>
#include <vector>

#include "drywall/classify/oracle.h"

namespace drywall::explain {

namespace {

constexpr std::size_t kMaxCandidates = 64;
constexpr std::uint16_t kClientPort = 49152;  // the first one that systems choose by themselves (RFC 6335)
// What is tried where a rule restricts nothing: documentation addresses (RFC 5737, RFC 3849), which nobody declares.
constexpr std::array kAnyone{"192.0.2.1", "198.51.100.1", "2001:db8::1"};
constexpr std::array<std::uint16_t, 6> kUsualPorts{80, 443, 8080, 1, 1024, 65535};

std::vector<net::Address> first_of(const std::vector<net::Prefix>& prefixes) {
    std::vector<net::Address> addresses;
    for (const net::Prefix& prefix : prefixes) {
        if (addresses.size() == kMaxCandidates) break;
        addresses.push_back(prefix.address);
    }
    return addresses;
}

bool fits(const classify::Program& program, const classify::AddressMatch& match, const net::Address& address) {
    const auto within = [&](classify::SetId id) { return classify::matches(program.sets[index(id)], address); };
    return std::all_of(match.in.begin(), match.in.end(), within) &&
           std::none_of(match.not_in.begin(), match.not_in.end(), within);
}

// Addresses that the match holds for: the party's own when there is one, else those that the rule names, else anyone's.
std::vector<net::Address> candidates(const classify::Program& program, const classify::AddressMatch& match,
                                     const classify::Party* party) {
    std::vector<net::Address> addresses;
    if (party != nullptr) {
        addresses = first_of(party->addresses);
    } else if (!match.in.empty()) {
        addresses = first_of(program.sets[index(match.in.front())].prefixes);
    } else {
        for (const char* text : kAnyone)
            if (const auto address = net::Address::parse(text)) addresses.push_back(*address);
        for (const classify::Party& each : program.parties)
            if (!each.addresses.empty() && addresses.size() < kMaxCandidates)
                addresses.push_back(each.addresses.front().address);
    }
    std::erase_if(addresses, [&](const net::Address& address) { return !fits(program, match, address); });
    return addresses;
}

std::uint16_t port_for(const std::vector<classify::PortRange>& any_of, const std::vector<classify::PortRange>& none_of,
                       std::uint16_t usual) {
    const auto excluded = [&](std::uint16_t port) {
        return std::any_of(none_of.begin(), none_of.end(), [port](const classify::PortRange& range) {
            return range.first <= port && port <= range.last;
        });
    };
    for (const classify::PortRange& range : any_of)
        for (const std::uint16_t port : {range.first, range.last})
            if (!excluded(port)) return port;
    if (!any_of.empty()) return any_of.front().first;
    if (!excluded(usual)) return usual;
    for (const std::uint16_t port : kUsualPorts)
        if (!excluded(port)) return port;
    for (const classify::PortRange& range : none_of)
        if (range.last != UINT16_MAX && !excluded(static_cast<std::uint16_t>(range.last + 1))) return range.last + 1;
    return usual;
}

std::uint8_t protocol_for(const classify::ServiceMatch& match, net::Family family) {
    if (match.protocol) return *match.protocol;
    if (match.icmp) return family == net::Family::kIPv4 ? net::protocol::kIcmp : net::protocol::kIcmpv6;
    return match.not_protocol == net::protocol::kTcp ? net::protocol::kUdp : net::protocol::kTcp;
}

void fill_service(const classify::ServiceMatch& match, std::optional<ServiceKey> service, net::Tuple& tuple) {
    tuple.protocol = service ? service->protocol : protocol_for(match, tuple.family);
    if (net::has_ports(tuple.protocol)) {
        tuple.source_port = port_for(match.source_ports, match.not_source_ports, kClientPort);
        tuple.destination_port =
            service ? service->port
                    : port_for(match.destination_ports, match.not_destination_ports, kUsualPorts.front());
    } else if (net::is_icmp(tuple.protocol)) {
        const std::uint8_t echo = tuple.protocol == net::protocol::kIcmp ? 8 : 128;
        const std::uint8_t type = match.icmp ? match.icmp->type : echo;
        const std::uint8_t code = match.icmp ? match.icmp->code.value_or(0) : 0;
        tuple.destination_port = static_cast<std::uint16_t>(type << 8 | code);
    }
}

}  // namespace

namespace {

// Calls `each` with one packet for each pair of ends that the rule has, until it says no.
template <typename Each>
void for_each_pair(const classify::Program& program, const RuleSite& site, std::optional<ServiceKey> service,
                   const Each& each) {
    const classify::Rule& rule = program.rules[index(site.rule)];
    const bool egress = site.direction == Direction::kEgress;
    const auto sources = candidates(program, rule.source, egress ? site.party : nullptr);
    const auto destinations = candidates(program, rule.destination, egress ? nullptr : site.party);
    for (const net::Address& source : sources) {
        for (const net::Address& destination : destinations) {
            if (source.family != destination.family || source == destination) continue;
            net::Tuple tuple{.source = source.bytes, .destination = destination.bytes, .family = source.family};
            tuple.ingress_port = site.lane;
            fill_service(rule.service, service, tuple);
            if (classify::matches(program, rule, tuple) && !each(tuple)) return;
        }
    }
}

}  // namespace

std::optional<net::Tuple> example_packet(const classify::Program& program, const RuleSite& site,
                                         std::optional<ServiceKey> service) {
    std::optional<net::Tuple> found;
    for_each_pair(program, site, service, [&found](const net::Tuple& tuple) {
        found = tuple;
        return false;
    });
    return found;
}

std::vector<net::Tuple> example_packets(const classify::Program& program, const RuleSite& site, std::size_t most) {
    std::vector<net::Tuple> found;
    for_each_pair(program, site, std::nullopt, [&](const net::Tuple& tuple) {
        if (found.size() < most) found.push_back(tuple);
        return found.size() < most;
    });
    const classify::Rule& rule = program.rules[index(site.rule)];
    const std::size_t pairs = found.size();
    for (std::uint16_t more = 1; pairs > 0 && more <= most && found.size() < most; ++more)
        for (std::size_t i = 0; i < pairs && found.size() < most; ++i) {
            net::Tuple tuple = found[i];
            if (!net::has_ports(tuple.protocol) || tuple.source_port > UINT16_MAX - more) continue;
            tuple.source_port = static_cast<std::uint16_t>(tuple.source_port + more);
            if (classify::matches(program, rule, tuple)) found.push_back(tuple);
        }
    return found;
}

}  // namespace drywall::explain
