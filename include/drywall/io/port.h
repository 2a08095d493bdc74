// Port: bursts of frames between a device and whoever polls it. Backends: dpdk/ (any ethdev), pcap/ (files), memory/
// (tests and benchmarks).
//
// Threads: a queue of a port belongs to one worker. Links, names and statistics may be read by any thread.
// Errors:  receive and transmit are noexcept; what a device does not take stays with the caller, who counts and frees
// it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "drywall/net/packet_meta.h"

namespace drywall::io {

// A received frame: the view for the engine, and the backend's own handle to it (an mbuf, a buffer index).
struct Frame {
    net::FrameView view;
    void* handle = nullptr;
};

// What the device itself counted; packets that never reached a worker.
struct DeviceStatistics {
    std::uint64_t received = 0;
    std::uint64_t missed = 0;  // arrived and were lost before a worker polled (queue full, no buffer)
    std::uint64_t errors = 0;
    std::uint64_t transmitted = 0;
    std::uint64_t transmit_errors = 0;
    std::uint64_t handed_over = 0;  // came in on a queue of another worker than the one that owns their connection
};

class Port {
public:
    virtual ~Port() = default;

    // Up to frames.size() frames from `queue`; views' ingress_port is filled in. Returns how many.
    virtual std::uint16_t receive(std::uint16_t queue, std::span<Frame> frames) noexcept = 0;

    // Hands frames over to the device, in order. Returns how many it took; the rest still belongs to the caller.
    virtual std::uint16_t transmit(std::uint16_t queue, std::span<Frame> frames) noexcept = 0;

    // Gives frames back that will not be transmitted.
    virtual void release(std::span<Frame> frames) noexcept = 0;

    // Whether the last receive() of this queue had work although it may have returned nothing: more is likely to come.
    [[nodiscard]] virtual bool moved_frames(std::uint16_t /*queue*/) const noexcept { return false; }

    // By what the device chooses the queue of a frame, where that is the same for both directions of a connection;
    // empty: it promises nothing. Ports that say the same choose the same queue, so that what comes in by one and what
    // comes in by the other meets.
    [[nodiscard]] virtual std::string steering() const { return {}; }

    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual std::uint16_t queues() const noexcept = 0;
    [[nodiscard]] virtual bool link_up() const noexcept = 0;
    // The largest packet behind the Ethernet header that it takes, in bytes. 0: it does not say.
    [[nodiscard]] virtual std::uint16_t mtu() const noexcept { return 0; }
    // The largest packet, likewise, beyond which it loses what it took and tells nobody. 0: none is too large for it,
    // or it says so by not taking it.
    [[nodiscard]] virtual std::uint16_t loses_beyond() const noexcept { return 0; }
    // Carries the peer's link state to this port's wire where the device can do that. False: it can't.
    virtual bool set_link(bool up) noexcept = 0;
    [[nodiscard]] virtual DeviceStatistics statistics() const noexcept = 0;
};

}  // namespace drywall::io
