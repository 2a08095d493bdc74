// Evaluator: the reference. It walks tiers, policies and rules for one packet, straight from what Calico's documents
// say; slow and obviously right. The compiled ruleset must agree with it on every verdict and every hit.
//
// Threads: immutable once built; any number of readers.
// Never:   shares code with `ruleset` or `classify`. It knows policies and labels, no classes and no tables.
// Source:  Calico's evaluation of tiers, policies, rules, profiles, host endpoints; design, section 2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/net/packet_meta.h"
#include "drywall/policy/resources.h"
#include "drywall/policy/surroundings.h"
#include "drywall/reference/connection_facts.h"

namespace drywall::reference {

// One part that took part in a decision, named as people and flow logs name it.
struct Hit {
    std::string kind;  // "GlobalNetworkPolicy", "Profile"; "HostEndpoint" and "Failsafe" for what has no policy
    std::string ns;    // of a namespaced policy
    std::string name;  // of the policy or profile; at an end of tier: of the policy that it is attributed to
    std::string tier;  // "__PROFILE__" for a profile
    Action action = Action::kDeny;
    int rule_index = -1;  // -1: a default
    std::string policy;   // Calico's v3.32 string without its leading position: "default|gnp:web|allow|0"
    bool operator==(const Hit&) const = default;
};

// What one world decides. Steps are judged in the order of the fields; the first deny leaves the later ones empty. Log
// rules that matched are among the hits.
struct Decision {
    Verdict verdict = Verdict::kDeny;
    bool unmatched = false;     // no step existed; the appliance's own default decided
    std::vector<Hit> failsafe;  // the appliance's transit failsafe list, where it decided
    std::vector<Hit> in_port;   // the ingress port's own HostEndpoint
    std::vector<Hit> egress;    // of the source
    std::vector<Hit> ingress;   // of the destination
    std::vector<Hit> out_port;  // the egress port's own HostEndpoint
    bool operator==(const Decision&) const = default;
};

struct Answer {
    Decision enforced;
    Decision pending;
    bool operator==(const Answer&) const = default;
};

class Evaluator {
public:
    // REQUIRES: policy::check(inventory) succeeded.
    Evaluator(const policy::Inventory& inventory, policy::Surroundings surroundings);
    ~Evaluator();
    Evaluator(Evaluator&&) noexcept;
    Evaluator& operator=(Evaluator&&) noexcept;

    // REQUIRES: tuple.ingress_port < surroundings.port_names.size()
    // A rule whose condition on a request or on names does not hold by `facts` does not match.
    [[nodiscard]] Answer judge(const net::Tuple& tuple, const ConnectionFacts& facts = {}) const;

private:
    struct Parts;
    std::unique_ptr<const Parts> parts_;
};

}  // namespace drywall::reference
