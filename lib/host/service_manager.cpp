#include "drywall/host/service_manager.h"

#include <systemd/sd-daemon.h>

namespace drywall::host {

void ServiceManager::notify(const std::string& message) noexcept { (void)sd_notify(0, message.c_str()); }

Nanos ServiceManager::watchdog() noexcept {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return Nanos{0};
    return std::chrono::microseconds(microseconds);
}

}  // namespace drywall::host
