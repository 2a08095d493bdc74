#include "drywall/policy/selector.h"

#include <algorithm>

#include "selector_node.h"

namespace drywall::policy {
namespace {

using selector_detail::Operator;
using selector_detail::SelectorNode;

// Both quotes never stand in one value: the grammar has no escapes.
std::string quoted(const std::string& value) {
    const char quote = value.find('"') == std::string::npos ? '"' : '\'';
    return quote + value + quote;
}

std::string set_text(const std::vector<std::string>& values) {
    std::string out = "{";
    for (const std::string& value : values) {
        if (out.size() > 1) out += ", ";
        out += quoted(value);
    }
    return out + "}";
}

void append_group(const SelectorNode& node, std::string_view token, std::string& out) {
    out += '(';
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        if (i != 0) out.append(" ").append(token).append(" ");
        selector_detail::append_canonical(*node.children[i], out);
    }
    out += ')';
}

// An absent label fails every test but the negative ones (!=, not in).
bool test_label(const SelectorNode& node, const Labels& labels) {
    const auto label = labels.find(node.label);
    const bool negative = node.op == Operator::kNotEquals || node.op == Operator::kNotIn;
    if (label == labels.end()) return negative;
    const std::string_view value = label->second;
    switch (node.op) {
        case Operator::kEquals: return value == node.values.front();
        case Operator::kNotEquals: return value != node.values.front();
        case Operator::kIn: return std::binary_search(node.values.begin(), node.values.end(), label->second);
        case Operator::kNotIn: return !std::binary_search(node.values.begin(), node.values.end(), label->second);
        case Operator::kContains: return value.find(node.values.front()) != std::string_view::npos;
        case Operator::kStartsWith: return value.starts_with(node.values.front());
        case Operator::kEndsWith: return value.ends_with(node.values.front());
        default: return true;  // has()
    }
}

bool evaluate(const SelectorNode& node, const Labels& labels) {
    const auto holds = [&](const selector_detail::NodePtr& child) { return evaluate(*child, labels); };
    switch (node.op) {
        case Operator::kAll: return true;
        case Operator::kNot: return !evaluate(*node.children.front(), labels);
        case Operator::kAnd: return std::all_of(node.children.begin(), node.children.end(), holds);
        case Operator::kOr: return std::any_of(node.children.begin(), node.children.end(), holds);
        default: return test_label(node, labels);
    }
}

}  // namespace

void selector_detail::append_canonical(const SelectorNode& node, std::string& out) {
    const auto test = [&](std::string_view op) { out += node.label + std::string(op) + quoted(node.values.front()); };
    switch (node.op) {
        case Operator::kAll: out += "all()"; return;
        case Operator::kHas: out += "has(" + node.label + ")"; return;
        case Operator::kEquals: return test(" == ");
        case Operator::kNotEquals: return test(" != ");
        case Operator::kIn: out += node.label + " in " + set_text(node.values); return;
        case Operator::kNotIn: out += node.label + " not in " + set_text(node.values); return;
        case Operator::kContains: return test(" contains ");
        case Operator::kStartsWith: return test(" starts with ");
        case Operator::kEndsWith: return test(" ends with ");
        case Operator::kNot:
            out += '!';
            append_canonical(*node.children.front(), out);
            return;
        case Operator::kAnd: return append_group(node, "&&", out);
        case Operator::kOr: return append_group(node, "||", out);
    }
}

Selector::Selector(std::shared_ptr<const SelectorNode> root, std::string canonical)
    : root_(std::move(root)), canonical_(std::move(canonical)) {}

Result<Selector> Selector::parse(std::string_view text) {
    auto root = selector_detail::parse_text(text);
    if (!root) return std::move(root).error();
    std::string canonical;
    selector_detail::append_canonical(**root, canonical);
    return Selector(std::shared_ptr<const SelectorNode>(std::move(root).value()), std::move(canonical));
}

Selector Selector::all() { return {std::make_shared<const SelectorNode>(), "all()"}; }

bool Selector::matches(const Labels& labels) const { return evaluate(*root_, labels); }

}  // namespace drywall::policy
