// Decisions: the texts of both worlds' hits for a trace, shared by all flow groups that were decided alike.
//
// Threads: none of its own; FlowLog's mutex guards it.
// Cost:    texts are made once per trace and generation. Equal texts of different generations are one object, so that a
//          group survives a new generation that decides it in the same way.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/verdict.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::observe {

struct DecisionTexts {
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    std::vector<std::string> enforced_hits;
    std::vector<std::string> pending_hits;
    auto operator<=>(const DecisionTexts&) const = default;
};

using Decision = std::shared_ptr<const DecisionTexts>;

class Decisions {
public:
    [[nodiscard]] Decision of(const ruleset::Ruleset& ruleset, TraceId trace);
    // For a trace whose generation was freed: the verdict is known from the event, the hits are not.
    [[nodiscard]] Decision without_hits(Verdict verdict);

private:
    [[nodiscard]] Decision intern(DecisionTexts texts);
    void forget_unused();

    std::map<std::pair<Generation, TraceId>, Decision> by_trace_;
    std::map<DecisionTexts, std::weak_ptr<const DecisionTexts>> interned_;
    std::size_t next_clean_ = 1024;
};

}  // namespace drywall::observe
