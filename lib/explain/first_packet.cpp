#include "drywall/explain/first_packet.h"

#include "drywall/explain/trace.h"

namespace drywall::explain {

net::Tuple first_packet(const net::Address& source, const net::Address& destination, std::uint8_t protocol, Ports ports,
                        PortId ingress) noexcept {
    net::Tuple tuple;
    tuple.source = source.bytes;
    tuple.destination = destination.bytes;
    tuple.family = source.family;
    tuple.protocol = protocol;
    if (net::has_ports(protocol)) tuple.source_port = ports.source != 0 ? ports.source : kEphemeralPort;
    tuple.destination_port = ports.destination;
    tuple.ingress_port = static_cast<std::uint16_t>(index(ingress));
    return tuple;
}

}  // namespace drywall::explain
