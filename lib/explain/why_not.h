// Why not: the first condition of a rule, as its author wrote it, that a packet does not meet.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "drywall/net/packet_meta.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/resources.h"

namespace drywall::explain {

// One end of a packet, and what selectors see there.
struct End {
    struct Owner {
        std::string name;  // "the source", "workloadendpoint/prod/web", "globalnetworkset/office"
        policy::Labels labels;
        const std::vector<policy::NamedPort>* ports = nullptr;  // of endpoints
    };
    std::string word;  // "source", "destination"
    net::Address address;
    std::uint16_t port = 0;
    std::vector<Owner> owners;  // endpoints first, then the sets that hold the address
};

struct Packet {
    net::Tuple tuple;
    End source;
    End destination;
};

[[nodiscard]] Packet packet_of(const policy::CalicoView& view, const net::Tuple& tuple);

// "destination.ports: 443 is not in 8080", "source.selector: app == 'x'; the source has app=y". Empty when every
// condition is met. `policy` is the rule's own, for its scope; for the rules of a profile any
// global one.
[[nodiscard]] std::string why_not(const policy::Rule& rule, const policy::Policy& policy, const Packet& packet,
                                  const policy::CalicoView& view);

}  // namespace drywall::explain
