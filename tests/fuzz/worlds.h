// Worlds: policies for the engine's fuzz targets, between client 10.0.0.1, server 10.1.0.9 and those beside them; and
// generations of them, published as runtime::Generations does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/engine/engine.h"
#include "drywall/policy/resources.h"
#include "drywall/policy/surroundings.h"
#include "drywall/ruleset/ruleset.h"
#include "resources.h"

namespace drywall::fuzz {

// An inventory with what surrounds it, and its tables.
class World {
public:
    World(policy::Inventory inventory, policy::Surroundings surroundings);

    [[nodiscard]] const policy::Inventory& inventory() const { return inventory_; }
    [[nodiscard]] const policy::Surroundings& surroundings() const { return surroundings_; }
    [[nodiscard]] const ruleset::Ruleset& ruleset() const { return *ruleset_; }
    // By TraceId: fingerprints of the enforced hits, equal across generations and worlds.
    [[nodiscard]] const std::vector<std::uint32_t>& paths() const { return paths_; }

private:
    policy::Inventory inventory_;
    policy::Surroundings surroundings_;
    engine::RulesetPtr ruleset_;
    std::vector<std::uint32_t> paths_;
};

// Compiled at the first call, which is none of an input's: libFuzzer runs an empty one first.
[[nodiscard]] const std::vector<World>& worlds();

// The same with staged policies beside them.
[[nodiscard]] const std::vector<World>& rehearsing_worlds();

// What becomes of the connections that are there.
enum class How : std::uint8_t { kRecheck, kKeep, kReset };

struct Publication {
    engine::RulesetPtr ruleset;
    engine::Existing existing;
};

// `before`: the publication in force; null: there is none.
[[nodiscard]] Publication publish(const World& world, Generation generation, ruleset::Enforcement enforcement, How how,
                                  const Publication* before);

}  // namespace drywall::fuzz
