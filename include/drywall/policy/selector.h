// Selector: Calico's label expression, parsed once and evaluated against label maps.
//
// Threads: immutable after parse(); any number of readers.
// Source:  Calico's selector grammar and its tokeniser's corner cases.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "drywall/base/result.h"

namespace drywall::policy {

using Labels = std::map<std::string, std::string, std::less<>>;

namespace selector_detail {
struct SelectorNode;
}

class Selector {
public:
    // Blank text is all(). On error the complaint's message names the column (1-based, in the selector's own text);
    // its Place is empty: the caller knows where the text stood.
    [[nodiscard]] static Result<Selector> parse(std::string_view text);

    // Matches everything it is asked about.
    [[nodiscard]] static Selector all();

    [[nodiscard]] bool matches(const Labels& labels) const;

    // Redundant parentheses and double negations gone, sets sorted, strings in double quotes. Two selectors with the
    // same canonical text select the same.
    [[nodiscard]] const std::string& canonical() const noexcept { return canonical_; }

private:
    Selector(std::shared_ptr<const selector_detail::SelectorNode> root, std::string canonical);

    std::shared_ptr<const selector_detail::SelectorNode> root_;
    std::string canonical_;
};

}  // namespace drywall::policy
