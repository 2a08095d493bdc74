// Before which ports a distributor stands.
#include <algorithm>
#include <bit>
#include <string>

#include "drywall/base/logging.h"
#include "drywall/io/distributor.h"

namespace drywall::io {

namespace {

// Both directions of a connection come in by the two ports of a pair, so both have to choose alike.
bool meet(const Port& port, const Port& peer) {
    const std::string steering = port.steering();
    return !steering.empty() && steering == peer.steering();
}

void say(const Port& port, bool met, bool distributed, std::uint16_t workers) {
    if (distributed)
        spdlog::info("port '{}': frames are distributed among {} workers by their addresses (`workers.distribute`)",
                     port.name(), workers);
    else if (met)
        spdlog::info("port '{}': the device brings both directions of a connection to one worker ({})", port.name(),
                     port.steering());
    else
        spdlog::warn(
            "port '{}': the two directions of a connection may come to different workers, which then judge each as a "
            "connection of its own; `workers.distribute: auto` mends that",
            port.name());
}

}  // namespace

std::size_t hand_over_room(std::size_t packet_buffers, std::size_t ports, std::size_t workers) {
    const std::size_t fair = packet_buffers / (4 * std::max<std::size_t>(1, ports) * (workers - 1));
    return std::bit_floor(std::clamp(fair, kMaxBurst, kHandOverRoom));
}

std::vector<std::shared_ptr<Port>> distributed(std::vector<std::shared_ptr<Port>> ports,
                                               const std::vector<std::optional<PortId>>& peer_of, Distribute when,
                                               const Owners& owners, std::size_t packet_buffers) {
    if (owners.workers() < 2) return ports;
    const std::size_t room = hand_over_room(packet_buffers, ports.size(), owners.workers());
    std::vector<std::shared_ptr<Port>> out = ports;
    for (std::size_t id = 0; id < ports.size(); ++id) {
        if (!peer_of[id]) continue;  // nothing that comes in here is forwarded
        const bool met = meet(*ports[id], *ports[index(*peer_of[id])]);
        const bool wanted = when == Distribute::kAlways || (when == Distribute::kAuto && !met);
        if (wanted) out[id] = std::make_shared<Distributor>(ports[id], owners, room);
        say(*ports[id], met, wanted, owners.workers());
    }
    return out;
}

}  // namespace drywall::io
