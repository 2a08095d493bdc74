#include "drywall/control/safety_net.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <variant>

#include "drywall/policy/convert.h"

namespace drywall::control {

namespace {

using policy::Policy;
using policy::Rule;

bool selects_everything(const std::string& selector) {
    return selector.empty() || selector == "all()" || selector.find_first_not_of(' ') == std::string::npos;
}

bool is_for_all(const Policy& policy) {
    return policy.enforced_kind == policy::Kind::kGlobalNetworkPolicy && selects_everything(policy.selector) &&
           policy.namespace_selector.empty() && policy.service_account_selector.empty() && !policy.do_not_track &&
           !policy.pre_dnat;
}

// The number of the last rule if it allows without any condition, else -1.
int allowing_all(bool governs, const std::vector<Rule>& rules) {
    if (!governs || rules.empty()) return -1;
    Rule bare;
    bare.action = Action::kAllow;
    bare.annotations = rules.back().annotations;
    bare.spot = rules.back().spot;
    return rules.back() == bare ? static_cast<int>(rules.size()) - 1 : -1;
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
        if (!is_for_all(*policy)) continue;
        SafetyNet net{{policy->kind(), policy->tier, {}, policy->metadata.name, false},
                      allowing_all(policy->ingress_type, policy->ingress),
                      allowing_all(policy->egress_type, policy->egress)};
        if (net.ingress_rule >= 0 || net.egress_rule >= 0) nets.push_back(std::move(net));
    }
    return nets;
}

bool is_caught_by(const SafetyNet& net, const ruleset::HitDescriptor& hit) {
    const int rule = hit.direction == Direction::kIngress ? net.ingress_rule : net.egress_rule;
    return hit.kind == ruleset::HitKind::kRule && hit.policy == net.policy && rule >= 0 && hit.rule_index == rule;
}

}  // namespace drywall::control
