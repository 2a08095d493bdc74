// Oracle: the slow twin that is obviously right. It reads the Program rule by rule; every fast structure must agree.
//
// Threads: pure functions. Used by tests, by the self-check before a generation is published, and by explanations.
#pragma once

#include "drywall/classify/program.h"

namespace drywall::classify {

[[nodiscard]] bool matches(const AddressSet& set, const net::Address& address) noexcept;
[[nodiscard]] bool matches(const ServiceMatch& match, const net::Tuple& tuple) noexcept;
[[nodiscard]] bool matches(const Program& program, const Rule& rule, const net::Tuple& tuple) noexcept;

// REQUIRES: tuple.ingress_port < program.lanes.size()
[[nodiscard]] Trace judge(const Program& program, const net::Tuple& tuple);

}  // namespace drywall::classify
