#include "paths.h"

#include <array>

namespace drywall::classify {

PathId Paths::add(Verdict verdict, std::span<const std::uint32_t> hits) {
    scratch_.assign(1, static_cast<std::uint32_t>(verdict));
    scratch_.insert(scratch_.end(), hits.begin(), hits.end());
    return paths_.intern(scratch_);
}

PathId Paths::then(PathId first, PathId next) {
    if (verdict(first) == Verdict::kDeny) return first;
    const std::array<std::uint32_t, 2> key{first, next};
    return then_.get(key, [&] {
        const auto before = paths_[first];
        const auto after = paths_[next];
        scratch_.assign(1, after[0]);
        scratch_.insert(scratch_.end(), before.begin() + 1, before.end());
        scratch_.insert(scratch_.end(), after.begin() + 1, after.end());
        return paths_.intern(scratch_);
    });
}

TraceId Paths::trace(PathId enforced, PathId pending, bool unmatched) {
    const std::array<std::uint32_t, 3> key{enforced, pending, unmatched ? 1U : 0U};
    return TraceId{traces_.intern(key)};
}

std::vector<HitId> Paths::hits(PathId id) const {
    std::vector<HitId> hits;
    for (const std::uint32_t hit : paths_[id].subspan(1)) hits.push_back(HitId{hit});
    return hits;
}

std::vector<Trace> Paths::traces() const {
    std::vector<Trace> all;
    all.reserve(traces_.size());
    for (std::uint32_t id = 0; id < traces_.size(); ++id) {
        const auto key = traces_[id];
        all.push_back({verdict(key[0]), verdict(key[1]), key[2] != 0, hits(key[0]), hits(key[1])});
    }
    return all;
}

}  // namespace drywall::classify
