// Undecided: which sides of a flow no explicit rule decides, in either world.
//
// Threads: pure functions over an immutable ruleset.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "drywall/base/verdict.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::whatif {

class Undecided {
public:
    Undecided(const policy::Inventory& inventory, const ruleset::Ruleset& ruleset)
        : inventory_(inventory), ruleset_(ruleset) {}

    // The tier in which a rule would have to stand that decides this direction of the flow; nothing when an explicit
    // rule (or a failsafe) decides it already in one of the worlds, or no endpoint is judged there.
    [[nodiscard]] std::optional<std::string> tier(TraceId trace, Direction direction) const;

private:
    [[nodiscard]] const ruleset::HitDescriptor* deciding(const std::vector<HitId>& hits, Direction direction) const;
    [[nodiscard]] bool is_explicit(const ruleset::HitDescriptor& hit) const;

    const policy::Inventory& inventory_;
    const ruleset::Ruleset& ruleset_;
};

}  // namespace drywall::whatif
