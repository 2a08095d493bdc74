// What a ruleset says about itself: whose an address is, and which staged policies a difference is owed to.
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

namespace {

constexpr int kBeforeTiers = -1;
constexpr int kAfterTiers = std::numeric_limits<int>::max();

bool ends_step(const HitDescriptor& hit) { return hit.action == Action::kAllow || hit.action == Action::kDeny; }

// What one world decided at one step of the way (a port, the source, the destination): its hits without Log.
using Step = std::vector<const HitDescriptor*>;

std::vector<Step> steps_of(const Ruleset& ruleset, const std::vector<HitId>& hits) {
    std::vector<Step> steps(1);
    for (const HitId id : hits) {
        const HitDescriptor& hit = ruleset.hit(id);
        if (hit.action == Action::kLog) continue;
        steps.back().push_back(&hit);
        if (ends_step(hit)) steps.emplace_back();
    }
    steps.pop_back();  // the last hit of a trace always ends a step
    return steps;
}

// Where on the way of a step the hit stands: chains one after the other, each in the order of the tiers.
int rank_of(const HitDescriptor& hit, const std::vector<std::string>& tiers) {
    if (hit.kind == HitKind::kHostFailsafe || hit.kind == HitKind::kFailsafe) return kBeforeTiers;
    if (!hit.policy) return kAfterTiers;
    const auto tier = std::find(tiers.begin(), tiers.end(), hit.policy->tier) - tiers.begin();
    return static_cast<int>(hit.chain) * static_cast<int>(tiers.size()) + static_cast<int>(tier);
}

const HitDescriptor* hit_in(const Step& step, int rank, const std::vector<std::string>& tiers) {
    for (const HitDescriptor* hit : step)
        if (rank_of(*hit, tiers) == rank) return hit;
    return nullptr;
}

std::vector<PolicyRef> policies_of(const HitDescriptor& hit) {
    if (hit.kind == HitKind::kEndOfTier) return hit.armed_by;
    if (hit.policy) return {*hit.policy};
    return {};
}

std::vector<PolicyRef> staged_of(const HitDescriptor& hit) {
    std::vector<PolicyRef> staged = policies_of(hit);
    std::erase_if(staged, [](const PolicyRef& policy) { return !policy.staged; });
    return staged;
}

using Overlays = std::vector<std::pair<PolicyRef, PolicyRef>>;

std::vector<PolicyRef> overlaying(const HitDescriptor& hit, const Overlays& overlays) {
    std::vector<PolicyRef> staged;
    for (const PolicyRef& policy : policies_of(hit))
        for (const auto& [over, under] : overlays)
            if (under == policy) staged.push_back(over);
    return staged;
}

// Up to the tier where the earlier of the two decisions fell, both worlds passed on. So the worlds part in that tier:
// by a staged rule that took part there, or because the enforced rule that took part is replaced or removed, or because
// only staged policies arm the tier's end.
std::vector<PolicyRef> parted_by(const Step& enforced, const Step& pending, const std::vector<std::string>& tiers,
                                 const Overlays& overlays) {
    const int rank = std::min(rank_of(*enforced.back(), tiers), rank_of(*pending.back(), tiers));
    const HitDescriptor* is = hit_in(enforced, rank, tiers);
    const HitDescriptor* would = hit_in(pending, rank, tiers);
    if (would != nullptr && would->kind == HitKind::kRule)
        if (auto staged = staged_of(*would); !staged.empty()) return staged;
    if (is != nullptr)
        if (auto staged = overlaying(*is, overlays); !staged.empty()) return staged;
    return would == nullptr ? std::vector<PolicyRef>{} : staged_of(*would);
}

// A staged rule that decides, or a tier that only staged policies arm. Where an enforced policy arms the tier as well,
// its end would decide without the staged ones.
std::vector<PolicyRef> decided_by(const Step& pending) {
    std::vector<PolicyRef> staged = staged_of(*pending.back());
    if (staged.size() < policies_of(*pending.back()).size()) return {};
    return staged;
}

}  // namespace

std::vector<PolicyRef> Ruleset::responsible(TraceId id) const {
    const classify::Trace& both = trace(id);
    if (both.enforced == both.pending) return {};
    const std::vector<Step> enforced = steps_of(*this, both.enforced_hits);
    const std::vector<Step> pending = steps_of(*this, both.pending_hits);
    // Steps are the same in both worlds, and a deny ends the way: the shorter one ends where they differ.
    const std::size_t last = std::min(enforced.size(), pending.size()) - 1;
    std::vector<PolicyRef> policies = parted_by(enforced[last], pending[last], tables_->tiers, tables_->overlays);
    for (PolicyRef& policy : decided_by(pending[last])) policies.push_back(std::move(policy));
    std::sort(policies.begin(), policies.end());
    policies.erase(std::unique(policies.begin(), policies.end()), policies.end());
    return policies;
}

const EndpointInfo* Ruleset::endpoint_of(const net::Address& address) const noexcept {
    const auto found =
        std::lower_bound(tables_->endpoint_by_address.begin(), tables_->endpoint_by_address.end(), address,
                         [](const auto& entry, const net::Address& key) { return entry.first < key; });
    if (found == tables_->endpoint_by_address.end() || found->first != address) return nullptr;
    return &tables_->endpoints[found->second];
}

}  // namespace drywall::ruleset
