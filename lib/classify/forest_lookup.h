// Looking a packet up in a DecisionForest: the plain kernel, one packet after the other in plain arithmetic, and the
// burst kernel, which goes down all trees for all packets a step at a time.
//
// Threads: pure functions on immutable tables.
#pragma once

#include <span>

#include "decision_forest.h"
#include "drywall/base/ids.h"
#include "drywall/net/packet_meta.h"

namespace drywall::classify {

[[nodiscard]] std::uint32_t lookup(const DecisionForest& forest, const net::Tuple& tuple) noexcept;

// REQUIRES: traces.size() >= tuples.size(), tuples.size() <= kMaxBurst
void lookup(const DecisionForest& forest, std::span<const net::Tuple> tuples, std::span<TraceId> traces) noexcept;

}  // namespace drywall::classify
