// Drill: a lock-out rehearsed on a copy. A candidate generation is planned, checked and compiled beside the one in
// force, and put to what was seen lately; nothing is published, stored or armed.
//
// Threads: pure functions.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/control/lockout.h"
#include "drywall/loader/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::control {

// The worst policy that there is, for who brings none: it denies everything to every endpoint, before all others.
[[nodiscard]] loader::Source deny_everything();

// One entry of the appliance's failsafe list, asked at the candidate.
struct DrilledFailsafe {
    std::string service;  // "tcp/22"
    std::string to;       // "192.0.2.10/32"
    bool open = false;    // what the entry names passes under the candidate
};

struct Drill {
    Generation current{};
    bool built_in = false;  // deny_everything()
    bool enforced_changed = false;
    Lockouts lockouts;
    Nanos build_time{0};
    std::vector<DrilledFailsafe> failsafes;
};

[[nodiscard]] Drill drilled(const ruleset::Ruleset& current, const ruleset::Ruleset& candidate,
                            std::span<const observe::FlowGroup> seen, std::span<const ManagementService> management);

}  // namespace drywall::control
