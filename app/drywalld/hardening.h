// What drywalld gives away of its rights, and when; and how it ends when it is told not to live with a hung worker.
//
// Threads: take_on_identity() before the first thread is made, give_up_what_is_not_needed() when the devices are open
//          and before anybody is served: the main thread's. end_because_of(): any thread's.
#pragma once

#include <string>

#include "drywall/base/result.h"
#include "drywall/host/privileges.h"
#include "drywall/loader/settings.h"

namespace drywall::daemon {

inline constexpr int kExitHungWorker = 5;

// What the configured devices need to be opened, and what of it the appliance needs as long as it runs: link state is
// carried, XDP programs are taken off at the end.
struct NeededCapabilities {
    host::Capabilities to_open;
    host::Capabilities to_run;
};
[[nodiscard]] Result<NeededCapabilities> needed_capabilities(const loader::Settings& settings);

[[nodiscard]] Status take_on_identity(const loader::Settings& settings);
[[nodiscard]] Status give_up_what_is_not_needed(const loader::Settings& settings);

// `workers.hung: exit`: at once, without taking anything down, because that would wait for the worker.
[[noreturn]] void end_because_of(const std::string& hung_worker);

}  // namespace drywall::daemon
