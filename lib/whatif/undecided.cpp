#include "undecided.h"

#include <variant>

#include "drywall/policy/safety_net.h"

namespace drywall::whatif {

namespace {

using ruleset::HitDescriptor;
using ruleset::HitKind;

const policy::Policy* policy_of(const policy::Inventory& inventory, const ruleset::PolicyRef& ref) {
    const auto found = inventory.find({ref.kind, ref.ns, ref.name});
    return found == inventory.end() ? nullptr : std::get_if<policy::Policy>(found->second.get());
}

}  // namespace

std::optional<std::string> Undecided::tier(TraceId id, Direction direction) const {
    const classify::Trace& trace = ruleset_.trace(id);
    const HitDescriptor* enforced = deciding(trace.enforced_hits, direction);
    const HitDescriptor* pending = deciding(trace.pending_hits, direction);
    if (enforced == nullptr && pending == nullptr) return std::nullopt;
    for (const HitDescriptor* hit : {enforced, pending})
        if (hit != nullptr && is_explicit(*hit)) return std::nullopt;
    for (const HitDescriptor* hit : {pending, enforced})  // pending: where the rule will be judged
        if (hit != nullptr && hit->policy) return hit->policy->tier;
    return std::string(policy::kDefaultTier);
}

// The last hit of the endpoint's own policies in that direction; those of the appliance's ports are not asked.
const HitDescriptor* Undecided::deciding(const std::vector<HitId>& hits, Direction direction) const {
    const HitDescriptor* last = nullptr;
    for (const HitId id : hits) {
        const HitDescriptor& hit = ruleset_.hit(id);
        const bool about_everyone = hit.kind == HitKind::kFailsafe || hit.kind == HitKind::kUnmatched;
        if (!hit.forward && (about_everyone || hit.direction == direction)) last = &hit;
    }
    return last;
}

bool Undecided::is_explicit(const HitDescriptor& hit) const {
    switch (hit.kind) {
        case HitKind::kHostFailsafe:
        case HitKind::kFailsafe:
        case HitKind::kUndecided: return true;  // rules decide, as soon as the connection says something
        case HitKind::kEndOfTier:
        case HitKind::kProfile:
        case HitKind::kNoProfile:
        case HitKind::kForwardDefault:
        case HitKind::kUnmatched: return false;
        case HitKind::kRule: break;
    }
    if (hit.action == Action::kLog || hit.action == Action::kPass) return false;
    if (!hit.policy) return true;
    const policy::Policy* policy = policy_of(inventory_, *hit.policy);
    if (policy == nullptr) return true;
    const std::vector<policy::Rule>& rules = hit.direction == Direction::kIngress ? policy->ingress : policy->egress;
    const auto index = static_cast<std::size_t>(hit.rule_index);
    return hit.rule_index < 0 || index >= rules.size() || !policy::lets_everything_pass(*policy, rules[index]);
}

}  // namespace drywall::whatif
