// Failsafe ports: what stays open on a protected host whatever policies say.
//
// Threads: pure functions.
// Source:  FelixConfiguration's failsafeInboundHostPorts and failsafeOutboundHostPorts, and Calico's defaults for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/net/packet_meta.h"
#include "drywall/policy/convert.h"

namespace drywall::reference {

// Of the hosts of one node: what `node.NAME` says, else what `default` says, else Calico's.
[[nodiscard]] std::vector<policy::FailsafePort> failsafe_ports(const policy::CalicoView& view, const std::string& node,
                                                               Direction direction);

// The number of the first entry that the packet of this direction matches. `ports` are those of the direction.
[[nodiscard]] std::optional<int> match_failsafe(const std::vector<policy::FailsafePort>& ports,
                                                const net::Tuple& packet, Direction direction);

// The packet looks like an answer to one that a failsafe port of the other direction let pass: by its source port.
// `ports` are those of the other direction.
[[nodiscard]] bool answers_failsafe(const std::vector<policy::FailsafePort>& ports, const net::Tuple& packet,
                                    Direction direction);

// "tcp/22"
[[nodiscard]] std::string service_text(std::uint8_t protocol, std::uint16_t port);

}  // namespace drywall::reference
