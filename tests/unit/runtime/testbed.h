// Testbed: a dataplane on plain threads and ports in memory, and what to wait for without a clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <sched.h>

#include "drywall/io/memory_port.h"
#include "drywall/runtime/dataplane.h"
#include "worlds.h"

namespace drywall::runtime {

// The CPUs that this test may use, again and again, so that any machine has enough of them.
inline unsigned some_cpu(std::size_t nth) {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    std::vector<unsigned> cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus.at(nth % cpus.size());
}

// The test runner's timeout ends a wait for what never comes.
template <typename Condition>
void wait_until(Condition condition) {
    while (!condition()) std::this_thread::yield();
}

// Counts what the stats core tells. While `closed`, it does not come back from on_event().
class CountingSink final : public EventSink {
public:
    void on_event(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset) override {
        closed_.wait(true);
        events_.fetch_add(1);
        if (event.kind != telemetry::FlowEventKind::kEnded && ruleset == nullptr) unreadable_.fetch_add(1);
        if (ruleset != nullptr && ruleset->generation() != event.generation) unreadable_.fetch_add(1);
    }
    void on_lost(std::uint64_t records) override { lost_.fetch_add(records); }

    void close() { closed_ = true; }
    void open() {
        closed_ = false;
        closed_.notify_all();
    }
    [[nodiscard]] std::uint64_t events() const { return events_; }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    // Events that came without the ruleset by which they are to be read.
    [[nodiscard]] std::uint64_t unreadable() const { return unreadable_; }

private:
    std::atomic<bool> closed_{false};
    std::atomic<std::uint64_t> events_{0};
    std::atomic<std::uint64_t> lost_{0};
    std::atomic<std::uint64_t> unreadable_{0};
};

inline DataplaneSettings settings_for(std::vector<std::shared_ptr<io::Port>> ports, std::size_t workers = 1) {
    DataplaneSettings settings;
    settings.ports = std::move(ports);
    for (std::size_t worker = 0; worker < workers; ++worker) settings.worker_cores.push_back(some_cpu(worker));
    settings.stats_core = some_cpu(1);
    settings.engine.peer_of = {PortId{1}, PortId{0}};
    settings.engine.flow_capacity = 4096;
    settings.engine.fragment_capacity = 64;
    settings.stats_interval = std::chrono::milliseconds(1);
    return settings;
}

inline std::shared_ptr<io::MemoryPort> memory_port(PortId id, std::uint16_t queues = 1) {
    return std::make_shared<io::MemoryPort>(
        io::MemoryPortSettings{index(id) == 0 ? "lan" : "wan", id, queues, 4096, 4096});
}

// lan and wan in memory, joined by a running dataplane.
struct Testbed {
    std::uint16_t queues;
    std::shared_ptr<io::MemoryPort> lan = memory_port(PortId{0}, queues);
    std::shared_ptr<io::MemoryPort> wan = memory_port(PortId{1}, queues);
    CountingSink sink;
    std::unique_ptr<Launcher> launcher = make_thread_launcher();
    std::unique_ptr<Dataplane> dataplane;

    explicit Testbed(RulesetPtr first, std::uint16_t workers = 1,
                     const std::function<void(DataplaneSettings&)>& change = {})
        : queues(workers) {
        DataplaneSettings settings = settings_for({lan, wan}, workers);
        if (change) change(settings);
        auto started = Dataplane::start(std::move(settings), std::move(first), *launcher, sink);
        EXPECT_TRUE(started) << started.error().text();
        dataplane = std::move(*started);
    }

    // Returns when the worker has taken all of them and counted them.
    void send(const std::vector<test::Packet>& packets, std::uint16_t queue = 0) {
        const std::uint64_t before = dataplane->snapshot().received.packets;
        for (const test::Packet& packet : packets)
            EXPECT_TRUE((packet.port() == 0 ? lan : wan)->inject(packet.bytes(), queue));
        wait_until([&] {
            const Snapshot now = dataplane->snapshot();
            return now.received.packets == before + packets.size() && settled(now);
        });
    }

    static bool settled(const Snapshot& now) {
        std::uint64_t gone = now.transmitted.packets;
        for (const auto& [reason, count] : now.drops) gone += count.packets;
        return now.received.packets == gone;
    }
};

}  // namespace drywall::runtime
