// LinkCarrier: what one segment's cable does, the paired port's wire shows. When a link goes down, the peer's is taken
// down too, so that what is plugged in there notices and reroutes; when it comes back, so does the peer's.
//
// Threads: the stats core's. It never touches a queue.
// Source:  "link loss forwarding" of inline devices. A port that we took down ourselves tells nothing about its own
//          cable, and one that we just released needs time to train: both are not listened to, or two ports would keep
//          each other down for ever.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/base/ids.h"
#include "drywall/io/port.h"

namespace drywall::runtime {

class LinkCarrier {
public:
    static constexpr Nanos kTraining = std::chrono::seconds(5);

    LinkCarrier(std::vector<std::shared_ptr<io::Port>> ports, std::vector<std::optional<PortId>> peer_of, Instant now);

    void poll(Instant now);

    // Ports that are held down come up: at the end the wire is left as it was found.
    void release() noexcept;

private:
    struct State {
        bool up = true;     // as last heard
        bool held = false;  // taken down by us, because its peer is down
        Instant deaf_until;
    };
    void carry(std::size_t from, std::size_t to, bool up, Instant now);

    std::vector<std::shared_ptr<io::Port>> ports_;
    std::vector<std::optional<PortId>> peer_of_;
    std::vector<State> states_;
};

}  // namespace drywall::runtime
