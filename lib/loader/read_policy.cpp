#include <algorithm>
#include <array>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::Policy;
using policy::Rule;
using policy::StagedAction;

constexpr std::array<Choice<StagedAction>, 4> kStagedActions{Choice<StagedAction>{"Set", StagedAction::kSet},
                                                             {"Delete", StagedAction::kDelete},
                                                             {"Learn", StagedAction::kLearn},
                                                             {"Ignore", StagedAction::kIgnore}};

constexpr std::array<Choice<Direction>, 2> kTypes{Choice<Direction>{"Ingress", Direction::kIngress},
                                                  {"Egress", Direction::kEgress}};

// Kubernetes counts characters, not bytes.
std::size_t characters(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::vector<Rule> read_rules(Fields& spec, std::string_view name) {
    std::vector<Rule> rules;
    std::size_t i = 0;
    for (const Node& item : spec.list(name, kMaxRules)) {
        const std::string path = spec.path_to(name) + "[" + std::to_string(i++) + "]";
        rules.push_back(read_rule(item, path, spec.complaints()));
    }
    return rules;
}

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
        const auto type = read_choice<Direction>(item, "a type in spec.types", kTypes, spec.complaints());
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

// What only the host's own packet processing could honour, or what needs resources that are not there yet.
void refuse_what_is_not_there(Fields& spec) {
    spec.unsupported("namespaceSelector", "the policy would apply to more endpoints than was written");
    spec.unsupported("serviceAccountSelector", "the policy would apply to more endpoints than was written");
    spec.unsupported("doNotTrack");
    spec.unsupported("preDNAT");
    spec.ignore("performanceHints");  // says when Calico programs a policy, not what the policy does
}

}  // namespace

std::optional<std::string> read_selector(Fields& fields, std::string_view name) {
    const Node* node = fields.take(name);
    if (node == nullptr) return std::nullopt;
    const std::string path = fields.path_to(name);
    Complaints& complaints = fields.complaints();
    auto text = read_text(*node, path, complaints);
    if (!text) return std::nullopt;
    if (characters(*text) > kMaxSelectorLength) {
        complaints.add(node->line, node->column,
                       path + " is longer than " + std::to_string(kMaxSelectorLength) + " characters");
        return std::nullopt;
    }
    // As Calico does it: the letters are refused wherever they stand, even inside a value.
    if (text->find("global(") != std::string::npos) {
        complaints.add(node->line, node->column, path + " can't contain 'global('",
                       "it has a meaning only in a rule's namespaceSelector, which is not supported yet");
        return std::nullopt;
    }
    if (const auto selector = policy::Selector::parse(*text); !selector) {
        complaints.add(node->line, node->column, path + ": " + selector.error().complaints.front().message);
        return std::nullopt;
    }
    return text;
}

Policy read_policy(Fields& spec, bool staged) {
    Policy policy;
    if (const Node* node = spec.take("tier")) {
        policy.tier = read_text(*node, "spec.tier", spec.complaints()).value_or(policy.tier);
        if (!is_dns_label(policy.tier)) {
            spec.complaints().add(node->line, node->column, shown(policy.tier) + " can't be the name of a tier");
        }
    }
    policy.order = spec.number("order");
    policy.selector = read_selector(spec, "selector").value_or("");
    policy.ingress = read_rules(spec, "ingress");
    policy.egress = read_rules(spec, "egress");
    read_types(spec, policy);
    policy.apply_on_forward = spec.boolean("applyOnForward").value_or(false);
    refuse_what_is_not_there(spec);
    if (staged) {
        policy.staged_action = read_staged_action(spec);
        if (policy.staged_action == StagedAction::kDelete) check_deletion(spec);
    }
    spec.finish();
    return policy;
}

}  // namespace drywall::loader
