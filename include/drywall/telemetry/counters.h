// Counters: written by one worker, readable by the stats core at any moment.
//
// Threads: one writer (the owning worker), any number of readers. A reader sees each counter's value of some moment;
//          sums are exact once the worker has passed a quiescent state.
// Memory:  all of it is allocated when the object is made, by the control side.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/base/drop_reason.h"
#include "drywall/base/ids.h"

namespace drywall::telemetry {

struct PacketsBytes {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;

    PacketsBytes& operator+=(const PacketsBytes& other) noexcept {
        packets += other.packets;
        bytes += other.bytes;
        return *this;
    }
    bool operator==(const PacketsBytes&) const = default;
};

// A counter with a single writer: no locked instruction, no torn read.
class Counter {
public:
    void add(std::uint64_t amount) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};  // worker writes, stats core reads
};

class PacketsBytesCounter {
public:
    void add(std::uint64_t bytes) noexcept { add(PacketsBytes{1, bytes}); }
    void add(const PacketsBytes& several) noexcept {
        packets_.add(several.packets);
        bytes_.add(several.bytes);
    }
    [[nodiscard]] PacketsBytes read() const noexcept { return {packets_.read(), bytes_.read()}; }

private:
    Counter packets_;
    Counter bytes_;
};

// How long packets stay: from the moment before their burst was fetched to the one when the last of it was handed over.
// Every packet of a burst counts with the time of its burst, which is the longest that any of it stayed.
class ResidenceHistogram {
public:
    // Upper bounds in nanoseconds; a last bucket holds what stayed longer.
    static constexpr std::array<std::int64_t, 14> kBounds{1'000,     2'500,     5'000,      10'000,     25'000,
                                                          50'000,    100'000,   250'000,    500'000,    1'000'000,
                                                          2'500'000, 5'000'000, 10'000'000, 100'000'000};

    struct Reading {
        std::array<std::uint64_t, kBounds.size() + 1> packets{};  // by bucket, not cumulative
        std::uint64_t nanoseconds = 0;                            // of all packets together

        Reading& operator+=(const Reading& other) noexcept {
            for (std::size_t i = 0; i < packets.size(); ++i) packets[i] += other.packets[i];
            nanoseconds += other.nanoseconds;
            return *this;
        }
    };

    void add(std::uint64_t packets, std::int64_t nanoseconds) noexcept {
        std::size_t bucket = 0;
        while (bucket < kBounds.size() && nanoseconds > kBounds[bucket]) ++bucket;
        packets_[bucket].add(packets);
        nanoseconds_.add(packets * static_cast<std::uint64_t>(nanoseconds));
    }
    [[nodiscard]] Reading read() const noexcept {
        Reading reading;
        for (std::size_t i = 0; i < packets_.size(); ++i) reading.packets[i] = packets_[i].read();
        reading.nanoseconds = nanoseconds_.read();
        return reading;
    }

private:
    std::array<Counter, kBounds.size() + 1> packets_;
    Counter nanoseconds_;
};

// One generation's packets and bytes per trace, of one worker: the whole cost of counting policy.
class TraceCounters {
public:
    // Requests are counted only where any can be read.
    enum class Requests : std::uint8_t { kNone, kCounted };
    explicit TraceCounters(std::size_t traces, Requests requests = Requests::kNone)
        : counters_(traces), requests_(requests == Requests::kCounted ? traces : 0) {}

    // Owning worker only. REQUIRES: index(trace) < size()
    void add(TraceId trace, std::uint64_t bytes) noexcept { counters_[index(trace)].add(bytes); }
    // Likewise. REQUIRES: Requests::kCounted
    void add_request(TraceId trace) noexcept { requests_[index(trace)].add(1); }

    [[nodiscard]] std::size_t size() const noexcept { return counters_.size(); }
    [[nodiscard]] PacketsBytes read(TraceId trace) const noexcept { return counters_[index(trace)].read(); }
    // Requests, greetings and streams that could not be read, which were decided by this trace.
    [[nodiscard]] std::uint64_t requests(TraceId trace) const noexcept {
        return requests_.empty() ? 0 : requests_[index(trace)].read();
    }

private:
    std::vector<PacketsBytesCounter> counters_;
    std::vector<Counter> requests_;
};

// What one worker dropped: by the port through which it came in, and by reason.
class DropCounters {
public:
    explicit DropCounters(std::size_t ports) : by_port_(ports) {}

    // Owning worker only. REQUIRES: ingress < ports()
    void add(std::size_t ingress, DropReason reason, std::uint64_t bytes) noexcept {
        by_port_[ingress][static_cast<std::size_t>(reason)].add(bytes);
    }

    [[nodiscard]] std::size_t ports() const noexcept { return by_port_.size(); }
    [[nodiscard]] PacketsBytes read(std::size_t ingress, DropReason reason) const noexcept {
        return by_port_[ingress][static_cast<std::size_t>(reason)].read();
    }
    // Of all ports.
    [[nodiscard]] PacketsBytes read(DropReason reason) const noexcept {
        PacketsBytes sum;
        for (std::size_t port = 0; port < by_port_.size(); ++port) sum += read(port, reason);
        return sum;
    }

private:
    std::vector<std::array<PacketsBytesCounter, kDropReasonSlots>> by_port_;
};

// What one worker counts outside policy. Lives as long as the worker.
//
// Invariant: once the worker has finished a burst, received[p] = forwarded[p] + what it dropped of port p.
struct alignas(kCacheLine) WorkerCounters {
    explicit WorkerCounters(std::size_t ports)
        : received(ports), forwarded(ports), transmitted(ports), dropped(ports), observed(ports) {}

    std::vector<PacketsBytesCounter> received;     // by ingress PortId
    std::vector<PacketsBytesCounter> forwarded;    // by ingress PortId: what left again by another port
    std::vector<PacketsBytesCounter> transmitted;  // by egress PortId
    DropCounters dropped;
    DropCounters observed;                           // passed, and would have died where a setting only observes
    PacketsBytesCounter non_ip_passed;               // by a non-ip rule of the configuration
    PacketsBytesCounter neighbour_discovery_passed;  // ICMPv6 link-local control, which policy does not judge
    PacketsBytesCounter related_passed;              // ICMP errors about a live flow
    PacketsBytesCounter reset_dropped;  // of connections that a change reset, or that asked for what is denied
    PacketsBytesCounter kept_passed;    // of connections that are kept though policy denies them by now
    Counter flows_opened;
    Counter flows_ended;
    Counter flows_rejudged;   // judged again because the generation had changed
    Counter flows_kept;       // policy denies them since a change that keeps what was there
    Counter flows_reset;      // cut by a change that resets what it touches
    Counter requests_untold;  // records of requests that found the batch or the ring full
    Counter resets_sent;      // frames of our own, that ended connections for what they asked
    Counter events_lost;      // flow events that found the ring full
    Counter bursts;           // non-empty ones
    Counter loops;            // heartbeat: turns of the poll loop
    Counter busy;             // nanoseconds of turns that found something to do
    ResidenceHistogram residence;
};

}  // namespace drywall::telemetry
