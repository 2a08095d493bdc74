// InForce: one published generation as the workers see it: the ruleset, and each worker's own counters and
// working memory for it.
//
// Threads: made by the control side; immutable while workers can reach it, apart from what is their worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "drywall/engine/engine.h"
#include "drywall/inspect/conditions.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/telemetry/counters.h"

namespace drywall::runtime {

struct InForce {
    // A generation before this one, and when its judgements stop keeping a connection that policy denies by now.
    struct Superseded {
        Generation generation{};
        Instant kept_until;
    };

    std::shared_ptr<const ruleset::Ruleset> ruleset;
    std::vector<std::unique_ptr<telemetry::TraceCounters>> counters;       // by WorkerId
    std::vector<std::unique_ptr<inspect::ConditionWorkspace>> workspaces;  // likewise; empty: nothing is inspected
    std::vector<std::uint32_t> paths;  // by TraceId: a fingerprint of the enforced hits' identities, never 0
    // What becomes of connections that older generations judged.
    Generation keep_from = engine::Existing::kNone;
    std::vector<Superseded> superseded;  // from keep_from on, in their order; empty: nobody's time passes
    Generation reset_before{};

    [[nodiscard]] inspect::ConditionWorkspace* workspace(WorkerId worker) const noexcept {
        return workspaces.empty() ? nullptr : workspaces[index(worker)].get();
    }

    // Every worker asks for itself, with the time of its turn: a generation's grace ends whoever else hangs.
    [[nodiscard]] engine::Existing existing(Instant now) const noexcept {
        return {oldest_kept(now), reset_before, paths};
    }

private:
    [[nodiscard]] Generation oldest_kept(Instant now) const noexcept;
};

}  // namespace drywall::runtime
