// An Amount as JSON.
//
// Threads: pure.
#pragma once

#include "drywall/whatif/json.h"

namespace drywall::whatif {

[[nodiscard]] inline Json amount_json(const Amount& amount) {
    return {{"connections", amount.connections}, {"packets", amount.traffic.packets}, {"bytes", amount.traffic.bytes}};
}

}  // namespace drywall::whatif
