#include "drywall/control/trace.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace drywall::control {

namespace {

using ruleset::EndpointInfo;
using ruleset::HitDescriptor;
using ruleset::HitKind;
using ruleset::Ruleset;

struct Side {
    std::string name;  // of the endpoint; empty when the address belongs to none
    std::vector<net::Address> addresses;
};

bool is_called(const EndpointInfo& endpoint, std::string_view name) {
    if (endpoint.id.name == name || endpoint.id.text() == name) return true;
    return !endpoint.id.ns.empty() && endpoint.id.ns + '/' + endpoint.id.name == name;
}

Result<Side> endpoint_called(const Ruleset& ruleset, const std::string& name) {
    std::vector<const EndpointInfo*> found;
    for (const EndpointInfo& endpoint : ruleset.endpoints())
        if (is_called(endpoint, name)) found.push_back(&endpoint);
    if (found.empty())
        return Error::of(ErrorKind::kNotFound, "'" + name + "' is neither an address nor a declared endpoint",
                         "`drywall get wep` and `drywall get hep` list the endpoints");
    if (found.size() > 1) {
        std::string names;
        for (const EndpointInfo* endpoint : found) names += (names.empty() ? "" : ", ") + endpoint->id.text();
        return Error::of(ErrorKind::kInvalid, "several endpoints are called '" + name + "'", "name one of: " + names);
    }
    if (found.front()->addresses.empty())
        return Error::of(ErrorKind::kInvalid, found.front()->id.text() + " has no address",
                         "it is a port of the appliance, not an endpoint behind it: name an address");
    return Side{found.front()->id.text(), found.front()->addresses};
}

Result<Side> side_of(const Ruleset& ruleset, const std::string& text) {
    const std::optional<net::Address> address = net::Address::parse(text);
    if (!address) return endpoint_called(ruleset, text);
    const EndpointInfo* endpoint = ruleset.endpoint_of(*address);
    return Side{endpoint == nullptr ? std::string() : endpoint->id.text(), {*address}};
}

// The first addresses of the two that can talk to each other.
Result<std::pair<net::Address, net::Address>> common_family(const Side& source, const Side& destination) {
    for (const net::Address& from : source.addresses)
        for (const net::Address& to : destination.addresses)
            if (from.family == to.family) return std::pair(from, to);
    return Error::of(ErrorKind::kInvalid, "source and destination have no address family in common",
                     "give two IPv4 addresses or two IPv6 addresses");
}

Result<std::vector<std::size_t>> lanes_of(const Ruleset& ruleset, const std::string& port) {
    const std::vector<std::string>& names = ruleset.surroundings().port_names;
    std::vector<std::size_t> lanes;
    std::string known;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (port.empty() || names[i] == port) lanes.push_back(i);
        known += (known.empty() ? "" : ", ") + names[i];
    }
    if (lanes.empty())
        return Error::of(ErrorKind::kNotFound, "the appliance has no port '" + port + "'", "its ports are: " + known);
    return lanes;
}

std::string step_of(const HitDescriptor& hit) {
    if (hit.kind == HitKind::kFailsafe) return "failsafe list";
    if (hit.kind == HitKind::kUnmatched) return "unmatched traffic";
    const bool ingress = hit.direction == Direction::kIngress;
    if (hit.forward) return ingress ? "ingress port" : "egress port";
    return ingress ? "ingress of the destination" : "egress of the source";
}

std::vector<TraceHit> hits_of(const Ruleset& ruleset, const std::vector<HitId>& ids) {
    std::vector<TraceHit> out;
    for (const HitId id : ids) {
        const HitDescriptor& hit = ruleset.hit(id);
        TraceHit shown{.step = step_of(hit),
                       .text = std::to_string(out.size()) + '|' + hit.text(),
                       .kind = std::string(ruleset::name(hit.kind)),
                       .action = std::string(name(hit.action)),
                       .staged = hit.policy && hit.policy->staged,
                       .armed_by = {}};
        for (const ruleset::PolicyRef& policy : hit.armed_by) shown.armed_by.push_back(policy.text());
        out.push_back(std::move(shown));
    }
    return out;
}

TraceDecision decision_of(const Ruleset& ruleset, TraceId id) {
    const classify::Trace& trace = ruleset.trace(id);
    TraceDecision out;
    out.enforced = trace.enforced;
    out.pending = trace.pending;
    out.reason = ruleset.verdict(id).reason;
    out.unmatched = trace.unmatched;
    out.enforced_hits = hits_of(ruleset, trace.enforced_hits);
    out.pending_hits = hits_of(ruleset, trace.pending_hits);
    for (const ruleset::PolicyRef& policy : ruleset.responsible(id)) out.responsible.push_back(policy.text());
    return out;
}

Result<net::Tuple> tuple_of(const TraceQuery& query, const net::Address& from, const net::Address& to) {
    net::Tuple tuple;
    tuple.source = from.bytes;
    tuple.destination = to.bytes;
    tuple.family = from.family;
    tuple.protocol = query.protocol;
    if (tuple.protocol == net::protocol::kIcmp && tuple.family == net::Family::kIPv6)
        tuple.protocol = net::protocol::kIcmpv6;
    if (tuple.protocol == net::protocol::kIcmpv6 && tuple.family == net::Family::kIPv4)
        return Error::of(ErrorKind::kInvalid, "ICMPv6 travels over IPv6 only", "ask for icmp");
    if (net::has_ports(tuple.protocol)) {
        if (query.destination_port == 0)
            return Error::of(ErrorKind::kInvalid, "a destination port is needed for this protocol",
                             "write it after the destination: 10.1.0.9:443, [2001:db8::1]:443");
        tuple.source_port = query.source_port;
        tuple.destination_port = query.destination_port;
    }
    if (net::is_icmp(tuple.protocol)) tuple.destination_port = query.destination_port;
    return tuple;
}

}  // namespace

Result<TraceAnswer> explain(const Ruleset& ruleset, const TraceQuery& query) {
    const Result<Side> source = side_of(ruleset, query.source);
    if (!source) return source.error();
    const Result<Side> destination = side_of(ruleset, query.destination);
    if (!destination) return destination.error();
    const auto pair = common_family(*source, *destination);
    if (!pair) return pair.error();
    const Result<std::vector<std::size_t>> lanes = lanes_of(ruleset, query.ingress_port);
    if (!lanes) return lanes.error();
    Result<net::Tuple> tuple = tuple_of(query, pair->first, pair->second);
    if (!tuple) return tuple.error();

    TraceAnswer answer{ruleset.generation(), *tuple, source->name, destination->name, {}};
    std::vector<TraceId> seen;
    for (const std::size_t lane : *lanes) {
        tuple->ingress_port = static_cast<std::uint16_t>(lane);
        const TraceId id = ruleset.classify(*tuple);
        const auto same = std::find_if(seen.begin(), seen.end(),
                                       [&](TraceId other) { return ruleset.trace(other) == ruleset.trace(id); });
        const auto place = static_cast<std::size_t>(same - seen.begin());
        if (same == seen.end()) {
            seen.push_back(id);
            answer.decisions.push_back(decision_of(ruleset, id));
        }
        answer.decisions[place].ingress_ports.push_back(ruleset.surroundings().port_names[lane]);
    }
    return answer;
}

}  // namespace drywall::control
