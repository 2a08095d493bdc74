// What random scenes are made of; one file per group of kinds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dice.h"
#include "drywall/net/address.h"
#include "drywall/policy/resources.h"
#include "random_scene.h"

namespace drywall::test {

// The words that everything is said in.
namespace words {
inline const std::vector<std::string> kNamespaces{"prod", "dev", "test"};
inline const std::vector<std::string> kAccounts{"default", "robot"};
inline const std::vector<std::string> kNodes{"n1", "n2"};
inline const std::vector<std::string> kPortNames{"http", "dns", "admin"};
inline const std::vector<std::string> kServices{"svc-a", "svc-b"};
// "p-1" and "p.1" come before "p", "p1" after it: names that try the order of ties.
inline const std::vector<std::string> kPolicyNames{"p", "p-1", "p.1", "p1", "q"};
}  // namespace words

[[nodiscard]] net::Address address_of(std::string_view text);
[[nodiscard]] net::Prefix prefix_of(std::string_view text);

[[nodiscard]] policy::Labels random_labels(Dice& dice);
[[nodiscard]] std::vector<policy::NamedPort> random_named_ports(Dice& dice);
[[nodiscard]] net::Prefix random_net(Dice& dice, net::Family family, bool catch_all);
[[nodiscard]] policy::PortRange random_ports(Dice& dice);

// Where a rule stands: what it may say depends on it.
struct RuleSpot {
    Direction direction = Direction::kIngress;
    bool namespaced = false;
    bool profile = false;
};
[[nodiscard]] policy::Rule random_rule(Dice& dice, const RuleSpot& spot);
[[nodiscard]] std::string random_selector(Dice& dice);
[[nodiscard]] policy::StagedAction random_staged_action(Dice& dice);

void add_tiers(Dice& dice, Scene& scene);
void add_inventory(Dice& dice, Scene& scene);  // endpoints, sets, profiles, services, Felix's configuration
void add_calico_policies(Dice& dice, Scene& scene);
void add_kubernetes_policies(Dice& dice, Scene& scene);

}  // namespace drywall::test
