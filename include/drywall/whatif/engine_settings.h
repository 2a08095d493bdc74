// The appliance's engine as its configuration describes it: one worker's, without devices.
//
// Threads: pure, but for the random seed.
#pragma once

#include "drywall/engine/engine.h"
#include "drywall/loader/settings.h"

namespace drywall::whatif {

[[nodiscard]] engine::EngineSettings engine_settings(const loader::Settings& settings);

}  // namespace drywall::whatif
