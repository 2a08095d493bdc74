// One side of a rule, read with what the rule's other fields say.
//
// Threads: one pass over one source.
#pragma once

#include <optional>
#include <string>

#include "resource_readers.h"

namespace drywall::loader {

// The family that a rule is bound to so far, and by what.
struct BoundFamily {
    std::optional<net::Family> family;
    std::string by;
};

[[nodiscard]] std::string_view name_of(net::Family family) noexcept;

enum class Side : std::uint8_t { kSource, kDestination };

// Binds `bound` to the family of the first network. The rule's protocol is known already.
[[nodiscard]] policy::EntityRule read_entity(Fields& rule_fields, Side side, const policy::Rule& rule,
                                             const RuleContext& context, BoundFamily& bound);

}  // namespace drywall::loader
