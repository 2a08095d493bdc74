// RuleList: a program that is, for every packet, one list of rules of which the first match decides: no parties, one
// step per lane, the same in both worlds, rules that only allow or deny. Such a program has as many traces as rules,
// and may be compiled as a DecisionForest.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/classify/program.h"
#include "normal_program.h"

namespace drywall::classify {

// A box of services: protocols by rank (decision_forest.h), both 16-bit fields; ends included.
struct ServiceBox {
    PortRange source_ports{0, 65535};
    PortRange destination_ports{0, 65535};
    std::uint8_t first_protocol = 0;
    std::uint8_t last_protocol = 255;
    bool operator==(const ServiceBox&) const = default;

    [[nodiscard]] bool holds(const ServiceBox& other) const noexcept {
        return source_ports.first <= other.source_ports.first && other.source_ports.last <= source_ports.last &&
               destination_ports.first <= other.destination_ports.first &&
               other.destination_ports.last <= destination_ports.last && first_protocol <= other.first_protocol &&
               other.last_protocol <= last_protocol;
    }
};

// One rule of the list, of one family; a rule with several prefixes or boxes is several entries with one answer.
struct ListEntry {
    net::Prefix source;
    net::Prefix destination;
    ServiceBox box;
    std::uint32_t answer = 0;  // index into the traces; ascending
};

struct RuleList {
    std::vector<ListEntry> entries;  // sorted by answer
    std::uint32_t otherwise = 0;     // the answer when none matches
};

struct RuleLists {
    std::vector<RuleList> of_lane;  // by lane class (NormalProgram::lanes)
    std::vector<Trace> traces;
};

// Whether the program is such a list, lane by lane.
[[nodiscard]] bool is_rule_list(const Program& program, const NormalProgram& normal);

// REQUIRES: is_rule_list(program, normal). Refuses when the rules make more than `most_entries`.
[[nodiscard]] Result<RuleLists> rule_lists_of(const Program& program, const NormalProgram& normal,
                                              std::size_t most_entries);

// The boxes in which a match holds for packets of `family`.
[[nodiscard]] std::vector<ServiceBox> boxes_of(const ServiceMatch& match, net::Family family);

}  // namespace drywall::classify
