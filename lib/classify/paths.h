// Paths: a verdict in one world with the hits that led to it, interned; and traces, a path for each world.
//
// Threads: owned by one compilation, and kept for the next one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drywall/classify/program.h"
#include "interner.h"

namespace drywall::classify {

using PathId = std::uint32_t;

// Both worlds' paths in one number: what a step's judgement is per service class.
constexpr std::uint64_t both_worlds(PathId enforced, PathId pending) noexcept {
    return std::uint64_t{enforced} << 32 | pending;
}
constexpr PathId enforced_of(std::uint64_t both) noexcept { return static_cast<PathId>(both >> 32); }
constexpr PathId pending_of(std::uint64_t both) noexcept { return static_cast<PathId>(both); }

class Paths {
public:
    PathId add(Verdict verdict, std::span<const std::uint32_t> hits);
    // First one judgement, then the next, in both worlds: a deny ends the list, unless a conditional hit before it may
    // still allow.
    std::uint64_t then(std::uint64_t first, std::uint64_t next);

    TraceId trace(std::uint64_t both);
    // The trace of `first` and then `next`.
    TraceId trace(std::uint64_t first, std::uint64_t next);
    // The trace when no step existed.
    TraceId unmatched(Verdict verdict, HitId hit);

    [[nodiscard]] std::size_t trace_count() const noexcept { return traces_.size(); }
    [[nodiscard]] Trace trace(TraceId id) const;
    [[nodiscard]] std::size_t bytes() const noexcept {
        return paths_.bytes() + traces_.bytes() + then_.bytes() + joined_traces_.bytes();
    }

private:
    PathId then_in_one_world(PathId first, PathId next);
    // What a path begins with: its verdict, and whether no step of it denies whatever its conditional hits come to.
    static constexpr std::uint32_t kOpen = 0x100;
    [[nodiscard]] Verdict verdict(PathId id) const noexcept { return static_cast<Verdict>(paths_[id][0] & ~kOpen); }
    [[nodiscard]] bool ends_here(PathId id) const noexcept {
        return paths_[id][0] == static_cast<std::uint32_t>(Verdict::kDeny);
    }
    [[nodiscard]] std::vector<HitId> hits(PathId id) const;

    Interner<std::uint32_t> paths_;   // verdict, perhaps kOpen, hits...
    Interner<std::uint32_t> traces_;  // enforced path, pending path, unmatched
    Memo<2> then_;
    Memo<4> joined_traces_;  // both worlds of the first, both worlds of the next -> trace
    std::vector<std::uint32_t> scratch_;
};

}  // namespace drywall::classify
