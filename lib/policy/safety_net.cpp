#include "drywall/policy/safety_net.h"

#include "drywall/policy/selector.h"

namespace drywall::policy {

bool lets_everything_pass(const Policy& policy, const Rule& rule) {
    if (policy.enforced_kind != Kind::kGlobalNetworkPolicy || policy.do_not_track || policy.pre_dnat ||
        !policy.namespace_selector.empty() || !policy.service_account_selector.empty())
        return false;
    Rule bare;
    bare.action = Action::kAllow;
    bare.annotations = rule.annotations;
    if (rule != bare) return false;
    const Result<Selector> selector = Selector::parse(policy.selector);
    return selector && selector->canonical() == Selector::all().canonical();
}

}  // namespace drywall::policy
