#include "drywall/control/safety_net.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <variant>

#include "drywall/policy/convert.h"
#include "drywall/policy/safety_net.h"

namespace drywall::control {

namespace {

using policy::Policy;
using policy::Rule;

// The number of the last rule if it lets everything pass, else -1.
int net_among(const Policy& policy, bool governs, const std::vector<Rule>& rules) {
    const bool is_net = governs && !rules.empty() && policy::lets_everything_pass(policy, rules.back());
    return is_net ? static_cast<int>(rules.size()) - 1 : -1;
}

// As Calico sorts within a tier: by order (none: last), then by name.
auto standing(const Policy& policy) {
    return std::tuple(policy.order.value_or(std::numeric_limits<double>::infinity()), policy.metadata.name);
}

}  // namespace

std::vector<SafetyNet> safety_nets(const policy::Inventory& inventory) {
    const policy::CalicoView view = policy::calico_view(inventory);
    std::map<std::string, const Policy*> last;  // of each tier
    for (const auto& [id, policy] : view.policies) {
        if (policy->staged()) continue;
        const Policy*& known = last[policy->tier];
        if (known == nullptr || standing(*known) < standing(*policy)) known = policy;
    }
    std::vector<SafetyNet> nets;
    for (const auto& [tier, policy] : last) {
        SafetyNet net{{policy->kind(), policy->tier, {}, policy->metadata.name, false},
                      net_among(*policy, policy->ingress_type, policy->ingress),
                      net_among(*policy, policy->egress_type, policy->egress)};
        if (net.ingress_rule >= 0 || net.egress_rule >= 0) nets.push_back(std::move(net));
    }
    return nets;
}

bool is_caught_by(const SafetyNet& net, const ruleset::HitDescriptor& hit) {
    const int rule = hit.direction == Direction::kIngress ? net.ingress_rule : net.egress_rule;
    return hit.kind == ruleset::HitKind::kRule && hit.policy == net.policy && rule >= 0 && hit.rule_index == rule;
}

const ruleset::HitDescriptor* caught(const ruleset::Ruleset& ruleset, std::span<const SafetyNet> nets,
                                     const net::Tuple& tuple) {
    for (const HitId id : ruleset.trace(ruleset.classify(tuple)).enforced_hits)
        for (const SafetyNet& net : nets)
            if (is_caught_by(net, ruleset.hit(id))) return &ruleset.hit(id);
    return nullptr;
}

}  // namespace drywall::control
