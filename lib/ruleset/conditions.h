// Conditions: what one side of a rule asks of ports and addresses, as alternatives of which each is plain numbers.
// A port that is named is another one on every address, so such a rule becomes several.
//
// Threads: values.
// Source:  Calico's named ports (sets of address, protocol and port), negated ones, and services.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drywall/classify/program.h"
#include "drywall/policy/rule.h"
#include "sets.h"

namespace drywall::ruleset {

// All that is set must hold. Ports are those of the side that the condition is about.
struct Condition {
    std::optional<std::uint8_t> protocol;
    std::vector<classify::PortRange> ports;  // any of; empty: no restriction
    std::vector<classify::PortRange> not_ports;
    std::optional<classify::SetId> in;
    std::optional<classify::SetId> not_in;
};

enum class Side : std::uint8_t { kSource, kDestination };

// What ports of this rule's protocols mean.
struct ProtocolLimits {
    std::optional<std::uint8_t> protocol;
    std::optional<std::uint8_t> not_protocol;

    [[nodiscard]] bool admit(std::uint8_t other) const noexcept {
        return (!protocol || *protocol == other) && (!not_protocol || *not_protocol != other);
    }
};

// `ports` and `named_ports`: at least one of the alternatives. None at all: it can't hold.
[[nodiscard]] std::vector<Condition> any_of(const policy::EntityRule& entity, const std::vector<PortGroup>& named,
                                            const ProtocolLimits& limits);
// `not_ports` and `not_named_ports`: alternatives that exclude each other.
[[nodiscard]] std::vector<Condition> none_of(const policy::EntityRule& entity, const std::vector<PortGroup>& named,
                                             const ProtocolLimits& limits);
[[nodiscard]] std::vector<Condition> answering(const std::vector<PortGroup>& backends, const ProtocolLimits& limits);

// Adds the condition to a rule. False: both can't hold at once.
[[nodiscard]] bool join(const Condition& condition, Side side, classify::Rule& rule);

}  // namespace drywall::ruleset
