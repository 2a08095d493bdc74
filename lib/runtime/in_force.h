// InForce: one published generation as the workers see it: the ruleset, and each worker's own counters for it.
//
// Threads: made by the control side; immutable while workers can reach it, apart from the counters (their worker's).
#pragma once

#include <memory>
#include <vector>

#include "drywall/ruleset/ruleset.h"
#include "drywall/telemetry/counters.h"

namespace drywall::runtime {

struct InForce {
    std::shared_ptr<const ruleset::Ruleset> ruleset;
    std::vector<std::unique_ptr<telemetry::TraceCounters>> counters;  // by WorkerId
};

}  // namespace drywall::runtime
