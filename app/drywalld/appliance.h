// Appliance: every object of a running drywalld, connected, from policy files to the control socket.
//
// Threads: the main thread's.
// Life:    start() in the order in which the parts need each other, stop() backwards: nobody is asked any more, packets
//          in hand are finished, counters are collected, devices are closed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/control/controller.h"
#include "drywall/control/server.h"
#include "drywall/io/dpdk.h"
#include "drywall/loader/settings.h"
#include "drywall/observe/flow_log.h"
#include "drywall/runtime/dataplane.h"

namespace drywall::daemon {

// The policies of the appliance's directory, checked and compiled: generation 1. Needs no device.
[[nodiscard]] Result<std::unique_ptr<control::Controller>> load_policies(const loader::Settings& settings);

class Appliance {
public:
    // Forwards and answers when it returns.
    [[nodiscard]] static Result<std::unique_ptr<Appliance>> start(const loader::Settings& settings,
                                                                  std::unique_ptr<control::Controller> controller);
    ~Appliance() { stop(); }
    Appliance(const Appliance&) = delete;
    Appliance& operator=(const Appliance&) = delete;

    // Idempotent. Logs the totals.
    void stop();

private:
    explicit Appliance(std::unique_ptr<control::Controller> controller) : controller_(std::move(controller)) {}

    Status start_dataplane(const loader::Settings& settings);
    Status start_server(const loader::Settings& settings);

    // Destroyed from the bottom up.
    std::unique_ptr<control::Controller> controller_;
    observe::FlowLog flows_;
    std::unique_ptr<io::Dpdk> dpdk_;
    std::unique_ptr<runtime::Launcher> launcher_;
    std::unique_ptr<runtime::Dataplane> dataplane_;
    std::unique_ptr<control::DataplanePublisher> publisher_;
    std::unique_ptr<control::Server> server_;
};

}  // namespace drywall::daemon
