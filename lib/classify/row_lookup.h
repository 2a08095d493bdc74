// The two kernels that read RowTables: a packet, and a burst of them.
//
// Threads: pure functions over immutable tables.
#pragma once

#include <span>

#include "tables.h"

namespace drywall::classify {

// REQUIRES: !tables.row_tables.empty(); the rest as in Classifier::lookup
[[nodiscard]] TraceId lookup_in_rows(const Tables& tables, const net::Tuple& tuple) noexcept;
void lookup_in_rows(const Tables& tables, std::span<const net::Tuple> tuples, std::span<TraceId> traces) noexcept;

}  // namespace drywall::classify
