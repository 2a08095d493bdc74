// HealthWatch: looks at a running dataplane ten times a second, keeps its Health, and tells whoever has to know: the
// log, the service manager, and the one who decides what becomes of a hung worker.
//
// Threads: one of its own, from construction to stop(); health() may be asked by any. Nothing that it waits for can
//          make it late: it reads counters, and takes no lock that is held for longer than a copy.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drywall/runtime/health.h"

namespace drywall::runtime {

struct HealthSettings {
    bool fail_open = false;
    Nanos late = Diagnosis::kLate;
    std::chrono::milliseconds every{100};
    Nanos watchdog{0};  // the service manager's; 0: there is none
    // What is wrong beside the threads. Must not wait.
    std::function<std::vector<Reason>()> others = [] { return std::vector<Reason>(); };
    // A message to the service manager ("READY=1\nSTATUS=..."). Must not wait.
    std::function<void(const std::string&)> notify = [](const std::string&) {};
    // A worker hangs: said once each time, with its name.
    std::function<void(const std::string&)> on_hung = [](const std::string&) {};
};

class HealthWatch {
public:
    // `dataplane` outlives it.
    HealthWatch(const Dataplane& dataplane, HealthSettings settings);
    ~HealthWatch();
    HealthWatch(const HealthWatch&) = delete;
    HealthWatch& operator=(const HealthWatch&) = delete;

    // Everything else is up too: READY=1 is said as soon as every worker has turned. `status` goes with it.
    void announce(std::string status);
    // STOPPED, and said so, before anything is taken down. Idempotent.
    void stop();

    [[nodiscard]] Health health() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace drywall::runtime
