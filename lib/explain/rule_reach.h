// RuleReach: which rules of a ruleset get packets, and where the others stand.
//
// Threads: immutable once made.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "drywall/explain/review.h"
#include "example_packet.h"

namespace drywall::explain {

using PolicyKey = std::tuple<policy::Kind, std::string, std::string>;  // kind, namespace, name
[[nodiscard]] PolicyKey key_of(const policy::Policy& policy);
[[nodiscard]] PolicyKey key_of(const ruleset::PolicyRef& ref);

class RuleReach {
public:
    // Both outlive it.
    RuleReach(const ruleset::Ruleset& ruleset, const policy::CalicoView& view);

    [[nodiscard]] bool reached(HitId hit) const { return reached_[index(hit)]; }  // some packet gets it
    // Rules, where they stand; one party speaks for all of a walk.
    [[nodiscard]] const std::map<HitId, std::vector<RuleSite>>& sites() const noexcept { return sites_; }
    [[nodiscard]] const policy::Policy* policy_of(const PolicyKey& key) const;
    [[nodiscard]] const policy::Policy* policy_of(const ruleset::HitDescriptor& hit) const;

    [[nodiscard]] std::vector<DeadRule> dead_rules() const;
    [[nodiscard]] std::vector<const policy::Policy*> policies_without_endpoints() const;

private:
    void note_reached();
    void note_sites();
    void note_walks(const classify::Walks& walks, const classify::Party* party, Direction direction,
                    std::uint16_t lane);
    void note_applying();
    [[nodiscard]] bool names_nothing(const classify::Rule& rule) const;
    [[nodiscard]] std::string decided_instead(const net::Tuple& packet, const ruleset::HitDescriptor& about) const;
    void look_for_shadow(DeadRule& rule, const std::vector<RuleSite>& sites) const;

    const ruleset::Ruleset& ruleset_;
    const classify::Program& program_;
    const policy::CalicoView& view_;
    std::map<PolicyKey, const policy::Policy*> policies_;
    std::vector<bool> reached_;  // by HitId
    std::set<classify::WalkId> walks_;
    std::map<HitId, std::vector<RuleSite>> sites_;
    std::set<PolicyKey> applying_;
};

}  // namespace drywall::explain
