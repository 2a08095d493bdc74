// Landscape: who is there: endpoints, network sets and services, with their labels and addresses. Every question is
// answered by asking everyone in turn.
//
// Threads: immutable once built.
// Life:    pointers reach into the CalicoView that it was made from.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "drywall/net/address.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/selector.h"

namespace drywall::reference {

// A workload, a protected host, or the HostEndpoint of one of the appliance's own ports (which has no addresses).
struct Endpoint {
    bool host = false;  // a HostEndpoint
    std::string name;
    std::string node;
    std::string interface_name;
    policy::Labels labels;  // as selectors see them
    std::vector<net::Address> addresses;
    std::vector<policy::NamedPort> ports;
    std::vector<std::string> profiles;
};

class Landscape {
public:
    explicit Landscape(const policy::CalicoView& view);

    // The endpoint whose address this is; nullptr where nobody declared one.
    [[nodiscard]] const Endpoint* at(const net::Address& address) const;

    // The HostEndpoint of an own port: the one that names the port, else one for "*"; the lowest name where there are
    // several. nullptr: none.
    [[nodiscard]] const Endpoint* of_port(const std::string& port_name) const;

    // Some endpoint or network set to which the address belongs matches.
    [[nodiscard]] bool belongs(const net::Address& address, const policy::Selector& selector) const;

    // What the network sets that match have for allowedEgressDomains.
    [[nodiscard]] std::vector<std::string> allowed_domains(const policy::Selector& selector) const;

    // Some endpoint that has the address, and matches, declares a port of this name with this protocol and number.
    [[nodiscard]] bool declares(const net::Address& address, const std::string& port_name, std::uint8_t protocol,
                                std::uint16_t port, const policy::Selector& selector) const;

    // Some backend of the service has the address; and, for serves(), answers on this protocol and port. A protocol
    // without ports is never served: backends of no known port can't be a destination.
    [[nodiscard]] bool backs(const std::pair<std::string, std::string>& service, const net::Address& address) const;
    [[nodiscard]] bool serves(const std::pair<std::string, std::string>& service, const net::Address& address,
                              std::uint8_t protocol, std::uint16_t port) const;

private:
    struct Set {
        policy::Labels labels;
        std::vector<net::Prefix> nets;
        std::vector<std::string> domains;
    };

    std::vector<Endpoint> endpoints_;  // sorted by name
    std::vector<Set> sets_;
    const policy::CalicoView& view_;
};

}  // namespace drywall::reference
