// Builds the trees of drywall/ruleset/decision.h from the classifier's traces.
//
// Threads: the builder of one generation only.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "drywall/base/drop_reason.h"
#include "drywall/base/result.h"
#include "drywall/classify/program.h"
#include "drywall/ruleset/decision.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

// What a generation's traces are once each condition has an answer.
struct Decided {
    std::vector<classify::Trace> traces;  // the classifier's, then the leaves; without conditional hits
    std::vector<DropReason> reasons;      // by trace: of those that deny; kNone where the usual one holds
    Decisions decisions;                  // empty roots: nothing is conditional
    std::vector<Inspection> inspections;  // by trace of the classifier
};

// `hits`: the generation's, `condition_of` by HitId; `undecided`: what stands in a trace until it is decided.
// kRefused, with the figure, where the trees would have more than `most_leaves` leaves.
[[nodiscard]] Result<Decided> decide(std::span<const classify::Trace> traces, std::span<const HitDescriptor> hits,
                                     std::span<const inspect::Condition> conditions, HitId undecided,
                                     std::size_t most_leaves);

}  // namespace drywall::ruleset
