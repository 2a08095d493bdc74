// Paths: a verdict in one world with the hits that led to it, interned; and traces, a path for each world.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drywall/classify/program.h"
#include "interner.h"

namespace drywall::classify {

using PathId = std::uint32_t;

class Paths {
public:
    PathId add(Verdict verdict, std::span<const std::uint32_t> hits);
    // First one judgement, then the next: a deny ends the list.
    PathId then(PathId first, PathId next);

    // REQUIRES: paths of add() or then(). `unmatched`: no step existed.
    TraceId trace(PathId enforced, PathId pending, bool unmatched);

    [[nodiscard]] std::size_t trace_count() const noexcept { return traces_.size(); }
    [[nodiscard]] std::vector<Trace> traces() const;
    [[nodiscard]] std::size_t bytes() const noexcept { return paths_.bytes() + traces_.bytes() + then_.bytes(); }

private:
    [[nodiscard]] Verdict verdict(PathId id) const noexcept { return static_cast<Verdict>(paths_[id][0]); }
    [[nodiscard]] std::vector<HitId> hits(PathId id) const;

    Interner<std::uint32_t> paths_;   // verdict, hits...
    Interner<std::uint32_t> traces_;  // enforced path, pending path, unmatched
    Memo then_;
    std::vector<std::uint32_t> scratch_;
};

}  // namespace drywall::classify
