#include "link_carrier.h"

#include <utility>

#include "drywall/base/logging.h"

namespace drywall::runtime {

LinkCarrier::LinkCarrier(std::vector<std::shared_ptr<io::Port>> ports, std::vector<std::optional<PortId>> peer_of,
                         Instant now)
    : ports_(std::move(ports)), peer_of_(std::move(peer_of)), states_(ports_.size()) {
    for (State& state : states_) state.deaf_until = now + kTraining;
}

void LinkCarrier::poll(Instant now) {
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        State& state = states_[port];
        if (state.held) continue;
        const bool up = ports_[port]->link_up();
        if (up == state.up || (!up && now < state.deaf_until)) continue;
        state.up = up;
        spdlog::info("port '{}': link is {}", ports_[port]->name(), up ? "up" : "down");
        if (peer_of_[port]) carry(port, index(*peer_of_[port]), up, now);
    }
}

void LinkCarrier::release() noexcept {
    for (std::size_t port = 0; port < ports_.size(); ++port)
        if (std::exchange(states_[port].held, false)) ports_[port]->set_link(true);
}

void LinkCarrier::carry(std::size_t from, std::size_t to, bool up, Instant now) {
    State& peer = states_[to];
    if (up == !peer.held) return;
    if (!ports_[to]->set_link(up)) return;
    peer.held = !up;
    peer.up = up;
    peer.deaf_until = now + kTraining;
    spdlog::info("port '{}': link taken {} because '{}' is", ports_[to]->name(), up ? "up" : "down",
                 ports_[from]->name());
}

}  // namespace drywall::runtime
