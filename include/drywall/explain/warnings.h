// Warnings: what is legal and probably not meant. They block nothing.
//
// Threads: pure functions over an immutable ruleset.
// Bounds:  at most kMaxWarnings; the last one then says that there are more. The work grows with the rules of the
//          program, never with endpoints times policies.
#pragma once

#include <cstddef>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/policy/convert.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

inline constexpr std::size_t kMaxWarnings = 200;

// In the order of files, lines and columns:
//   * a policy that selects no endpoint; a rule whose selector matches nothing;
//   * a rule that no packet can reach, with the rule that takes them all and an example packet;
//   * a policy that alone makes endpoints deny by default what their profiles would allow;
//   * a Deny rule that ends common management traffic (SSH, DNS, NTP, BGP, the Kubernetes API, RDP);
//   * an endpoint with a profile that does not exist: it denies both ways;
//   * an http rule on a port that is usually TLS, or for a path that no request has once it is normalised; names that
//     rules ask for while no resolver's answers are learned.
// REQUIRES: `view` is of the inventory that the ruleset was built from.
[[nodiscard]] std::vector<Complaint> warnings(const ruleset::Ruleset& ruleset, const policy::CalicoView& view);

}  // namespace drywall::explain
