// The unit of sharing between cores: what one worker writes lives on lines of its own.
#pragma once

#include <cstddef>

namespace drywall {

inline constexpr std::size_t kCacheLine = 64;

// The most packets that one burst holds, everywhere.
inline constexpr std::size_t kMaxBurst = 64;

}  // namespace drywall
