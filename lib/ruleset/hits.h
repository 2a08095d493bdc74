// HitTable: the descriptors of one generation, each known by its identity.
//
// Threads: the builder of one generation only.
// Invariant: identities are unique within a generation; an identity that is not about staged policies never depends on
//            one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

// 64 bits of FNV-1a as hexadecimal digits: stable across builds and machines, because counters outlive both.
[[nodiscard]] std::string fingerprint(std::string_view text);

struct RuleHit {
    PolicyRef policy;
    Direction direction = Direction::kIngress;
    bool forward = false;
    Chain chain = Chain::kTiers;
    int index = 0;
    Action action = Action::kDeny;
    std::string content;         // fingerprint of what the rule says
    std::size_t occurrence = 0;  // among the rules of the same content in this policy and direction
};

struct ProfileHit {
    std::string profile;
    Direction direction = Direction::kIngress;
    int index = 0;
    Action action = Action::kAllow;
    std::string content;         // as in RuleHit
    std::size_t occurrence = 0;  //
};

struct EndOfTierHit {
    std::string tier;
    Direction direction = Direction::kIngress;
    bool forward = false;
    Action action = Action::kDeny;
    std::vector<PolicyRef> armed_by;  // in the order of evaluation, not empty
    bool names_first = false;         // Calico's pending walk names the first of them, everything else the last
};

class HitTable {
public:
    HitId rule(const RuleHit& hit);
    HitId end_of_tier(const EndOfTierHit& hit);
    HitId profile(const ProfileHit& hit);
    HitId no_profile(Direction direction);
    HitId forward_default(Direction direction);
    // `service`: "tcp/22"; `content`: fingerprint of where it is open to. Entry of the list of that direction.
    HitId host_failsafe(Direction direction, int entry, const std::string& service, const std::string& content);
    HitId failsafe(int entry, const std::string& service, const std::string& content);
    HitId unmatched(Verdict verdict);
    HitId undecided();

    // The rule allows only where `condition` holds. REQUIRES: `hit` is of this table
    void add_condition(HitId hit, inspect::ConditionId condition) { hits_[index(hit)].condition = condition; }

    // REQUIRES: `hit` is of this table.
    [[nodiscard]] const HitDescriptor& operator[](HitId hit) const noexcept { return hits_[index(hit)]; }

    [[nodiscard]] std::vector<HitDescriptor> take() { return std::move(hits_); }

private:
    HitId intern(HitDescriptor hit);

    std::vector<HitDescriptor> hits_;
    std::map<std::string, HitId> by_identity_;
};

}  // namespace drywall::ruleset
