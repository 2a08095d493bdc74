// InForce: one published generation as the workers see it: the ruleset, and each worker's own counters for it.
//
// Threads: made by the control side; immutable while workers can reach it, apart from the counters (their worker's).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "drywall/engine/engine.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/telemetry/counters.h"

namespace drywall::runtime {

struct InForce {
    std::shared_ptr<const ruleset::Ruleset> ruleset;
    std::vector<std::unique_ptr<telemetry::TraceCounters>> counters;  // by WorkerId
    std::vector<std::uint32_t> paths;  // by TraceId: a fingerprint of the enforced hits' identities, never 0
    // What becomes of connections that older generations judged.
    Generation keep_from = engine::Existing::kNone;
    Generation reset_before{};

    [[nodiscard]] engine::Existing existing() const noexcept { return {keep_from, reset_before, paths}; }
};

}  // namespace drywall::runtime
