#include "paths.h"

#include <algorithm>
#include <array>

namespace drywall::classify {

PathId Paths::add(Verdict verdict, std::span<const std::uint32_t> hits) {
    const bool open = std::ranges::any_of(hits, [](std::uint32_t hit) { return is_conditional(HitId{hit}); });
    scratch_.assign(1, static_cast<std::uint32_t>(verdict) | (open ? kOpen : 0));
    scratch_.insert(scratch_.end(), hits.begin(), hits.end());
    return paths_.intern(scratch_);
}

std::uint64_t Paths::then(std::uint64_t first, std::uint64_t next) {
    const PathId enforced = then_in_one_world(enforced_of(first), enforced_of(next));
    const bool same = enforced_of(first) == pending_of(first) && enforced_of(next) == pending_of(next);
    return both_worlds(enforced, same ? enforced : then_in_one_world(pending_of(first), pending_of(next)));
}

PathId Paths::then_in_one_world(PathId first, PathId next) {
    if (ends_here(first)) return first;
    const std::array<std::uint32_t, 2> key{first, next};
    return then_.get(key, [&] {
        const auto before = paths_[first];
        const auto after = paths_[next];
        const bool both = verdict(first) == Verdict::kAllow && verdict(next) == Verdict::kAllow;
        const Verdict joined = both ? Verdict::kAllow : Verdict::kDeny;
        const std::uint32_t open = ends_here(next) ? 0 : (before[0] | after[0]) & kOpen;
        scratch_.assign(1, static_cast<std::uint32_t>(joined) | open);
        scratch_.insert(scratch_.end(), before.begin() + 1, before.end());
        scratch_.insert(scratch_.end(), after.begin() + 1, after.end());
        return paths_.intern(scratch_);
    });
}

TraceId Paths::trace(std::uint64_t both) {
    const std::array<std::uint32_t, 3> key{enforced_of(both), pending_of(both), 0};
    return TraceId{traces_.intern(key)};
}

TraceId Paths::trace(std::uint64_t first, std::uint64_t next) {
    const std::array<std::uint32_t, 4> key{enforced_of(first), pending_of(first), enforced_of(next), pending_of(next)};
    return TraceId{joined_traces_.get(key, [&] { return static_cast<std::uint32_t>(trace(then(first, next))); })};
}

TraceId Paths::unmatched(Verdict verdict, HitId hit) {
    const std::array<std::uint32_t, 1> hits{static_cast<std::uint32_t>(hit)};
    const PathId path = add(verdict, hits);
    const std::array<std::uint32_t, 3> key{path, path, 1};
    return TraceId{traces_.intern(key)};
}

std::vector<HitId> Paths::hits(PathId id) const {
    std::vector<HitId> hits;
    for (const std::uint32_t hit : paths_[id].subspan(1)) hits.push_back(HitId{hit});
    return hits;
}

Trace Paths::trace(TraceId id) const {
    const auto key = traces_[index(id)];
    return {verdict(key[0]), verdict(key[1]), key[2] != 0, hits(key[0]), hits(key[1])};
}

}  // namespace drywall::classify
