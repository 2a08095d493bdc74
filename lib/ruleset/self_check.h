// Self-check: before a generation is published, its tables answer keys from its rules' own boundaries as the oracle
// does: the first and last address of a prefix and their neighbours, the edges of port ranges, every lane. Beside the
// generation before it, most keys stand where the two differ: at the boundaries of rules that came and went, and at
// addresses that others judge now. The rest are a sample of all rules, in each generation another one.
//
// Threads: control side; deterministic, so that a failure can be repeated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/classify/classifier.h"
#include "drywall/classify/program.h"
#include "drywall/net/packet_meta.h"

namespace drywall::ruleset {

inline constexpr std::size_t kSelfCheckKeys = 2000;

// About `limit` keys or fewer. Without `before`: spread over all rules of all walks. With it: a quarter as many where
// only few rules differ. `turn` (the number of the generation) chooses among the keys.
[[nodiscard]] std::vector<net::Tuple> boundary_keys(const classify::Program& program, std::size_t limit,
                                                    const classify::Program* before = nullptr, std::uint64_t turn = 1);

// kInternal, naming the first key on which the two differ. Large programs are checked with fewer keys, because the
// oracle reads every rule for each. `before`: what was checked already, when the generation before was made.
[[nodiscard]] Status self_check(const classify::Program& program, const classify::Classifier& classifier,
                                const classify::Program* before = nullptr, std::uint64_t turn = 1);

// "protocol tcp 10.0.0.1:40000 -> 10.0.0.2:80, entering by port 0"
[[nodiscard]] std::string text(const net::Tuple& tuple);

}  // namespace drywall::ruleset
