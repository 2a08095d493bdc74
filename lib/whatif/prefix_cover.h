// PrefixCover: addresses as the fewest prefixes that hold exactly these.
//
// Threads: pure functions.
#pragma once

#include <vector>

#include "drywall/net/address.h"

namespace drywall::whatif {

// REQUIRES: all of one family.
[[nodiscard]] std::vector<net::Prefix> prefixes_of(std::vector<net::Address> addresses);

}  // namespace drywall::whatif
