// Review: policies and rules that do nothing, and why. Exact by the compiled classes: a rule is dead when no packet at
// all gets its hit, in either world.
//
// Threads: pure functions over an immutable ruleset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/policy/convert.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

enum class DeadBecause : std::uint8_t {
    kNamesNothing,  // nothing has the labels, services or named ports that it asks for
    kShadowed,      // what comes before it takes all its packets
    kExcluded,      // its conditions exclude each other, or the endpoints that it is judged at
};
[[nodiscard]] std::string_view name(DeadBecause reason) noexcept;

struct DeadRule {
    const policy::Policy* policy = nullptr;  // of the view
    HitId hit{};
    DeadBecause reason = DeadBecause::kExcluded;
    std::string by{};                     // kShadowed: what takes the example, as Calico's string
    std::optional<net::Tuple> example{};  // kShadowed: a packet that it would match
};

// REQUIRES: `view` is of the inventory that the ruleset was built from; likewise below.
[[nodiscard]] std::vector<DeadRule> dead_rules(const ruleset::Ruleset& ruleset, const policy::CalicoView& view);

// Policies that take part and select no endpoint.
[[nodiscard]] std::vector<const policy::Policy*> policies_without_endpoints(const ruleset::Ruleset& ruleset,
                                                                            const policy::CalicoView& view);

}  // namespace drywall::explain
