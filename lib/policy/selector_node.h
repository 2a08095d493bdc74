// The tree that a selector's text becomes.
//
// Threads: immutable once parsed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/policy/selector.h"

namespace drywall::policy::selector_detail {

enum class Operator : std::uint8_t {
    kAll,
    kHas,
    kEquals,
    kNotEquals,
    kIn,
    kNotIn,
    kContains,
    kStartsWith,
    kEndsWith,
    kNot,  // one child
    kAnd,  // two or more children
    kOr,   // two or more children
};

struct SelectorNode {
    Operator op = Operator::kAll;
    std::string label;
    std::vector<std::string> values;  // one, or for kIn and kNotIn a sorted set
    std::vector<std::unique_ptr<SelectorNode>> children;
};

using NodePtr = std::unique_ptr<SelectorNode>;

// The tree is no deeper than this, so that walking it recursively is safe. Parentheses around a single operand and
// pairs of '!' make no level: the 1024 characters that a field may have never come near it.
inline constexpr int kMaxNesting = 1000;
inline constexpr std::size_t kMaxLabelLength = 512;

[[nodiscard]] Result<NodePtr> parse_text(std::string_view text);

// Selector::canonical() of this tree.
void append_canonical(const SelectorNode& node, std::string& out);

}  // namespace drywall::policy::selector_detail
