// Policies and profiles: what stands around their rules.
#include <algorithm>
#include <array>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::Kind;
using policy::Policy;
using policy::Rule;
using policy::StagedAction;

constexpr std::array<Choice<int>, 1> kHints{Choice<int>{"AssumeNeededOnEveryNode", 0}};

// Without `types`, they follow from the rules (calicoctl does the same, and stores them): egress alone gives Egress,
// both give both, and anything else Ingress, even without a rule.
void read_types(Fields& spec, Policy& policy) {
    const bool written = spec.node().find("types") != nullptr;
    if (!written) {
        policy.egress_type = !policy.egress.empty();
        policy.ingress_type = !policy.ingress.empty() || !policy.egress_type;
    } else {
        policy.ingress_type = policy.egress_type = false;
    }
    const std::span<const Node> items = spec.list("types", 2);
    const Node* types = spec.node().find("types");
    if (written && types->is_sequence() && types->items.empty()) {
        spec.complaints().add(types->line, types->column, "spec.types is empty",
                              "write Ingress, Egress or both, or remove it");
    }
    for (const Node& item : items) {
        const auto type = read_choice<Direction>(item, "a type in spec.types", kPolicyTypes, spec.complaints());
        if (!type) continue;
        bool& flag = *type == Direction::kIngress ? policy.ingress_type : policy.egress_type;
        if (flag) spec.complaints().add(item.line, item.column, "spec.types names " + item.scalar + " twice");
        flag = true;
    }
}

// A deletion says which policy goes, and nothing else.
void check_deletion(Fields& spec) {
    for (const Entry& entry : spec.node().entries) {
        if (entry.key == "tier" || entry.key == "stagedAction" || is_empty_value(entry.value)) continue;
        spec.complaints().add(entry.line, entry.column,
                              "spec." + entry.key.substr(0, 40) + " must be empty with stagedAction: Delete",
                              "keep only tier and stagedAction");
    }
}

std::optional<StagedAction> read_staged_action(Fields& spec) {
    const Node* node = spec.take("stagedAction");
    if (node == nullptr || (node->is_scalar() && node->scalar.empty())) return StagedAction::kSet;
    return read_choice<StagedAction>(*node, "spec.stagedAction", kStagedActions, spec.complaints());
}

void read_tier_name(Fields& spec, Policy& policy) {
    const Node* node = spec.take("tier");
    if (node == nullptr) return;
    const auto name = read_text(*node, "spec.tier", spec.complaints());
    if (!name || name->empty()) return;  // "" is the default tier, as when it is left out
    policy.tier = *name;
    policy.tier_spot = {node->line, node->column};
    if (is_dns_label(policy.tier)) return;
    spec.complaints().add(node->line, node->column, shown(policy.tier) + " can't be the name of a tier");
}

void read_performance_hints(Fields& spec, Policy& policy) {
    for (const Node& item : spec.list("performanceHints", kUnlimited)) {
        if (!read_choice<int>(item, "a hint in spec.performanceHints", kHints, spec.complaints())) continue;
        if (!policy.performance_hints.empty()) {
            spec.complaints().add(item.line, item.column, "spec.performanceHints names " + item.scalar + " twice");
            continue;
        }
        policy.performance_hints.push_back(item.scalar);
    }
}

// What only global policies have: they can be about HostEndpoints.
class HostFlags {
public:
    HostFlags(Fields& spec, Policy& policy) : spec_(spec), policy_(policy) {
        policy.do_not_track = spec.boolean("doNotTrack").value_or(false);
        policy.pre_dnat = spec.boolean("preDNAT").value_or(false);
        policy.apply_on_forward = spec.boolean("applyOnForward").value_or(false);
    }

    void check() {
        if (policy_.do_not_track && policy_.pre_dnat) {
            complain("preDNAT", "spec.doNotTrack and spec.preDNAT can't both be true",
                     "one policy runs either before connection tracking or before destination NAT");
        }
        for (const auto& [name, set] : {std::pair{"doNotTrack", policy_.do_not_track}, {"preDNAT", policy_.pre_dnat}}) {
            if (!set || policy_.apply_on_forward) continue;
            complain(name, "spec." + std::string(name) + " needs applyOnForward: true",
                     "it also judges what is forwarded, and the policy has to say so");
        }
        if (!policy_.pre_dnat) return;
        if (!policy_.egress.empty()) complain("egress", "a preDNAT policy can't have egress rules");
        if (policy_.egress_type && spec_.node().find("types") != nullptr) {
            complain("types", "a preDNAT policy can't have the type Egress");
        }
    }

private:
    void complain(std::string_view field, std::string message, std::string hint = {}) {
        const Node* node = spec_.node().find(field);
        if (node == nullptr) node = &spec_.node();
        spec_.complaints().add(node->line, node->column, std::move(message), std::move(hint));
    }

    Fields& spec_;
    Policy& policy_;
};

// Rules that can't do anything, and rules that do more than they seem to.
void warn_about_rules(Fields& spec, const Policy& policy) {
    const auto look = [&](std::string_view name, const std::vector<Rule>& rules, bool type, std::string_view other) {
        const Node* node = spec.node().find(name);
        if (rules.empty() || node == nullptr) return;
        if (!type) {
            spec.complaints().warn(
                node->line, node->column,
                "the " + std::string(name) + " rules do nothing: spec.types does not name " + std::string(other),
                "add it to spec.types, or remove the rules");
            return;
        }
        const bool only_log =
            std::all_of(rules.begin(), rules.end(), [](const Rule& rule) { return rule.action == Action::kLog; });
        if (!only_log) return;
        spec.complaints().warn(node->line, node->column,
                               "the policy only logs " + std::string(name) +
                                   ", and so what it applies to is denied at the end of its tier",
                               "add a Pass rule after the Log rules, unless that is meant");
    };
    look("ingress", policy.ingress, policy.ingress_type, "Ingress");
    look("egress", policy.egress, policy.egress_type, "Egress");
}

}  // namespace

Policy read_policy(Fields& spec, Kind kind) {
    const bool namespaced = policy::is_namespaced(kind);
    const bool staged = kind == Kind::kStagedGlobalNetworkPolicy || kind == Kind::kStagedNetworkPolicy;
    Policy policy;
    policy.enforced_kind = namespaced ? Kind::kNetworkPolicy : Kind::kGlobalNetworkPolicy;
    if (staged) policy.staged_action = read_staged_action(spec);
    read_tier_name(spec, policy);
    policy.order = spec.number("order");
    policy.selector = read_selector(spec, "selector").value_or("");
    policy.service_account_selector = read_selector(spec, "serviceAccountSelector").value_or("");
    policy.ingress = read_rules(spec, "ingress", {Direction::kIngress, namespaced});
    policy.egress = read_rules(spec, "egress", {Direction::kEgress, namespaced});
    read_types(spec, policy);
    read_performance_hints(spec, policy);
    if (!namespaced) {
        policy.namespace_selector = read_selector(spec, "namespaceSelector").value_or("");
        HostFlags(spec, policy).check();
    }
    if (policy.staged_action == StagedAction::kDelete) check_deletion(spec);
    spec.finish();
    warn_about_rules(spec, policy);
    return policy;
}

policy::Profile read_profile(Fields& spec) {
    policy::Profile profile;
    profile.ingress = read_rules(spec, "ingress", {Direction::kIngress, false});
    profile.egress = read_rules(spec, "egress", {Direction::kEgress, false});
    profile.labels_to_apply = read_labels(spec, "labelsToApply");
    spec.finish();
    return profile;
}

}  // namespace drywall::loader
