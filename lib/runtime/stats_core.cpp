#include "stats_core.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"

namespace drywall::runtime {

namespace {
constexpr std::size_t kHelping = 256;  // events taken from a ring at once
constexpr std::chrono::milliseconds kShortestRest{1};
constexpr std::chrono::milliseconds kLongestRest{8};
constexpr Nanos kBusyOver = std::chrono::seconds(1);
}  // namespace

StatsCore::StatsCore(const DataplaneSettings& settings, std::span<const std::unique_ptr<Worker>> workers,
                     Generations& generations, EventSink& sink, std::function<void()> each_round)
    : interval_(settings.stats_interval),
      workers_(workers),
      generations_(generations),
      sink_(sink),
      each_round_(std::move(each_round)),
      ports_(settings.ports),
      links_(settings.ports, settings.engine.peer_of, monotonic_now()),
      mtus_(settings.ports, settings.engine.peer_of),
      events_(kHelping),
      requests_(kHelping),
      busy_(workers.size()),
      busy_measured_(monotonic_now()) {}

void StatsCore::run() {
    auto rest = kShortestRest;
    Instant collected = monotonic_now();
    // Asked before the round: what a worker pushed before it finished is then read by this round.
    for (bool last = false; !last;) {
        last = workers_finished();
        std::size_t events = 0;
        as_memory_allows([&] { events = round(); });
        rest = events > 0 ? kShortestRest : std::min(rest * 2, kLongestRest);
        if (const Instant now = monotonic_now(); last || now - collected >= interval_) {
            as_memory_allows([&] { look_around(now); });
            collected = now;
        }
        if (!last) std::this_thread::sleep_for(rest);
    }
    links_.release();
}

void StatsCore::look_around(Instant now) {
    links_.poll(now);
    tell_largest_packets();
    measure_busy(now);
    generations_.collect();
    for (const std::string& news : mtus_.poll()) spdlog::warn(news);
}

// Somebody may have set an MTU since.
void StatsCore::tell_largest_packets() {
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        const std::uint16_t largest = ports_[port]->loses_beyond();
        for (const auto& worker : workers_) worker->take_up_to(port, largest);
    }
}

bool StatsCore::workers_finished() const {
    return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->finished(); });
}

std::size_t StatsCore::round() {
    each_round_();
    generations_.begin_round();
    rulesets_ = generations_.known();
    std::size_t events = 0;
    for (const auto& worker : workers_) events += drain(*worker);
    rulesets_.clear();
    generations_.end_round();
    report_losses();
    return events;
}

// All that was there when it began, and at most one ring full: a round ends however fast the worker pushes.
std::size_t StatsCore::drain(Worker& worker) {
    std::size_t total = 0;
    while (total < worker.events().capacity()) {
        const std::size_t taken = worker.events().pop(events_);
        if (taken == 0) break;
        // They are out of the ring: those that the sink could not take for want of memory, and at most those before
        // them, are lost.
        if (!as_memory_allows([&] { deliver(std::span(events_).first(taken)); })) lost_here_ += taken;
        total += taken;
    }
    return total + drain_requests(worker);
}

std::size_t StatsCore::drain_requests(Worker& worker) {
    std::size_t total = 0;
    while (total < worker.requests().capacity()) {
        const std::size_t taken = worker.requests().pop(requests_);
        if (taken == 0) break;
        as_memory_allows([&] {
            for (const telemetry::Request& request : std::span(requests_).first(taken))
                sink_.on_request(request, ruleset_of(request.generation));
        });
        total += taken;
    }
    return total;
}

void StatsCore::deliver(std::span<const telemetry::FlowEvent> events) {
    generations_.count_connections(events);
    for (const telemetry::FlowEvent& event : events) sink_.on_event(event, ruleset_of(event.generation));
}

const ruleset::Ruleset* StatsCore::ruleset_of(Generation generation) {
    const auto find = [&] {
        return std::find_if(rulesets_.begin(), rulesets_.end(),
                            [&](const auto& ruleset) { return ruleset->generation() == generation; });
    };
    auto found = find();
    if (found == rulesets_.end() && !rulesets_.empty() && generation > rulesets_.back()->generation()) {
        rulesets_ = generations_.known();  // published since the round began
        found = find();
    }
    return found == rulesets_.end() ? nullptr : found->get();
}

void StatsCore::measure_busy(Instant now) {
    const Nanos passed = now - busy_measured_;
    if (passed < kBusyOver) return;
    busy_measured_ = now;
    for (std::size_t worker = 0; worker < busy_.size(); ++worker) {
        const std::uint64_t counted = workers_[worker]->counters().busy.read();
        const auto grown = static_cast<double>(counted - std::exchange(busy_[worker].counted, counted));
        // The turn that ends behind the second counts whole in the next one.
        busy_[worker].ratio.store(std::min(1.0, grown / static_cast<double>(passed.count())),
                                  std::memory_order_relaxed);
    }
}

double StatsCore::busy_ratio(std::size_t worker) const noexcept {
    return busy_[worker].ratio.load(std::memory_order_relaxed);
}

void StatsCore::report_losses() {
    std::uint64_t lost = lost_here_;
    for (const auto& worker : workers_) lost += worker->counters().events_lost.read();
    if (lost > lost_told_) sink_.on_lost(lost - lost_told_);
    lost_told_ = lost;
}

}  // namespace drywall::runtime
