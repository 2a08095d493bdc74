// Rule matching: one rule, one packet, field by field.
//
// Threads: immutable once read.
// Life:    a ReadRule points at the rule that it was read from.
// Source:  Calico's rule grammar and its matching details (families, ICMP, named ports, scopes of selectors).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drywall/net/packet_meta.h"
#include "drywall/policy/resources.h"
#include "drywall/policy/surroundings.h"
#include "drywall/reference/connection_facts.h"
#include "landscape.h"

namespace drywall::reference {

// One side of a rule, its selectors parsed.
struct ReadSide {
    const policy::EntityRule* side = nullptr;
    std::optional<policy::Selector> in;                          // the address belongs to something that matches
    std::optional<policy::Selector> not_in;                      // and to nothing that matches this
    std::optional<std::pair<std::string, std::string>> service;  // namespace and name
};

struct ReadRule {
    const policy::Rule* rule = nullptr;
    ReadSide source;
    ReadSide destination;
    Direction direction = Direction::kIngress;
};

// The rules of one direction of a policy. A profile's rules are read as those of a global policy: no scope is added.
[[nodiscard]] std::vector<ReadRule> read_rules(const std::vector<policy::Rule>& rules, const policy::Policy& policy,
                                               Direction direction);

// REQUIRES: `text` parses, as every selector of a checked inventory does
[[nodiscard]] policy::Selector parse_selector(const std::string& text);

[[nodiscard]] bool matches(const ReadRule& rule, const net::Tuple& packet, const ConnectionFacts& facts,
                           const Landscape& landscape, const policy::DomainConditions& conditions);

}  // namespace drywall::reference
