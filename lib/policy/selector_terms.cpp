#include "drywall/policy/selector_terms.h"

#include "selector_node.h"

namespace drywall::policy {
namespace {

using selector_detail::Operator;
using selector_detail::SelectorNode;
using Terms = std::vector<std::pair<std::string, std::string>>;

void collect(const SelectorNode& node, Terms& terms) {
    if (node.op == Operator::kEquals) terms.emplace_back(node.label, node.values.front());
    if (node.op != Operator::kAnd) return;
    for (const auto& child : node.children) collect(*child, terms);
}

}  // namespace

Terms required_terms(std::string_view selector) {
    const auto parsed = selector_detail::parse_text(selector);
    Terms terms;
    if (parsed) collect(**parsed, terms);
    return terms;
}

}  // namespace drywall::policy
