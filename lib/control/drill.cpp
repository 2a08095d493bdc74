#include "drywall/control/drill.h"

#include <algorithm>
#include <optional>

#include "drywall/explain/first_packet.h"
#include "drywall/explain/protocols.h"

namespace drywall::control {

namespace {

using ruleset::Ruleset;

bool passes(const Ruleset& ruleset, const net::Tuple& tuple) {
    return ruleset.verdict(ruleset.classify(tuple)).enforced == Verdict::kAllow;
}

// Every port by which packets enter, with the rest of the tuple as given.
template <typename Test>
bool at_every_port(const Ruleset& ruleset, net::Tuple tuple, Test test) {
    const auto& peers = ruleset.surroundings().peer_of;
    for (std::size_t port = 0; port < peers.size(); ++port) {
        tuple.ingress_port = static_cast<std::uint16_t>(port);
        if (peers[port] && !test(tuple)) return false;
    }
    return true;
}

// A source for a packet to `to`: of the entry's own, else some address of the family.
std::optional<net::Address> source_for(const policy::Surroundings::Failsafe& entry, const net::Prefix& to) {
    for (const net::Prefix& from : entry.from)
        if (from.address.family == to.address.family) return from.address;
    if (!entry.from.empty()) return std::nullopt;
    net::Address any;
    any.family = to.address.family;
    any.bytes[0] = 1;
    return any;
}

std::vector<DrilledFailsafe> failsafes_of(const Ruleset& candidate) {
    std::vector<DrilledFailsafe> out;
    for (const policy::Surroundings::Failsafe& entry : candidate.surroundings().failsafe) {
        const std::string service = explain::protocol_name(entry.protocol) + '/' + std::to_string(entry.port);
        for (const net::Prefix& to : entry.to) {
            const std::optional<net::Address> source = source_for(entry, to);
            if (!source) continue;
            const net::Tuple tuple = explain::first_packet(*source, to.address, entry.protocol, {0, entry.port});
            out.push_back({service, to.text(),
                           at_every_port(candidate, tuple, [&](const auto& at) { return passes(candidate, at); })});
        }
    }
    return out;
}

}  // namespace

loader::Source deny_everything() {
    return {"drill.yaml", R"(apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: drywall-drill}
spec: {order: -1000000000}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: drywall-drill.deny-everything}
spec:
  tier: drywall-drill
  selector: all()
  applyOnForward: true
  types: [Ingress, Egress]
  ingress: [{action: Deny}]
  egress: [{action: Deny}]
)"};
}

Drill drilled(const Ruleset& current, const Ruleset& candidate, std::span<const observe::FlowGroup> seen,
              std::span<const ManagementService> management) {
    Drill drill;
    drill.current = current.generation();
    drill.enforced_changed = current.enforced_image() != candidate.enforced_image();
    drill.lockouts = find_lockouts(current, candidate, seen, management);
    drill.failsafes = failsafes_of(candidate);
    return drill;
}

}  // namespace drywall::control
