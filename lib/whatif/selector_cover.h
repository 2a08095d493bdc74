// SelectorCover: the shortest readable selector that matches exactly some of the kin of a universe.
//
// Threads: pure functions.
// Bounds:  terms are conditions on at most two labels where these are enough, and on as many as are needed otherwise.
//          Terms are chosen greedily: at most ln(n) + 1 times as many as the fewest that cover n kin.
#pragma once

#include <string>
#include <vector>

#include "drywall/policy/selector.h"

namespace drywall::whatif {

// Selects exactly `wanted` of `universe` (label maps, all different). "all()" only where no label is there to name.
// REQUIRES: `wanted` are different indices into `universe`, at least one; keys and values are Kubernetes' labels, and
// so can be quoted.
[[nodiscard]] std::string selector_for(const std::vector<const policy::Labels*>& universe,
                                       const std::vector<std::size_t>& wanted);

}  // namespace drywall::whatif
