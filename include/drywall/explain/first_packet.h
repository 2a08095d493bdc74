// The packet that opens a connection of which only the names of its ends are known: what policy is asked about.
//
// Threads: a pure function.
#pragma once

#include <cstdint>

#include "drywall/base/ids.h"
#include "drywall/net/address.h"
#include "drywall/net/packet_meta.h"

namespace drywall::explain {

struct Ports {
    std::uint16_t source = 0;       // 0: not known, then it is kEphemeralPort where the protocol has ports
    std::uint16_t destination = 0;  // ICMP: type << 8 | code
};

[[nodiscard]] net::Tuple first_packet(const net::Address& source, const net::Address& destination,
                                      std::uint8_t protocol, Ports ports, PortId ingress = {}) noexcept;

}  // namespace drywall::explain
