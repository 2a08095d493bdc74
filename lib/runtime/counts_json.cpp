#include "drywall/runtime/counts_json.h"

#include <utility>

namespace drywall::runtime {

Json json_of(const telemetry::PacketsBytes& count) { return {{"packets", count.packets}, {"bytes", count.bytes}}; }

Json json_of(const std::vector<RuleCounts>& rules) {
    Json out = Json::array();
    for (const RuleCounts& rule : rules) {
        Json one = {{"rule", rule.hit.text()},
                    {"kind", ruleset::name(rule.hit.kind)},
                    {"direction", name(rule.hit.direction)},
                    {"forward", rule.hit.forward},
                    {"staged", rule.hit.policy && rule.hit.policy->staged}};
        Json armed_by = Json::array();
        for (const ruleset::PolicyRef& policy : rule.hit.armed_by) armed_by.push_back(policy.text());
        one["armed_by"] = std::move(armed_by);
        one["current"] = rule.in_current_generation;
        one["enforced"] = json_of(rule.enforced);
        one["pending"] = json_of(rule.pending);
        one["would_deny"] = json_of(rule.would_deny);
        one["would_allow"] = json_of(rule.would_allow);
        one["identity"] = rule.hit.identity;
        out.push_back(std::move(one));
    }
    return out;
}

Json json_of(const std::vector<PolicyCounts>& policies) {
    Json out = Json::array();
    for (const PolicyCounts& counts : policies) {
        out.push_back({{"policy", counts.policy.text()},
                       {"kind", policy::name(counts.policy.kind)},
                       {"name", counts.policy.name},
                       {"tier", counts.policy.tier},
                       {"would_deny", json_of(counts.would_deny)},
                       {"would_allow", json_of(counts.would_allow)}});
    }
    return out;
}

Json json_of(const std::vector<Disagreement>& disagreements) {
    Json out = Json::array();
    for (const Disagreement& one : disagreements) {
        out.push_back({{"enforced", one.enforced_text}, {"pending", one.pending_text}, {"count", json_of(one.count)}});
    }
    return out;
}

Json json_of(const std::map<DropReason, telemetry::PacketsBytes>& drops) {
    Json out = Json::array();
    for (const DropReasonText& reason : kDropReasons) {
        const auto counted = drops.find(reason.reason);
        const telemetry::PacketsBytes count = counted == drops.end() ? telemetry::PacketsBytes{} : counted->second;
        out.push_back(
            {{"reason", reason.name}, {"meaning", reason.meaning}, {"packets", count.packets}, {"bytes", count.bytes}});
    }
    return out;
}

}  // namespace drywall::runtime
