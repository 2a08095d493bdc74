// PolicyWriter: what kin were seen doing, as staged policies.
//
// Threads: one; it refers to what it was given.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "drywall/policy/resources.h"
#include "drywall/whatif/recommend.h"
#include "kin.h"
#include "seen.h"
#include "service_cover.h"

namespace drywall::whatif {

class PolicyWriter {
public:
    PolicyWriter(const policy::Inventory& inventory, const Kinship& kinship, const Seen& seen)
        : inventory_(inventory), kinship_(kinship), seen_(seen) {}

    // Kin that were seen doing the same share a policy.
    [[nodiscard]] std::vector<RecommendedPolicy> write();

private:
    // Who can be named by one rule: what a rule's selector is about depends on where the policy stands.
    enum class PlaceKind { kOwnNamespace, kNamespace, kHosts, kAnywhere, kNetsV4, kNetsV6 };
    struct Place {
        PlaceKind kind{};
        std::string ns;
        auto operator<=>(const Place&) const = default;
    };
    using Group = std::vector<KinId>;

    RecommendedPolicy policy_of(const Group& group, const std::string& tier);
    void write_rules(RecommendedPolicy& out, const Group& group, const std::string& tier, Direction direction);
    void add_rule(RecommendedPolicy& out, Direction direction, std::uint8_t protocol, const Place& place,
                  const std::vector<Counterpart>& counterparts, const ServiceRule& rule, const SeenOneWay& seen);
    void tell_unseen(RecommendedPolicy& out, const Group& group, const std::string& tier, Direction direction) const;
    void tell(RecommendedPolicy& out, const Seen::Exact& unseen) const;
    [[nodiscard]] Place place_of(const Counterpart& counterpart, const std::string& ns) const;
    [[nodiscard]] policy::EntityRule entity_of(const Place& place, const std::vector<Counterpart>& counterparts) const;
    [[nodiscard]] std::string subject_selector(const Group& group, const std::string& ns) const;
    [[nodiscard]] SeenOneWay merged(const Group& group, const std::string& tier, Direction direction) const;
    [[nodiscard]] std::string free_name(const std::string& wanted, const std::string& ns, bool namespaced);
    [[nodiscard]] double order_in(const std::string& tier) const;

    const policy::Inventory& inventory_;
    const Kinship& kinship_;
    const Seen& seen_;
    std::set<std::pair<std::string, std::string>> names_;  // given: namespace and name
};

}  // namespace drywall::whatif
