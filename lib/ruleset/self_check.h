// Self-check: before a generation is published, its tables answer keys from its rules' own boundaries as the oracle
// does: the first and last address of a prefix and their neighbours, the edges of port ranges, every lane.
//
// Threads: control side; deterministic, so that a failure can be repeated.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/classify/classifier.h"
#include "drywall/classify/program.h"
#include "drywall/net/packet_meta.h"

namespace drywall::ruleset {

inline constexpr std::size_t kSelfCheckKeys = 2000;

// About `limit` keys or fewer, spread over all rules of all walks.
[[nodiscard]] std::vector<net::Tuple> boundary_keys(const classify::Program& program, std::size_t limit);

// kInternal, naming the first key on which the two differ. Large programs are checked with fewer keys, because the
// oracle reads every rule for each.
[[nodiscard]] Status self_check(const classify::Program& program, const classify::Classifier& classifier,
                                std::size_t limit = kSelfCheckKeys);

// "protocol tcp 10.0.0.1:40000 -> 10.0.0.2:80, entering by port 0"
[[nodiscard]] std::string text(const net::Tuple& tuple);

}  // namespace drywall::ruleset
