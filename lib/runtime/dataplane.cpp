#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "drop_hub.h"
#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"
#include "drywall/runtime/dataplane.h"
#include "generations.h"
#include "memory_policy.h"
#include "quiescence.h"
#include "stats_core.h"
#include "worker.h"

namespace drywall::runtime {

namespace {

constexpr std::chrono::microseconds kPollEvery{50};     // while a publication or a census waits for workers
constexpr std::chrono::milliseconds kStopIsLate{2000};  // then stop() says whom it waits for

class WorkersAndStats final : public Dataplane {
public:
    WorkersAndStats(DataplaneSettings settings, std::shared_ptr<const ruleset::Ruleset> first, Launcher& launcher,
                    EventSink& sink);
    ~WorkersAndStats() override { WorkersAndStats::stop(); }

    Status launch();
    Status publish(std::shared_ptr<const ruleset::Ruleset> next, Existing existing) override;
    [[nodiscard]] std::shared_ptr<const ruleset::Ruleset> current() const override { return generations_.current(); }
    [[nodiscard]] Snapshot snapshot() override;
    [[nodiscard]] Vitals vitals() const override;
    [[nodiscard]] Census census() override;
    [[nodiscard]] std::vector<inspect::KnownName> names() const override {
        const auto& names = settings_.engine.layer7.names;
        return names == nullptr ? std::vector<inspect::KnownName>() : names->known(monotonic_now());
    }
    [[nodiscard]] Result<std::unique_ptr<DropWatch>> watch_drops(std::size_t bytes) override {
        return drops_->watch(bytes);
    }
    void stop() override;

private:
    // A generation that some worker may still read although another one is in force again.
    struct PutAside {
        Generation generation{};
        std::uint64_t token = 0;
    };

    // One worker's part in a census.
    struct CensusTaker {
        WorkerId worker{};
        Instant heard;  // when it made its last step
        std::uint64_t steps = 0;
    };

    [[nodiscard]] Status refuse_if_unfit(const ruleset::Ruleset& next) const;
    [[nodiscard]] bool all_pass(std::uint64_t token);
    Error put_back(const InForce& previous, Generation failed, std::uint64_t token);
    void retire_what_was_put_aside();
    [[nodiscard]] std::string names_of(const std::vector<WorkerId>& workers) const;
    void count_workers(Snapshot& snapshot) const;
    void count_ports(Snapshot& snapshot) const;
    void say_who_is_late_to_stop() const;
    [[nodiscard]] bool has_answered(CensusTaker& taker, Census& census);

    const DataplaneSettings settings_;
    Launcher& launcher_;
    Quiescence quiescence_;
    Generations generations_;
    std::atomic<const InForce*> in_force_;  // control writes, workers read
    std::atomic<bool> stop_workers_{false};
    const std::shared_ptr<DropHub> drops_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::size_t launched_ = 0;  // of them
    std::unique_ptr<StatsCore> stats_;
    std::atomic<std::int64_t> stats_heartbeat_;  // the stats core writes, others read; likewise below
    std::atomic<std::uint64_t> stats_rounds_{0};

    std::mutex publish_mutex_;  // one publication at a time; stop() too
    bool stopped_ = false;
    Generation newest_{};  // ever handed in
    std::mutex aside_mutex_;
    std::vector<PutAside> aside_;  // control adds, stats core takes
    std::atomic<std::uint64_t> swaps_{0};
    std::mutex census_mutex_;  // one census at a time
};

std::vector<int> nodes_of(const std::vector<unsigned>& cores) {
    std::vector<int> nodes;
    for (const unsigned core : cores) nodes.push_back(numa_node_of(core));
    return nodes;
}

WorkersAndStats::WorkersAndStats(DataplaneSettings settings, std::shared_ptr<const ruleset::Ruleset> first,
                                 Launcher& launcher, EventSink& sink)
    : settings_(std::move(settings)),
      launcher_(launcher),
      quiescence_(settings_.worker_cores.size()),
      generations_(nodes_of(settings_.worker_cores), settings_.existing_grace),
      drops_(std::make_shared<DropHub>(settings_.worker_cores.size(), settings_.drop_ring,
                                       [this] { return generations_.known(); })),
      stats_heartbeat_(monotonic_now().since_start.count()),
      newest_(first->generation()) {
    in_force_.store(&generations_.admit(std::move(first), Existing::kRecheck, nullptr, monotonic_now()),
                    std::memory_order_release);
    generations_.set_current(newest_);
    for (std::size_t id = 0; id < settings_.worker_cores.size(); ++id) {
        const PreferredNode near_its_core(numa_node_of(settings_.worker_cores[id]));
        workers_.push_back(std::make_unique<Worker>(WorkerId(id), settings_, in_force_, quiescence_, stop_workers_,
                                                    drops_->desk(WorkerId(id))));
    }
    stats_ = std::make_unique<StatsCore>(settings_, workers_, generations_, sink, [this] {
        stats_heartbeat_.store(monotonic_now().since_start.count(), std::memory_order_relaxed);
        stats_rounds_.fetch_add(1, std::memory_order_relaxed);
        retire_what_was_put_aside();
    });
}

Status WorkersAndStats::launch() {
    for (std::size_t id = 0; id < workers_.size(); ++id) {
        Worker& worker = *workers_[id];
        if (auto launched = launcher_.launch(worker.core(), "worker-" + std::to_string(id), [&] { worker.run(); });
            !launched)
            return launched;
        ++launched_;
    }
    return launcher_.launch(settings_.stats_core, "stats", [this] { stats_->run(); });
}

Status WorkersAndStats::refuse_if_unfit(const ruleset::Ruleset& next) const {
    if (stopped_) return Error::of(ErrorKind::kUnavailable, "the dataplane has stopped; nothing can be published");
    if (next.generation() <= newest_)
        return Error::of(ErrorKind::kConflict, "generation " + std::to_string(index(next.generation())) +
                                                   " is not newer than " + std::to_string(index(newest_)) +
                                                   ", which was handed in before");
    return Done{};
}

Status WorkersAndStats::publish(std::shared_ptr<const ruleset::Ruleset> next, Existing existing) {
    const std::lock_guard lock(publish_mutex_);
    if (auto fit = refuse_if_unfit(*next); !fit) return fit;
    newest_ = next->generation();
    {
        const std::lock_guard aside(aside_mutex_);
        aside_.reserve(aside_.size() + 1);  // others only take from it: what is published can be put there
    }

    const InForce& previous = *in_force_.load(std::memory_order_relaxed);
    const Generation retiring = previous.ruleset->generation();
    in_force_.store(&generations_.admit(std::move(next), existing, &previous, monotonic_now()),
                    std::memory_order_release);
    const std::uint64_t token = quiescence_.start();
    if (!all_pass(token)) return put_back(previous, newest_, token);

    generations_.set_current(newest_);
    // The publication has succeeded: books that can't be written for want of memory are the stats core's next round's.
    if (!as_memory_allows([&] { generations_.retire(retiring); })) {
        const std::lock_guard aside(aside_mutex_);
        aside_.push_back({retiring, token});
    }
    swaps_.fetch_add(1, std::memory_order_relaxed);
    return Done{};
}

bool WorkersAndStats::all_pass(std::uint64_t token) {
    const Instant deadline = monotonic_now() + settings_.swap_timeout;
    while (!quiescence_.passed(token)) {
        if (monotonic_now() > deadline) return false;
        std::this_thread::sleep_for(kPollEvery);
    }
    return true;
}

// The late worker may hold either generation and the others have used both, so neither is freed: the previous one is in
// force again, and the failed one is retired once everyone has passed by.
Error WorkersAndStats::put_back(const InForce& previous, Generation failed, std::uint64_t token) {
    in_force_.store(&previous, std::memory_order_release);
    {
        const std::lock_guard lock(aside_mutex_);
        aside_.push_back({failed, quiescence_.start()});
    }
    const std::string late = names_of(quiescence_.late(token));
    return Error::of(ErrorKind::kUnavailable,
                     "generation " + std::to_string(index(failed)) + " was not published: " + late +
                         " did not answer within " + std::to_string(settings_.swap_timeout.count()) +
                         " ms; generation " + std::to_string(index(previous.ruleset->generation())) + " stays in force",
                     "look at the worker's heartbeat in `drywall status`; a device that hangs needs a restart");
}

void WorkersAndStats::retire_what_was_put_aside() {
    const std::lock_guard lock(aside_mutex_);
    std::erase_if(aside_, [&](const PutAside& aside) {
        if (!quiescence_.passed(aside.token)) return false;
        return as_memory_allows([&] { generations_.retire(aside.generation); });  // else in the next round
    });
}

std::string WorkersAndStats::names_of(const std::vector<WorkerId>& workers) const {
    if (workers.empty()) return "a worker that has answered since";
    std::string names;
    for (const WorkerId id : workers) {
        if (!names.empty()) names += ", ";
        names += "worker " + std::to_string(index(id)) + " (CPU " + std::to_string(workers_[index(id)]->core()) + ")";
    }
    return names;
}

Snapshot WorkersAndStats::snapshot() {
    Snapshot snapshot;
    generations_.collect();
    generations_.report(snapshot);
    count_workers(snapshot);
    count_ports(snapshot);
    snapshot.swaps = swaps_.load(std::memory_order_relaxed);
    return snapshot;
}

Vitals WorkersAndStats::vitals() const {
    Vitals vitals;
    for (const auto& worker : workers_)
        vitals.workers.push_back({worker->core(), worker->heartbeat(), worker->counters().loops.read()});
    vitals.stats_heartbeat = {Nanos(stats_heartbeat_.load(std::memory_order_relaxed))};
    vitals.stats_rounds = stats_rounds_.load(std::memory_order_relaxed);
    return vitals;
}

void WorkersAndStats::count_workers(Snapshot& snapshot) const {
    const Instant now = monotonic_now();
    for (const auto& worker : workers_) {
        const telemetry::WorkerCounters& counters = worker->counters();
        Snapshot::Worker& one = snapshot.workers.emplace_back();
        one.core = worker->core();
        one.loops = counters.loops.read();
        one.bursts = counters.bursts.read();
        for (const auto& received : counters.received) one.packets += received.read().packets;
        one.heartbeat_age = std::max(Nanos{0}, now - worker->heartbeat());
        one.flows = worker->flows();
        one.table_bytes = worker->table_bytes();
        one.busy = Nanos(static_cast<std::int64_t>(counters.busy.read()));
        one.busy_ratio = stats_->busy_ratio(snapshot.workers.size() - 1);
        snapshot.residence += counters.residence.read();
        const flow::StateCounts states = worker->flow_counts();
        for (std::size_t state = 0; state < states.by_state.size(); ++state)
            snapshot.flows_by_state[state] += states.by_state[state];
        snapshot.flows_half_open += states.half_open;

        for (const DropReasonText& text : kDropReasons) {
            one.drops[text.reason] = counters.dropped.read(text.reason);
            snapshot.drops[text.reason] += one.drops[text.reason];
            const telemetry::PacketsBytes observed = counters.observed.read(text.reason);
            if (observed.packets > 0) snapshot.observed[text.reason] += observed;
        }
        snapshot.non_ip_passed += counters.non_ip_passed.read();
        snapshot.neighbour_discovery_passed += counters.neighbour_discovery_passed.read();
        snapshot.related_passed += counters.related_passed.read();
        snapshot.kept_passed += counters.kept_passed.read();
        snapshot.reset_dropped += counters.reset_dropped.read();
        snapshot.flows_live += one.flows;
        snapshot.flows_opened += counters.flows_opened.read();
        snapshot.flows_ended += counters.flows_ended.read();
        snapshot.flows_rejudged += counters.flows_rejudged.read();
        snapshot.flows_kept += counters.flows_kept.read();
        snapshot.flows_reset += counters.flows_reset.read();
        snapshot.events_lost += counters.events_lost.read();
        snapshot.requests_untold += counters.requests_untold.read();
        snapshot.resets_sent += counters.resets_sent.read();
        snapshot.inspected += worker->inspected();
    }
}

void WorkersAndStats::count_ports(Snapshot& snapshot) const {
    for (std::size_t id = 0; id < settings_.ports.size(); ++id) {
        PortTotals& port = snapshot.ports.emplace_back();
        port.name = settings_.ports[id]->name();
        if (const auto peer = settings_.engine.peer_of[id]) port.peer = settings_.ports[index(*peer)]->name();
        port.device = settings_.ports[id]->statistics();
        port.link_up = settings_.ports[id]->link_up();
        port.mtu = settings_.ports[id]->mtu();
        for (const auto& worker : workers_) {
            const telemetry::WorkerCounters& counters = worker->counters();
            port.received += counters.received[id].read();
            port.forwarded += counters.forwarded[id].read();
            port.transmitted += counters.transmitted[id].read();
            for (const DropReasonText& text : kDropReasons)
                port.drops[text.reason] += counters.dropped.read(id, text.reason);
        }
        snapshot.received += port.received;
        snapshot.transmitted += port.transmitted;
    }
}

Census WorkersAndStats::census() {
    const std::lock_guard lock(census_mutex_);
    Census census;
    census.began = std::chrono::system_clock::now();
    std::vector<CensusTaker> waiting;
    std::size_t expected = 0;
    for (std::size_t id = 0; id < workers_.size(); ++id) {
        CensusDesk& desk = workers_[id]->census();
        waiting.push_back({WorkerId(id), monotonic_now(), desk.steps()});
        expected += workers_[id]->flows();
        desk.ask();
    }
    census.connections.reserve(expected);
    while (true) {
        std::erase_if(waiting, [&](CensusTaker& taker) { return has_answered(taker, census); });
        if (waiting.empty()) return census;
        std::this_thread::sleep_for(kPollEvery);
    }
}

// Takes what is there. True: nothing more is to be expected of this worker.
bool WorkersAndStats::has_answered(CensusTaker& taker, Census& census) {
    Worker& worker = *workers_[index(taker.worker)];
    CensusDesk& desk = worker.census();
    const bool finished = worker.finished();  // asked first: what it handed over before is then seen
    const bool answered = desk.answered();
    const std::size_t taken = desk.take(census.connections);
    if (answered) return true;

    const Instant now = monotonic_now();
    const std::uint64_t steps = desk.steps();
    if (taken > 0 || steps != taker.steps) taker.heard = now;
    taker.steps = steps;
    const bool late = now - taker.heard > settings_.swap_timeout;
    if (!finished && !late) return false;
    desk.dismiss();
    census.missing += (census.missing.empty() ? "" : "; ") + names_of({taker.worker}) +
                      (finished ? std::string(" has stopped")
                                : " did not answer within " + std::to_string(settings_.swap_timeout.count()) + " ms");
    return true;
}

void WorkersAndStats::stop() {
    const std::lock_guard lock(publish_mutex_);
    if (stopped_) return;
    stopped_ = true;
    stop_workers_.store(true, std::memory_order_relaxed);
    say_who_is_late_to_stop();
    launcher_.join();
    drops_->close();
}

void WorkersAndStats::say_who_is_late_to_stop() const {
    const std::span launched = std::span(workers_).first(launched_);
    const auto finished = [](const auto& worker) { return worker->finished(); };
    const Instant deadline = monotonic_now() + kStopIsLate;
    while (!std::all_of(launched.begin(), launched.end(), finished) && monotonic_now() < deadline)
        std::this_thread::sleep_for(kPollEvery);
    for (std::size_t id = 0; id < launched.size(); ++id)
        if (!launched[id]->finished())
            spdlog::warn("worker {} (CPU {}) does not stop; waiting for it", id, launched[id]->core());
}

Status check(const DataplaneSettings& settings) {
    if (settings.ports.empty() || settings.worker_cores.empty())
        return Error::of(ErrorKind::kInvalid, "a dataplane needs at least one port and one worker");
    if (settings.engine.peer_of.size() != settings.ports.size())
        return Error::of(ErrorKind::kInternal, "peer_of does not say for every port where its packets leave");
    for (const auto& port : settings.ports)
        if (port->queues() < settings.worker_cores.size())
            return Error::of(ErrorKind::kInvalid,
                             "port '" + port->name() + "' has " + std::to_string(port->queues()) +
                                 " queue(s), but there are " + std::to_string(settings.worker_cores.size()) +
                                 " workers, and each needs one of its own",
                             "name fewer worker cores, or give the device more queues");
    return Done{};
}

}  // namespace

Result<std::unique_ptr<Dataplane>> Dataplane::start(DataplaneSettings settings,
                                                    std::shared_ptr<const ruleset::Ruleset> first, Launcher& launcher,
                                                    EventSink& sink) {
    if (auto checked = check(settings); !checked) return checked.error();
    auto dataplane = std::make_unique<WorkersAndStats>(std::move(settings), std::move(first), launcher, sink);
    if (auto launched = dataplane->launch(); !launched) return launched.error();
    return std::unique_ptr<Dataplane>(std::move(dataplane));
}

}  // namespace drywall::runtime
