// Worker: one thread that sends groups and receives on ports, turn by turn.
//
// Threads: run() on its own; turn() is what it repeats, and what tests call with a clock of theirs.
// Never:   allocates, locks or logs in a turn.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/io/frame_pool.h"
#include "drywall/io/port.h"
#include "tcp_client.h"
#include "tcp_server.h"
#include "ticks.h"
#include "traffic.h"

namespace drywall::generate {

struct WorkerSettings {
    TrialTimes* times = nullptr;
    io::FramePool* frames = nullptr;
    std::span<const std::shared_ptr<io::Port>> ports;
    std::vector<Group*> groups;            // that it sends
    std::vector<std::size_t> receives_on;  // ports
    std::span<Outgoing> streams;
    std::span<const std::size_t> ports_to;  // by stream: where it is sent to
    std::span<PortCounts> port_counts;
    // Clients on the ports that they send from, servers on those they answer from. A port with either is sent on and
    // received from by one worker.
    std::vector<std::pair<TcpClient*, std::size_t>> clients;
    std::vector<std::pair<TcpServer*, std::size_t>> servers;
    std::uint32_t magic = 0;
    std::uint32_t magic_before = 0;  // of the trial before
    std::uint32_t window = 65536;
    bool gaps = false;  // the longest gap of each flow is looked for
    std::uint64_t (*ticks)() noexcept = read_ticks;
};

// Of more flows than this the gaps are not told.
inline constexpr std::uint64_t kMostFlowsWithGaps = std::uint64_t{1} << 20;

class Worker {
public:
    explicit Worker(WorkerSettings settings);

    void run() noexcept;
    // Whether anything was sent or received.
    bool turn(std::uint64_t now) noexcept;

    // Nothing is to be sent any more.
    [[nodiscard]] bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint64_t last_sent() const noexcept { return last_sent_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::span<const Incoming> incoming() const noexcept { return incoming_; }
    // What connections sent on a port; null: nothing.
    [[nodiscard]] const SegmentOutput* segments(std::size_t port) const noexcept { return outputs_[port].get(); }

private:
    static constexpr std::size_t kBurst = 32;

    bool receive(std::size_t port, std::uint64_t now) noexcept;
    void note(std::size_t port, const io::Frame& frame, std::uint64_t now) noexcept;
    void note_order(Incoming& stream, const Signature& signature, std::uint32_t bytes, std::uint64_t now) noexcept;
    void note_gap(Incoming& stream, std::uint64_t flow, std::uint64_t now) noexcept;
    bool send(Group& group, double seconds, bool last_chance) noexcept;
    std::size_t send_burst(Group& group, std::size_t count) noexcept;
    bool send_all(std::uint64_t now) noexcept;
    bool take_segment(std::size_t port, const net::FrameView& frame, std::uint64_t now) noexcept;
    bool turn_connections(std::uint64_t now) noexcept;
    [[nodiscard]] SegmentOutput& output(std::size_t port) noexcept { return *outputs_[port]; }

    WorkerSettings settings_;
    double nanoseconds_per_tick_;
    std::vector<Incoming> incoming_;                       // by stream
    std::vector<std::unique_ptr<SegmentOutput>> outputs_;  // by port; null where no connections are
    std::atomic<bool> finished_{false};
    std::atomic<std::uint64_t> last_sent_{0};  // ticks
};

}  // namespace drywall::generate
