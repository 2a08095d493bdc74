#include "decisions.h"

#include <algorithm>

namespace drywall::observe {

namespace {

// Behind the hits by which policy denied it: why it passed nevertheless.
constexpr const char* kSafetyOpen = "|__SAFETY__|cfg:safety-open|allow|-1";

std::vector<Hit> numbered(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits) {
    std::vector<Hit> out;
    out.reserve(hits.size());
    for (const HitId hit : hits) out.push_back(hit_of(std::to_string(out.size()) + '|' + ruleset.hit(hit).text()));
    return out;
}

// Equal for equal decisions: no text holds a line feed.
std::string key_of(const Decided& decided) {
    std::string key(name(decided.enforced));
    key += '\n';
    key += name(decided.pending);
    key += '\n';
    key += name(decided.drop_reason);
    key += decided.known ? "\n+" : "\n-";
    for (const Hit& hit : decided.enforced_hits) (key += '\n') += hit.text;
    key += '\n';
    for (const Hit& hit : decided.pending_hits) (key += '\n') += hit.text;
    key += '\n';
    for (const std::string& policy : decided.responsible) (key += '\n') += policy;
    return key;
}

PartyType type_of(policy::Kind kind) noexcept {
    return kind == policy::Kind::kHostEndpoint ? PartyType::kHost : PartyType::kWorkload;
}

}  // namespace

Decided decided_by(const ruleset::Ruleset& ruleset, TraceId trace) {
    const classify::Trace& both = ruleset.trace(trace);
    // What happened, which is not what policy decided while nothing is enforced.
    Decided decided{.enforced = ruleset.verdict(trace).enforced,
                    .pending = both.pending,
                    .drop_reason = ruleset.verdict(trace).reason,
                    .known = true,
                    .enforced_hits = numbered(ruleset, both.enforced_hits),
                    .pending_hits = numbered(ruleset, both.pending_hits),
                    .responsible = {}};
    if (ruleset.only_observed(trace))
        decided.enforced_hits.push_back(hit_of(std::to_string(decided.enforced_hits.size()) + kSafetyOpen));
    for (const ruleset::PolicyRef& policy : ruleset.responsible(trace)) decided.responsible.push_back(policy.text());
    return decided;
}

Decision Decisions::of(const ruleset::Ruleset& ruleset, TraceId trace) {
    if (ruleset.generation() != generation_) {
        by_trace_.clear();
        generation_ = ruleset.generation();
    }
    if (const auto known = by_trace_.find(trace); known != by_trace_.end()) return known->second;
    Decision decision = intern(decided_by(ruleset, trace));
    by_trace_.emplace(trace, decision);
    return decision;
}

Decision Decisions::without_hits(Verdict verdict) {
    Decision& known = without_hits_[verdict == Verdict::kAllow ? 1 : 0];
    if (known) return known;
    Decided decided;
    decided.enforced = decided.pending = verdict;
    decided.drop_reason = verdict == Verdict::kAllow ? DropReason::kNone : DropReason::kPolicyDeny;
    decided.known = false;
    return known = intern(std::move(decided));
}

Decision Decisions::intern(Decided decided) {
    std::weak_ptr<const Decided>& slot = interned_[key_of(decided)];
    if (Decision alive = slot.lock()) return alive;
    auto made = std::make_shared<const Decided>(std::move(decided));
    slot = made;
    if (interned_.size() >= next_clean_) forget_unused();
    return made;
}

void Decisions::forget_unused() {
    std::erase_if(interned_, [](const auto& entry) { return entry.second.expired(); });
    next_clean_ = std::max<std::size_t>(1024, 2 * interned_.size());
}

std::shared_ptr<const Party> Parties::of(const ruleset::Ruleset* ruleset, const net::Address& address) {
    static const auto nobody = std::make_shared<const Party>();
    if (ruleset == nullptr) return nobody;
    if (ruleset->generation() != generation_) {
        known_.clear();
        generation_ = ruleset->generation();
    }
    const ruleset::EndpointInfo* endpoint = ruleset->endpoint_of(address);
    if (endpoint == nullptr) return nobody;
    std::shared_ptr<const Party>& known = known_[endpoint];
    if (!known)
        known = std::make_shared<const Party>(Party{type_of(endpoint->id.kind), endpoint->id.text(), endpoint->id.ns,
                                                    endpoint->id.name, endpoint->labels});
    return known;
}

}  // namespace drywall::observe
