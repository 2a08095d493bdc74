#include "decisions.h"

#include <algorithm>

namespace drywall::observe {

namespace {

// Traces that are remembered before the cache starts anew: it is only a cache.
constexpr std::size_t kCachedTraces = 65536;

// Behind the hits by which policy denied it: why it passed nevertheless.
constexpr const char* kSafetyOpen = "|__SAFETY__|cfg:safety-open|allow|-1";

std::vector<std::string> numbered(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits) {
    std::vector<std::string> out;
    out.reserve(hits.size());
    for (const HitId hit : hits) out.push_back(std::to_string(out.size()) + '|' + ruleset.hit(hit).text());
    return out;
}

}  // namespace

Decision Decisions::of(const ruleset::Ruleset& ruleset, TraceId trace) {
    const auto key = std::pair(ruleset.generation(), trace);
    if (const auto known = by_trace_.find(key); known != by_trace_.end()) return known->second;
    if (by_trace_.size() >= kCachedTraces) by_trace_.clear();

    const classify::Trace& decided = ruleset.trace(trace);
    std::vector<std::string> enforced_hits = numbered(ruleset, decided.enforced_hits);
    if (ruleset.only_observed(trace)) enforced_hits.push_back(std::to_string(enforced_hits.size()) + kSafetyOpen);
    Decision decision = intern({ruleset.verdict(trace).enforced, decided.pending, std::move(enforced_hits),
                                numbered(ruleset, decided.pending_hits)});
    by_trace_.emplace(key, decision);
    return decision;
}

Decision Decisions::without_hits(Verdict verdict) { return intern({verdict, verdict, {}, {}}); }

Decision Decisions::intern(DecisionTexts texts) {
    std::weak_ptr<const DecisionTexts>& slot = interned_[texts];
    if (Decision alive = slot.lock()) return alive;
    auto made = std::make_shared<const DecisionTexts>(std::move(texts));
    slot = made;
    if (interned_.size() >= next_clean_) forget_unused();
    return made;
}

void Decisions::forget_unused() {
    std::erase_if(interned_, [](const auto& entry) { return entry.second.expired(); });
    next_clean_ = std::max<std::size_t>(1024, 2 * interned_.size());
}

}  // namespace drywall::observe
