// Worker: one core's poll loop. Its queue of every port in turn: receive a burst, decide, transmit, count.
//
// Threads: run() is the worker's own thread. The accessors are for others, at any moment.
// Life:    everything is allocated by the constructor; a turn allocates, locks and logs nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "census_desk.h"
#include "drop_desk.h"
#include "drywall/base/cache_line.h"
#include "drywall/base/fixed_vector.h"
#include "drywall/engine/engine.h"
#include "drywall/io/record_ring.h"
#include "drywall/net/tcp_reset.h"
#include "drywall/runtime/dataplane.h"
#include "drywall/telemetry/counters.h"
#include "idle.h"
#include "in_force.h"
#include "quiescence.h"
#include "sweep_pace.h"

namespace drywall::runtime {

using EventRing = io::RecordRing<telemetry::FlowEvent>;
using RequestRing = io::RecordRing<telemetry::Request>;

class Worker {
public:
    Worker(WorkerId id, const DataplaneSettings& settings, const std::atomic<const InForce*>& in_force,
           Quiescence& quiescence, const std::atomic<bool>& stop, DropDesk& drops);

    // Polls until `stop`. REQUIRES: something is in force.
    void run() noexcept;

    [[nodiscard]] unsigned core() const noexcept { return core_; }
    [[nodiscard]] const telemetry::WorkerCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] EventRing& events() noexcept { return ring_; }
    [[nodiscard]] RequestRing& requests() noexcept { return request_ring_; }
    [[nodiscard]] std::size_t inspected() const noexcept { return inspected_.load(std::memory_order_relaxed); }
    [[nodiscard]] CensusDesk& census() noexcept { return census_; }
    // When the last turn began.
    [[nodiscard]] Instant heartbeat() const noexcept { return {Nanos(heartbeat_.load(std::memory_order_relaxed))}; }
    [[nodiscard]] std::size_t flows() const noexcept { return flows_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t table_bytes() const noexcept { return engine_.memory_bytes(); }
    // Each number is that of some moment, not all of them of the same.
    [[nodiscard]] flow::StateCounts flow_counts() const noexcept;
    // What is larger than this and would leave by the port is dropped; 0: nothing is. Any thread.
    void take_up_to(std::size_t port, std::uint16_t bytes) noexcept {
        largest_[port].store(bytes, std::memory_order_relaxed);
    }
    [[nodiscard]] bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }

private:
    using Burst = FixedVector<io::Frame, kMaxBurst>;

    // The burst in hand.
    struct Arrival {
        std::size_t port = 0;
        std::size_t received = 0;
        const InForce& in_force;
        Instant at;
    };

    // False: there was nothing to do.
    bool turn() noexcept;
    bool poll(std::size_t port, const InForce& in_force, Instant now) noexcept;
    void sort_by_fate(std::size_t received) noexcept;
    void transmit(std::size_t port, const Arrival& arrival) noexcept;
    void drop_too_large(std::size_t port, const Arrival& arrival) noexcept;
    void refuse(std::span<io::Frame> refused, DropReason reason, const Arrival& arrival) noexcept;
    void show_drops(const Arrival& arrival) noexcept;
    void show_drop(std::uint64_t asked, const io::Frame& frame, const engine::Decision& decision,
                   const Arrival& arrival) noexcept;
    void hand_over_events() noexcept;
    void hand_over_requests() noexcept;
    void send_resets(const Arrival& arrival) noexcept;
    void send_reset(std::size_t packet, net::ResetTo to, PortId egress) noexcept;
    bool answer_census(const InForce& in_force, Instant now) noexcept;
    void sweep(Instant now) noexcept;
    void count_time(Instant now) noexcept;
    void show_flow_counts() noexcept;

    const WorkerId id_;
    const unsigned core_;
    const std::uint16_t queue_;
    const std::vector<std::shared_ptr<io::Port>> ports_;
    const std::atomic<const InForce*>& in_force_;
    Quiescence& quiescence_;
    const std::atomic<bool>& stop_;

    telemetry::WorkerCounters counters_;
    engine::Engine engine_;
    EventRing ring_;
    RequestRing request_ring_;
    io::FramePool* const pool_;
    DropDesk& drops_;
    CensusDesk census_;
    std::uint64_t census_begun_ = CensusDesk::kNobody;  // the last one
    std::uint64_t census_over_ = CensusDesk::kNobody;   // the last one that was done or is not wanted any more
    Idle idle_;
    SweepPace sweep_pace_;

    std::array<io::Frame, kMaxBurst> frames_;
    std::array<net::FrameView, kMaxBurst> views_;
    std::array<engine::Decision, kMaxBurst> decisions_;
    std::vector<Burst> leaving_;  // by egress port; empty between bursts
    Burst dropped_;               // empty between bursts
    Burst too_large_;             // likewise
    telemetry::EventBatch batch_;
    flow::CensusBatch found_;
    Instant turn_began_;        // the last one,
    bool turn_worked_ = false;  // and whether it found something to do
    Instant burst_began_;       // when the last reading before the fetch was taken
    flow::StateCounts shown_;   // what others see of the flow table

    alignas(kCacheLine) std::atomic<std::int64_t> heartbeat_;  // worker writes, others read; likewise below
    std::atomic<std::size_t> flows_{0};
    std::atomic<std::size_t> inspected_{0};
    std::array<std::atomic<std::uint32_t>, flow::kFlowStates> flows_by_state_{};
    std::atomic<std::uint32_t> half_open_{0};
    std::atomic<bool> finished_{false};
    std::vector<std::atomic<std::uint16_t>> largest_;  // by egress port; the stats core writes, the worker reads
};

}  // namespace drywall::runtime
