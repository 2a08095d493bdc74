// EAL launcher: threads that forward or generate are DPDK lcores, so that mempool caches and PMDs know them.
//
// Threads: the main thread's (lcore 0). Needs a started EAL with one worker lcore per launch(), on the right CPU.
#pragma once

#include <memory>

#include "drywall/runtime/launcher.h"

namespace drywall::runtime {

[[nodiscard]] std::unique_ptr<Launcher> make_eal_launcher();

}  // namespace drywall::runtime
