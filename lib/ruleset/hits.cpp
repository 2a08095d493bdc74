#include "hits.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <initializer_list>
#include <utility>

#include "world.h"

namespace drywall::ruleset {

namespace {

std::string join(std::initializer_list<std::string_view> parts) {
    std::string joined;
    for (const std::string_view part : parts) {
        if (!joined.empty()) joined += '|';
        joined += part;
    }
    return joined;
}

std::string_view place(bool forward) { return forward ? "forward" : "endpoint"; }
std::string_view mode(bool staged) { return staged ? "staged" : "enforced"; }

std::string rule_identity(const RuleHit& hit, const PolicyRef& policy) {
    return join({"rule", mode(policy.staged), policy.tier, policy.text(), name(hit.direction), place(hit.forward),
                 hit.content, std::to_string(hit.occurrence)});
}

std::string end_identity(const EndOfTierHit& hit, const std::vector<PolicyRef>& armed_by, bool names_first) {
    std::string names;
    for (const PolicyRef& policy : armed_by) names += policy.text() + "\n";
    const bool staged = std::any_of(armed_by.begin(), armed_by.end(), [](const PolicyRef& p) { return p.staged; });
    std::string identity = join(
        {"end", mode(staged), hit.tier, name(hit.direction), place(hit.forward), name(hit.action), fingerprint(names)});
    return names_first ? identity + "|first" : identity;
}

std::string subject(const HitDescriptor& hit) {
    switch (hit.kind) {
        case HitKind::kRule:
        case HitKind::kEndOfTier: return hit.policy ? hit.policy->text() : std::string("eot:__NO_MATCH__");
        case HitKind::kProfile: return "pro:" + hit.profile;
        case HitKind::kNoProfile: return "pro:__NO_MATCH__";
        case HitKind::kForwardDefault: return "hep:__NO_MATCH__";
        case HitKind::kHostFailsafe: return "hep:" + hit.service;
        case HitKind::kFailsafe: return "cfg:" + hit.service;
        case HitKind::kUnmatched: return "cfg:unmatched";
        case HitKind::kUndecided: return "l7:undecided";
    }
    return "cfg:unmatched";
}

std::string tier_field(const HitDescriptor& hit) {
    switch (hit.kind) {
        case HitKind::kRule:
        case HitKind::kEndOfTier: return hit.policy ? hit.policy->tier : std::string{};
        case HitKind::kProfile:
        case HitKind::kNoProfile: return "__PROFILE__";
        case HitKind::kForwardDefault: return "__FORWARD__";
        case HitKind::kHostFailsafe:
        case HitKind::kFailsafe: return "__FAILSAFE__";
        case HitKind::kUnmatched: return "__UNMATCHED__";
        case HitKind::kUndecided: return "__UNDECIDED__";
    }
    return "__UNMATCHED__";
}

}  // namespace

std::string_view name(HitKind kind) noexcept {
    switch (kind) {
        case HitKind::kRule: return "rule";
        case HitKind::kEndOfTier: return "end-of-tier";
        case HitKind::kProfile: return "profile";
        case HitKind::kNoProfile: return "no-profile";
        case HitKind::kForwardDefault: return "forward-default";
        case HitKind::kHostFailsafe: return "host-failsafe";
        case HitKind::kFailsafe: return "failsafe";
        case HitKind::kUnmatched: return "unmatched";
        case HitKind::kUndecided: return "undecided";
    }
    return "unmatched";
}

std::string PolicyRef::text() const {
    return std::string(policy::short_name(kind)) + ":" + (ns.empty() ? "" : ns + "/") + name;
}

std::string HitDescriptor::text() const {
    return join({tier_field(*this), subject(*this), drywall::name(action), std::to_string(rule_index)});
}

std::string fingerprint(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3ULL;
    }
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
    return digits.data();
}

HitId HitTable::intern(HitDescriptor hit) {
    if (hit.enforced_twin.empty()) hit.enforced_twin = hit.identity;
    const HitId next{static_cast<std::uint32_t>(hits_.size())};
    const auto [entry, fresh] = by_identity_.try_emplace(hit.identity, next);
    if (fresh) hits_.push_back(std::move(hit));
    return entry->second;
}

HitId HitTable::rule(const RuleHit& hit) {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kRule;
    descriptor.policy = hit.policy;
    descriptor.direction = hit.direction;
    descriptor.forward = hit.forward;
    descriptor.chain = hit.chain;
    descriptor.rule_index = hit.index;
    descriptor.action = hit.action;
    descriptor.identity = rule_identity(hit, hit.policy);
    descriptor.enforced_twin = rule_identity(hit, after_promotion(hit.policy));
    return intern(std::move(descriptor));
}

HitId HitTable::end_of_tier(const EndOfTierHit& hit) {
    std::vector<PolicyRef> promoted;
    for (const PolicyRef& policy : hit.armed_by) promoted.push_back(after_promotion(policy));
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kEndOfTier;
    descriptor.policy = hit.names_first ? hit.armed_by.front() : hit.armed_by.back();
    descriptor.direction = hit.direction;
    descriptor.forward = hit.forward;
    descriptor.action = hit.action;
    descriptor.armed_by = hit.armed_by;
    descriptor.identity = end_identity(hit, hit.armed_by, hit.names_first);
    descriptor.enforced_twin = end_identity(hit, promoted, false);
    return intern(std::move(descriptor));
}

HitId HitTable::profile(const ProfileHit& hit) {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kProfile;
    descriptor.profile = hit.profile;
    descriptor.direction = hit.direction;
    descriptor.rule_index = hit.index;
    descriptor.action = hit.action;
    descriptor.identity =
        join({"profile", hit.profile, name(hit.direction), hit.content, std::to_string(hit.occurrence)});
    return intern(std::move(descriptor));
}

HitId HitTable::no_profile(Direction direction) {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kNoProfile;
    descriptor.direction = direction;
    descriptor.rule_index = 0;
    descriptor.identity = join({"no-profile", name(direction)});
    return intern(std::move(descriptor));
}

HitId HitTable::forward_default(Direction direction) {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kForwardDefault;
    descriptor.direction = direction;
    descriptor.forward = true;
    descriptor.action = Action::kAllow;
    descriptor.identity = join({"forward-default", name(direction)});
    return intern(std::move(descriptor));
}

HitId HitTable::host_failsafe(Direction direction, int entry, const std::string& service, const std::string& content) {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kHostFailsafe;
    descriptor.service = service;
    descriptor.direction = direction;
    descriptor.rule_index = entry;
    descriptor.action = Action::kAllow;
    descriptor.identity = join({"host-failsafe", name(direction), service, content});
    // The lists of two nodes may hold the same port at different places.
    const auto known = by_identity_.find(descriptor.identity);
    if (known != by_identity_.end() && hits_[index(known->second)].rule_index != entry)
        descriptor.identity = join({descriptor.identity, std::to_string(entry)});
    return intern(std::move(descriptor));
}

HitId HitTable::failsafe(int entry, const std::string& service, const std::string& content) {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kFailsafe;
    descriptor.service = service;
    descriptor.rule_index = entry;
    descriptor.action = Action::kAllow;
    descriptor.identity = join({"failsafe", service, content});
    return intern(std::move(descriptor));
}

HitId HitTable::unmatched(Verdict verdict) {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kUnmatched;
    descriptor.action = verdict == Verdict::kAllow ? Action::kAllow : Action::kDeny;
    descriptor.identity = join({"unmatched", name(verdict)});
    return intern(std::move(descriptor));
}

HitId HitTable::undecided() {
    HitDescriptor descriptor{};
    descriptor.kind = HitKind::kUndecided;
    descriptor.action = Action::kAllow;
    descriptor.identity = "undecided";
    return intern(std::move(descriptor));
}

}  // namespace drywall::ruleset
