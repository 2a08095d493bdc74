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
#include "drywall/control/denial_watch.h"
#include "drywall/control/ipfix_exporter.h"
#include "drywall/control/server.h"
#include "drywall/control/watchman.h"
#include "drywall/io/dpdk.h"
#include "drywall/loader/settings.h"
#include "drywall/observe/flow_log.h"
#include "drywall/observe/flow_recorder.h"
#include "drywall/runtime/dataplane.h"
#include "drywall/runtime/health_watch.h"
#include "drywall/store/generation_store.h"

namespace drywall::daemon {

// What `drywalld --check` checks: the policies of the appliance's directory. Nothing is stored, no device is needed.
[[nodiscard]] Status check_policies(const loader::Settings& settings);

// The appliance's memory, and what came out of it: the last confirmed generation, or the policies of the directory as
// the first one.
struct Brain {
    std::unique_ptr<store::GenerationStore> store;  // null: nothing_to_enforce
    std::unique_ptr<control::Controller> controller;
    std::string nothing_to_enforce{};  // why; empty: policies are enforced
};
// With `fail: open`, policies that can't be brought back are no error: nothing is declared, and everything passes.
[[nodiscard]] Result<Brain> load_policies(const loader::Settings& settings);

class Appliance {
public:
    // Forwards and answers when it returns, with no more rights than that needs.
    [[nodiscard]] static Result<std::unique_ptr<Appliance>> start(const loader::Settings& settings, Brain brain);
    ~Appliance() { stop(); }
    Appliance(const Appliance&) = delete;
    Appliance& operator=(const Appliance&) = delete;

    // Idempotent. Logs the totals.
    void stop();

private:
    explicit Appliance(Brain brain)
        : store_(std::move(brain.store)),
          controller_(std::move(brain.controller)),
          nothing_to_enforce_(std::move(brain.nothing_to_enforce)) {}

    Status start_dataplane(const loader::Settings& settings);
    void start_watch(const loader::Settings& settings);
    [[nodiscard]] std::vector<runtime::Reason> troubles();
    Status start_server(const loader::Settings& settings);

    // Destroyed from the bottom up.
    std::unique_ptr<store::GenerationStore> store_;
    std::unique_ptr<control::Controller> controller_;
    std::string nothing_to_enforce_;
    std::string store_trouble_;  // as it was last known; the watch's own
    observe::FlowLog flows_;
    control::DenialWatch denials_{flows_};
    std::unique_ptr<observe::FlowRecorder> recorder_;
    std::unique_ptr<io::Dpdk> dpdk_;
    std::unique_ptr<runtime::Launcher> launcher_;
    std::unique_ptr<runtime::Dataplane> dataplane_;
    std::unique_ptr<runtime::HealthWatch> watch_;
    std::unique_ptr<control::DataplanePublisher> publisher_;
    std::unique_ptr<control::IpfixExporter> ipfix_;
    std::unique_ptr<control::Server> server_;
    std::unique_ptr<control::Watchman> watchman_;
};

}  // namespace drywall::daemon
