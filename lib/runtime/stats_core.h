// StatsCore: the thread that counts. It reads every worker's event ring, enters counters into the books, frees retired
// generations and carries link state.
//
// Threads: run() is the stats core's own thread; busy_ratio() may be read by any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "drywall/runtime/dataplane.h"
#include "generations.h"
#include "link_carrier.h"
#include "mtu_watch.h"
#include "worker.h"

namespace drywall::runtime {

class StatsCore {
public:
    // `each_round` is called once per round: the dataplane's own tidying.
    StatsCore(const DataplaneSettings& settings, std::span<const std::unique_ptr<Worker>> workers,
              Generations& generations, EventSink& sink, std::function<void()> each_round);

    // Until every worker has finished; then drains what they left.
    void run();

    // The share of the last whole second that the worker was busy.
    [[nodiscard]] double busy_ratio(std::size_t worker) const noexcept;

private:
    std::size_t round();
    std::size_t drain(Worker& worker);
    std::size_t drain_requests(Worker& worker);
    void deliver(std::span<const telemetry::FlowEvent> events);
    const ruleset::Ruleset* ruleset_of(Generation generation);
    void report_losses();
    void look_around(Instant now);
    void measure_busy(Instant now);
    void tell_largest_packets();
    [[nodiscard]] bool workers_finished() const;

    std::chrono::milliseconds interval_;
    std::span<const std::unique_ptr<Worker>> workers_;
    Generations& generations_;
    EventSink& sink_;
    std::function<void()> each_round_;
    std::vector<std::shared_ptr<io::Port>> ports_;
    LinkCarrier links_;
    MtuWatch mtus_;
    std::vector<telemetry::FlowEvent> events_;  // room for one helping
    std::vector<telemetry::Request> requests_;
    std::vector<std::shared_ptr<const ruleset::Ruleset>> rulesets_;  // known in this round
    std::uint64_t lost_here_ = 0;                                    // for want of memory
    std::uint64_t lost_told_ = 0;

    struct Busy {
        std::uint64_t counted = 0;     // as of the last measurement
        std::atomic<double> ratio{0};  // written by the stats core, read by any
    };
    std::vector<Busy> busy_;  // by worker
    Instant busy_measured_;
};

}  // namespace drywall::runtime
