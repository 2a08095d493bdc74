// Service classes: all packets that no ServiceMatch tells apart share one. Each dimension (family and protocol, source
// port, destination port, ICMP type and code) is cut where a match begins or ends; a representative of each part is
// shown to the oracle, so that the table holds by construction what the oracle says.
//
// Threads: pure functions.
#pragma once

#include <span>
#include <vector>

#include "bit_matrix.h"
#include "drywall/base/result.h"
#include "drywall/classify/program.h"
#include "table_layout.h"

namespace drywall::classify {

// A cube of port classes beyond this is no policy any more, but a scatter of ports on both sides.
inline constexpr std::size_t kMaxServiceCells = std::size_t{1} << 24;
inline constexpr std::size_t kMaxServiceClasses = 65535;

struct ServiceClasses {
    ServiceTable table;
    std::size_t count = 0;
    BitMatrix holds;  // [match][service class]
};

// Refuses, before it allocates, what would take more than `budget_bytes`, kMaxServiceCells or kMaxServiceClasses.
[[nodiscard]] Result<ServiceClasses> build_service_classes(std::span<const ServiceMatch> matches,
                                                           std::size_t budget_bytes);

// The match as numbers: equal matches give equal sequences.
[[nodiscard]] std::vector<std::uint32_t> fingerprint(const ServiceMatch& match);

}  // namespace drywall::classify
