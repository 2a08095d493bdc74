#include "drywall/runtime/appliance_state.h"

namespace drywall::runtime {

ApplianceState after(ApplianceState state, ApplianceEvent event) noexcept {
    for (const Transition& row : kTransitions)
        if (row.from == state && row.event == event) return row.to;
    return state;  // not reached: the table has every pair, and a test says so
}

std::string_view name(ApplianceState state) noexcept {
    switch (state) {
        case ApplianceState::kInit: return "init";
        case ApplianceState::kReady: return "ready";
        case ApplianceState::kDegraded: return "degraded";
        case ApplianceState::kStopped: return "stopped";
    }
    return "stopped";
}

}  // namespace drywall::runtime
