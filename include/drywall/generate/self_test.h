// The self-test: how fast the generator is by itself. A result that comes near says as much about the generator as
// about what it measured.
//
// Threads: the main thread's, while no trial runs; the worker is made by `launcher`.
#pragma once

#include <chrono>

#include "drywall/base/result.h"
#include "drywall/loader/traffic_profile.h"
#include "drywall/runtime/launcher.h"

namespace drywall::generate {

// A result that is nearer to the ceiling than this is generator-limited.
inline constexpr double kHeadroom = 1.2;

// Packets per second of one worker that makes the profile's packets, at maximum rate, and receives each of them through
// memory: without any device, so that what devices cost comes on top. Of a profile with connections, those that were
// established per second.
[[nodiscard]] Result<double> self_test(const loader::TrafficProfile& profile, runtime::Launcher& launcher,
                                       unsigned core, std::chrono::milliseconds duration);

}  // namespace drywall::generate
