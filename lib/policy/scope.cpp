// Calico's scope rules: which labels a selector is about, depending on where it stands.
//
// Labels of namespaces and service accounts stand on endpoints under the prefixes pcns. and pcsa., so a selector on
// them is the same expression with every label prefixed. The trees are rewritten, never the text: what stands in quotes
// is a value. Calico rewrites all() of a global policy in the joined text, so that it reaches all() written in
// `selector` too, and this does the same.
#include <algorithm>
#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conversion.h"
#include "drywall/policy/convert.h"
#include "selector_node.h"

namespace drywall::policy {
namespace {

using selector_detail::NodePtr;
using selector_detail::Operator;
using selector_detail::SelectorNode;

NodePtr parse(std::string_view text) {
    auto parsed = selector_detail::parse_text(text);
    assert(parsed);  // selectors parse: checked when loaded
    return parsed ? std::move(parsed).value() : std::make_unique<SelectorNode>();
}

NodePtr leaf(Operator op, std::string_view label, std::vector<std::string> values = {}) {
    auto node = std::make_unique<SelectorNode>();
    node->op = op;
    node->label = label;
    node->values = std::move(values);
    return node;
}

NodePtr negated(NodePtr operand) {
    if (operand->op == Operator::kNot) return std::move(operand->children.front());
    auto node = std::make_unique<SelectorNode>();
    node->op = Operator::kNot;
    node->children.push_back(std::move(operand));
    return node;
}

NodePtr all_of(std::vector<NodePtr> terms) {
    if (terms.empty()) return std::make_unique<SelectorNode>();
    if (terms.size() == 1) return std::move(terms.front());
    auto node = std::make_unique<SelectorNode>();
    node->op = Operator::kAnd;
    node->children = std::move(terms);
    return node;
}

void prefix_labels(SelectorNode& node, std::string_view prefix) {
    if (!node.label.empty()) node.label.insert(0, prefix);
    for (const NodePtr& child : node.children) prefix_labels(*child, prefix);
}

NodePtr parse_prefixed(std::string_view text, std::string_view prefix) {
    NodePtr node = parse(text);
    prefix_labels(*node, prefix);
    return node;
}

void replace_all_by_has(SelectorNode& node, std::string_view label) {
    if (node.op == Operator::kAll) node = std::move(*leaf(Operator::kHas, label));
    for (const NodePtr& child : node.children) replace_all_by_has(*child, label);
}

// Only the parentheses that are needed: the text is nested no deeper than its author nested it, but for one level
// around each part that was joined.
void append_text(const SelectorNode& node, std::string& out);

void append_operand(const SelectorNode& node, bool parentheses, std::string& out) {
    if (parentheses) out += '(';
    append_text(node, out);
    if (parentheses) out += ')';
}

void append_text(const SelectorNode& node, std::string& out) {
    switch (node.op) {
        case Operator::kNot: {
            const SelectorNode& operand = *node.children.front();
            out += '!';
            return append_operand(operand, operand.op == Operator::kAnd || operand.op == Operator::kOr, out);
        }
        case Operator::kAnd:
        case Operator::kOr:
            for (std::size_t i = 0; i < node.children.size(); ++i) {
                if (i != 0) out += node.op == Operator::kAnd ? " && " : " || ";
                append_operand(*node.children[i], node.op == Operator::kAnd && node.children[i]->op == Operator::kOr,
                               out);
            }
            return;
        default: return selector_detail::append_canonical(node, out);
    }
}

std::string text_of(const SelectorNode& node) {
    std::string out;
    append_text(node, out);
    return out;
}

NodePtr in_namespace(std::string_view ns) {
    return leaf(Operator::kEquals, conversion::kNamespaceLabel, {std::string(ns)});
}

// As the text stands in a rule: "global()" and nothing else.
bool is_global(std::string_view text) {
    std::string squeezed;
    for (const char c : text)
        if (c != ' ' && c != '\t') squeezed += c;
    return squeezed == "global()";
}

NodePtr peer_namespaces(std::string_view text) {
    if (is_global(text)) return negated(leaf(Operator::kHas, conversion::kNamespaceLabel));
    NodePtr node = parse_prefixed(text, conversion::kNamespacePrefix);
    if (node->op == Operator::kAll) return leaf(Operator::kHas, conversion::kNamespaceLabel);
    return node;
}

bool written(const std::optional<std::string>& text) { return text && !text->empty(); }

void append_accounts(const ServiceAccountMatch& accounts, std::vector<NodePtr>& terms) {
    if (!accounts.names.empty()) {
        std::vector<std::string> names = accounts.names;
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        terms.push_back(leaf(Operator::kIn, conversion::kServiceAccountLabel, std::move(names)));
    }
    if (written(accounts.selector)) {
        terms.push_back(parse_prefixed(*accounts.selector, conversion::kServiceAccountPrefix));
    }
}

std::string namespaced_selector(const Policy& policy) {
    std::vector<NodePtr> terms;
    if (!policy.selector.empty()) terms.push_back(parse(policy.selector));
    terms.push_back(in_namespace(policy.metadata.ns));
    if (!policy.service_account_selector.empty()) {
        terms.push_back(parse_prefixed(policy.service_account_selector, conversion::kServiceAccountPrefix));
    }
    return text_of(*all_of(std::move(terms)));
}

std::string global_selector(const Policy& policy) {
    std::vector<NodePtr> terms;
    const auto rewrite = [&](std::string_view label) {
        for (const NodePtr& term : terms) replace_all_by_has(*term, label);
    };
    if (!policy.selector.empty()) terms.push_back(parse(policy.selector));
    if (!policy.namespace_selector.empty()) {
        terms.push_back(parse_prefixed(policy.namespace_selector, conversion::kNamespacePrefix));
        rewrite(conversion::kNamespaceLabel);
    }
    if (!policy.service_account_selector.empty()) {
        terms.push_back(parse_prefixed(policy.service_account_selector, conversion::kServiceAccountPrefix));
        rewrite(conversion::kServiceAccountLabel);
    }
    return text_of(*all_of(std::move(terms)));
}

}  // namespace

std::string effective_selector(const Policy& policy) {
    return is_namespaced(policy.enforced_kind) ? namespaced_selector(policy) : global_selector(policy);
}

EntityScope effective_scope(const EntityRule& entity, const Policy& policy) {
    const bool selects = written(entity.selector) || written(entity.not_selector) || entity.service_accounts;
    std::vector<NodePtr> terms;
    if (written(entity.namespace_selector)) {
        terms.push_back(peer_namespaces(*entity.namespace_selector));
    } else if (selects && is_namespaced(policy.enforced_kind)) {
        terms.push_back(in_namespace(policy.metadata.ns));
    }
    if (written(entity.selector)) terms.push_back(parse(*entity.selector));
    if (entity.service_accounts) append_accounts(*entity.service_accounts, terms);

    EntityScope scope;
    if (terms.empty() && written(entity.not_selector)) {
        scope.not_in = text_of(*parse(*entity.not_selector));
        return scope;
    }
    if (written(entity.not_selector)) terms.push_back(negated(parse(*entity.not_selector)));
    if (!terms.empty()) scope.in = text_of(*all_of(std::move(terms)));
    return scope;
}

}  // namespace drywall::policy
