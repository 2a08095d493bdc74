// The appliance's engine as its configuration describes it: one worker's, without devices.
//
// Threads: pure, but for the random seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "drywall/engine/engine.h"
#include "drywall/inspect/name_cache.h"
#include "drywall/loader/settings.h"

namespace drywall::whatif {

[[nodiscard]] engine::EngineSettings engine_settings(const loader::Settings& settings);

// For the names that `workers` engines learn from the configuration's resolvers; null where it names none.
[[nodiscard]] std::shared_ptr<inspect::NameCache> name_cache(const loader::Settings& settings, std::size_t workers,
                                                             std::uint64_t hash_seed);

}  // namespace drywall::whatif
