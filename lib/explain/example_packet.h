// ExamplePacket: one packet that a numeric rule matches, as a person would pick it.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "drywall/classify/program.h"
#include "drywall/net/packet_meta.h"

namespace drywall::explain {

// Where a rule stands: in the walk of a party, in one direction. Without a party: at one of the appliance's ports.
struct RuleSite {
    classify::RuleIndex rule{};
    const classify::Party* party = nullptr;
    Direction direction = Direction::kIngress;
    std::uint16_t lane = 0;
};

// A service to ask with instead of the rule's own: ports count only for protocols that have them.
struct ServiceKey {
    std::uint8_t protocol = 0;
    std::uint16_t port = 0;
};

// A packet to or from the site's party that the rule matches; nothing when none was found among the rule's own
// boundaries (its conditions exclude each other, or a set that it names is empty).
[[nodiscard]] std::optional<net::Tuple> example_packet(const classify::Program& program, const RuleSite& site,
                                                       std::optional<ServiceKey> service = std::nullopt);

// At most `most` of them, all different: other ends first, then other source ports where the rule leaves them free.
[[nodiscard]] std::vector<net::Tuple> example_packets(const classify::Program& program, const RuleSite& site,
                                                      std::size_t most);

}  // namespace drywall::explain
