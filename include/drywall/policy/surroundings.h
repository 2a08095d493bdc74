// Surroundings: what is around the resources: the parts of the appliance's configuration that take part in verdicts.
//
// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/verdict.h"
#include "drywall/net/address.h"

namespace drywall::policy {

// What shows that a connection goes to a name that a rule allows: that DNS gave the name this address, or what the
// client says in TLS, or both where there is TLS.
enum class DomainEvidence : std::uint8_t { kAddress, kAddressAndSni, kAddressOrSni };

struct DomainConditions {
    DomainEvidence evidence = DomainEvidence::kAddressAndSni;
    // What becomes of the condition where the client's name can't be told: kDeny, it does not hold; kAllow, it does.
    Verdict missing_sni = Verdict::kDeny;
    Verdict ech = Verdict::kDeny;
    bool learned = true;  // some resolver's answers are; false: no address is known by any name
    bool operator==(const DomainConditions&) const = default;
};

struct Surroundings {
    std::vector<std::string> port_names;         // by PortId; at least one
    std::vector<std::optional<PortId>> peer_of;  // by PortId: where its packets leave
    Verdict unmatched = Verdict::kAllow;
    bool pending_as_calico = false;
    struct Failsafe {
        std::uint8_t protocol = 6;
        std::uint16_t port = 0;
        std::vector<net::Prefix> to;
        std::vector<net::Prefix> from;
    };
    std::vector<Failsafe> failsafe;
    DomainConditions domains;
};

}  // namespace drywall::policy
