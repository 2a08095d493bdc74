// Inventories of all kinds, made from a seed: few labels, few addresses and few names, so that policies overlap,
// replace, delete and hide each other often.
#pragma once

#include <cstdint>

#include "cluster.h"

namespace drywall::test {

[[nodiscard]] Cluster random_cluster(std::uint64_t seed);

// The inventory without its staged policies, and as it is after each of them was promoted.
[[nodiscard]] Cluster without_staged(const Cluster& cluster);
[[nodiscard]] Cluster with_all_promoted(const Cluster& cluster);

}  // namespace drywall::test
