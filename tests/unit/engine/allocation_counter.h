// How many allocations this program has made: its operator new counts them.
#pragma once

#include <cstdint>

namespace drywall::engine {

[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace drywall::engine
