// What of a configuration is DPDK's: the memory, the devices by PortId, and the cores.
//
// Threads: a pure function.
#pragma once

#include "drywall/io/dpdk.h"
#include "drywall/loader/settings.h"

namespace drywall::io {

[[nodiscard]] DpdkSettings dpdk_settings(const loader::Settings& settings);

}  // namespace drywall::io
