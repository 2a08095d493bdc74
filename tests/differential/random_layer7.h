// Scenes whose rules ask for requests and names, and what connections may show of themselves: few paths, methods and
// names, so that conditions overlap, and every way of writing a path that two readers might read differently.
#pragma once

#include <cstdint>
#include <string>

#include "dice.h"
#include "drywall/policy/resources.h"
#include "drywall/reference/connection_facts.h"
#include "random_scene.h"

namespace drywall::test {

// random_scene(), with conditions on most of its Allow rules.
[[nodiscard]] Scene random_layer7_scene(std::uint64_t seed);
// Gives most of a policy's Allow rules conditions; a policy that tracks no connections stays as it is.
void add_conditions(Dice& dice, policy::Policy& policy);
[[nodiscard]] reference::ConnectionFacts random_facts(Dice& dice);
[[nodiscard]] std::string text(const reference::ConnectionFacts& facts);

}  // namespace drywall::test
