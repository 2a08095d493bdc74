// Lowering: rules as people write them (labels, prefixes, names) become rules over numbered address sets.
//
// Threads: the builder of one generation only. It appends to the Program that it was given.
// Source:  Calico's scope rules for rule selectors, and its rendering of a rule per address family.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drywall/classify/program.h"
#include "drywall/policy/resources.h"
#include "endpoints.h"
#include "hits.h"
#include "selector_book.h"
#include "world.h"

namespace drywall::ruleset {

// Address sets of a Program; equal contents share one.
class SetTable {
public:
    SetTable(classify::Program& program, const Population& population, const SelectorBook& selectors)
        : program_(program), population_(population), selectors_(selectors) {}

    classify::SetId of(std::vector<net::Prefix> prefixes);
    // The addresses of everything that `selector` selects and `not_selector`, if any, does not.
    classify::SetId of(const std::string& selector, const std::optional<std::string>& not_selector);

private:
    classify::Program& program_;
    const Population& population_;
    const SelectorBook& selectors_;
    std::map<std::vector<net::Prefix>, classify::SetId> by_content_;
    std::map<std::string, classify::SetId> by_selector_;  // by canonical text
};

class Lowering {
public:
    Lowering(classify::Program& program, const Population& population, const SelectorBook& selectors, HitTable& hits)
        : program_(program), selectors_(selectors), hits_(hits), sets_(program, population, selectors) {}

    // The policy's rules of one direction. Every rule gets a descriptor; one that no packet can match (nets of a family
    // that its protocol excludes) gets nothing else.
    std::vector<classify::RuleIndex> rules(const Participant& participant, Direction direction, bool forward);

    // Descriptors only: for policies that apply nowhere, so that their counters show zero.
    void describe(const Participant& participant, Direction direction, bool forward);

    // A destination port that is always open. `to` and `from` may be empty: any address.
    classify::RuleIndex always_open(std::uint8_t protocol, std::uint16_t port, std::vector<net::Prefix> to,
                                    std::vector<net::Prefix> from, HitId hit);
    // Matches every packet.
    classify::RuleIndex every(Action action, HitId hit);

private:
    HitId describe(const Participant& participant, Direction direction, bool forward, std::size_t rule_index,
                   std::map<std::string, std::size_t>& seen);
    classify::AddressMatch addresses(const policy::EntityRule& entity);
    [[nodiscard]] std::string content(const policy::Rule& rule) const;
    [[nodiscard]] std::string content(const policy::EntityRule& entity) const;
    classify::RuleIndex append(classify::Rule rule);

    classify::Program& program_;
    const SelectorBook& selectors_;
    HitTable& hits_;
    SetTable sets_;
};

// Protocol, ports and ICMP of a rule, and the family that it is bound to by ipVersion, by its protocol or by its nets:
// Calico renders a rule per family and leaves it out where a net list has nothing of that family, negated or not.
// Nothing if no family is left.
[[nodiscard]] std::optional<classify::ServiceMatch> lower_service(const policy::Rule& rule);

// "tcp/22"
[[nodiscard]] std::string service_text(std::uint8_t protocol, std::uint16_t port);

}  // namespace drywall::ruleset
