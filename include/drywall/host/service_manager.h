// ServiceManager: what systemd wants to hear from a service of Type=notify, and how often (sd_notify(3)).
//
// Threads: any; a message is one datagram, and nobody waits for the other side.
// Absent:  without NOTIFY_SOCKET in the environment every message goes nowhere.
#pragma once

#include <string>

#include "drywall/base/clock.h"

namespace drywall::host {

class ServiceManager {
public:
    // "READY=1\nSTATUS=..."; what can't be delivered is lost, and the service manager draws its conclusions.
    static void notify(const std::string& message) noexcept;

    // Within this time it wants to hear WATCHDOG=1 again and again (WATCHDOG_USEC, if WATCHDOG_PID is ours); 0: it does
    // not watch.
    [[nodiscard]] static Nanos watchdog() noexcept;
};

}  // namespace drywall::host
