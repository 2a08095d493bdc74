#include "failsafe.h"

namespace drywall::reference {
namespace {

using net::protocol::kTcp;
using net::protocol::kUdp;
using policy::FailsafePort;

std::vector<FailsafePort> calico_defaults(Direction direction) {
    if (direction == Direction::kIngress)
        return {{kTcp, 22, {}},   {kUdp, 68, {}},   {kTcp, 179, {}},  {kTcp, 2379, {}}, {kTcp, 2380, {}},
                {kTcp, 5473, {}}, {kTcp, 6443, {}}, {kTcp, 6666, {}}, {kTcp, 6667, {}}};
    return {{kUdp, 53, {}},   {kUdp, 67, {}},   {kTcp, 179, {}},  {kTcp, 2379, {}}, {kTcp, 2380, {}},
            {kTcp, 5473, {}}, {kTcp, 6443, {}}, {kTcp, 6666, {}}, {kTcp, 6667, {}}};
}

// A failsafe port's net is about the other side, not the host: who sends to it, or whom it sends to.
bool other_side_is_in(const std::optional<net::Prefix>& net, const net::Tuple& packet, Direction direction) {
    const net::Address other{packet.family, direction == Direction::kIngress ? packet.source : packet.destination};
    return !net || net->contains(other);
}

std::optional<std::vector<FailsafePort>> configured(const policy::CalicoView& view, const std::string& name,
                                                    Direction direction) {
    for (const auto& item : view.felix) {
        if (item.value->metadata.name != name) continue;
        return direction == Direction::kIngress ? item.value->failsafe_inbound : item.value->failsafe_outbound;
    }
    return std::nullopt;
}

}  // namespace

std::vector<FailsafePort> failsafe_ports(const policy::CalicoView& view, const std::string& node, Direction direction) {
    if (auto ports = configured(view, "node." + node, direction)) return *ports;
    if (auto ports = configured(view, "default", direction)) return *ports;
    return calico_defaults(direction);
}

std::optional<int> match_failsafe(const std::vector<FailsafePort>& ports, const net::Tuple& packet,
                                  Direction direction) {
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const FailsafePort& entry = ports[i];
        if (entry.protocol != packet.protocol || entry.port != packet.destination_port) continue;
        if (other_side_is_in(entry.net, packet, direction)) return static_cast<int>(i);
    }
    return std::nullopt;
}

bool answers_failsafe(const std::vector<FailsafePort>& ports, const net::Tuple& packet, Direction direction) {
    for (const FailsafePort& entry : ports) {
        if (entry.protocol != packet.protocol || entry.port != packet.source_port) continue;
        if (other_side_is_in(entry.net, packet, direction)) return true;
    }
    return false;
}

std::string service_text(std::uint8_t protocol, std::uint16_t port) {
    return (protocol == kTcp ? "tcp/" : "udp/") + std::to_string(port);
}

}  // namespace drywall::reference
