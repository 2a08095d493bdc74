// Lowering: rules as people write them (labels, prefixes, names) become rules over numbered address sets. A rule that
// becomes several keeps one hit.
//
// Threads: the builder of one generation only. It appends to the Program that it was given.
// Source:  Calico's scope rules for rule selectors, and its rendering of a rule per address family.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "condition_book.h"
#include "conditions.h"
#include "drywall/classify/program.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/resources.h"
#include "endpoints.h"
#include "hits.h"
#include "selector_book.h"
#include "sets.h"
#include "world.h"

namespace drywall::ruleset {

// What an endpoint's profiles say in one direction: rules, and what holds where none of them matches.
struct LoweredProfiles {
    std::vector<classify::RuleIndex> rules;
    Verdict otherwise = Verdict::kDeny;
    HitId otherwise_hit{};
};

class Lowering {
public:
    // All must outlive this.
    Lowering(classify::Program& program, const policy::CalicoView& view, const Population& population,
             SelectorBook& selectors, HitTable& hits)
        : program_(program),
          view_(view),
          selectors_(selectors),
          hits_(hits),
          population_(population),
          sets_(program, view, population) {}

    // The policy's rules of one direction. Every rule gets a descriptor; one that no packet can match (nets of a family
    // that its protocol excludes, a named port that nobody declares) gets nothing else.
    std::vector<classify::RuleIndex> rules(const Participant& participant, Direction direction, bool forward);

    // Descriptors only: for policies that apply nowhere, so that their counters show zero.
    void describe(const Participant& participant, Direction direction, bool forward);

    // Profiles in their order, up to the first that has an answer for everything. One that does not exist denies.
    LoweredProfiles profiles(const std::vector<std::string>& names, Direction direction);

    // What rules ask of connections, by ConditionId.
    [[nodiscard]] std::vector<inspect::Condition> take_conditions() { return conditions_.take(); }

    // A destination port that is always open. `to` and `from` may be empty: any address.
    classify::RuleIndex always_open(std::uint8_t protocol, std::uint16_t port, std::vector<net::Prefix> to,
                                    std::vector<net::Prefix> from, HitId hit);
    // A failsafe port of a host, in a direction of the host: its own port inwards, the peer's outwards.
    classify::RuleIndex open_failsafe(const policy::FailsafePort& port, Direction direction, HitId hit);
    // What a failsafe port of the other direction answers with: the same peer, the port as source. It leads on without
    // a hit.
    classify::RuleIndex skip_failsafe_reply(const policy::FailsafePort& port, Direction direction);
    // As open_failsafe(), but it leads on without a hit.
    classify::RuleIndex skip_failsafe(const policy::FailsafePort& port, Direction direction);

private:
    // One of each must hold.
    using Alternatives = std::vector<std::vector<Condition>>;

    HitId describe(const Participant& participant, Direction direction, bool forward, std::size_t rule_index,
                   std::map<std::string, std::size_t>& seen);
    // How the destination is found to be what the rule's selector says.
    enum class Found : std::uint8_t { kByAddress, kByName };

    void lower(const policy::Rule& rule, const policy::Policy& policy, Direction direction, HitId hit,
               std::vector<classify::RuleIndex>& lowered);
    // `base`: what needs no choice of addresses.
    void lower_addresses(const policy::Rule& rule, const policy::Policy& policy, Found found, classify::Rule base,
                         std::vector<classify::RuleIndex>& lowered);
    // What one side of a rule asks: `address` takes what needs no choice.
    Alternatives alternatives(const policy::Rule& rule, Side side, const policy::Policy& policy, Found found,
                              classify::AddressMatch& address);
    // The names that the sets allow which the rule's destination selects (allowedEgressDomains).
    [[nodiscard]] std::vector<std::string> allowed_names(const policy::Rule& rule, const policy::Policy& policy,
                                                         Direction direction);
    std::vector<Condition> service(const policy::ServiceMatch& service, Side side, const policy::Policy& policy,
                                   const ProtocolLimits& limits);
    [[nodiscard]] std::string content(const policy::Rule& rule, const policy::Policy& policy);
    [[nodiscard]] std::string content(const policy::EntityRule& entity, const policy::Policy& policy);
    classify::Rule failsafe(const policy::FailsafePort& port, Direction direction);
    classify::RuleIndex append(classify::Rule rule);

    classify::Program& program_;
    const policy::CalicoView& view_;
    SelectorBook& selectors_;
    HitTable& hits_;
    const Population& population_;
    SetTable sets_;
    ConditionBook conditions_;
};

// Protocol and ICMP of a rule, and the family that it is bound to by ipVersion, by its protocol or by its nets: Calico
// renders a rule per family and leaves it out where a net list has nothing of that family, negated or not. Nothing if
// no family is left.
[[nodiscard]] std::optional<classify::ServiceMatch> lower_service(const policy::Rule& rule);

// "tcp/22"
[[nodiscard]] std::string service_text(std::uint8_t protocol, std::uint16_t port);

}  // namespace drywall::ruleset
