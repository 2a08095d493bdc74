// Distributor: a port whose frames come to the worker that owns their connection, whatever queue the device chose.
//
// It stands before another port. Who polls a queue keeps the frames that it owns, hands the others over to their
// owners, each by a ring of the two workers' own, and takes what was handed over to it. Frames that came in on one
// queue and have one owner stay in their order. What finds a ring full is given back and counted as missed: no worker
// ever had it.
//
// Threads: as Port: queue w is worker w's.
// Memory:  rings are reserved at construction; a turn allocates nothing and waits for nobody.
// Life:    what lies in the rings when it ends is given back to the port behind it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/cache_line.h"
#include "drywall/base/fixed_vector.h"
#include "drywall/base/ids.h"
#include "drywall/io/owners.h"
#include "drywall/io/port.h"
#include "drywall/io/record_ring.h"

namespace drywall::io {

// Frames that may be under way from one worker to another, at most: eight bursts.
inline constexpr std::size_t kHandOverRoom = 512;

// So many that a worker that hangs, whose rings then fill up, keeps back a quarter of all packet buffers and no more:
// the others go on. A power of two, and at least one burst. REQUIRES: workers > 1
[[nodiscard]] std::size_t hand_over_room(std::size_t packet_buffers, std::size_t ports, std::size_t workers);

class Distributor final : public Port {
public:
    // REQUIRES: port->queues() >= owners.workers(); `room` > 0
    Distributor(std::shared_ptr<Port> port, Owners owners, std::size_t room = kHandOverRoom);
    ~Distributor() override;  // REQUIRES: no thread uses the port any more
    Distributor(const Distributor&) = delete;
    Distributor& operator=(const Distributor&) = delete;

    // REQUIRES: queue < owners.workers()
    std::uint16_t receive(std::uint16_t queue, std::span<Frame> frames) noexcept override;
    [[nodiscard]] bool moved_frames(std::uint16_t queue) const noexcept override;
    std::uint16_t transmit(std::uint16_t queue, std::span<Frame> frames) noexcept override {
        return port_->transmit(queue, frames);
    }
    void release(std::span<Frame> frames) noexcept override { port_->release(frames); }

    [[nodiscard]] std::string steering() const override { return port_->steering(); }
    [[nodiscard]] std::string name() const override { return port_->name(); }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return owners_.workers(); }
    [[nodiscard]] bool link_up() const noexcept override { return port_->link_up(); }
    [[nodiscard]] std::uint16_t mtu() const noexcept override { return port_->mtu(); }
    [[nodiscard]] std::uint16_t loses_beyond() const noexcept override { return port_->loses_beyond(); }
    bool set_link(bool up) noexcept override { return port_->set_link(up); }
    // The device's, where a frame that found a ring full was missed and not received.
    [[nodiscard]] DeviceStatistics statistics() const noexcept override;

private:
    using Ring = RecordRing<Frame>;
    // What one worker writes.
    struct alignas(kCacheLine) Place {
        std::size_t next_giver = 0;  // whose ring is looked at first: the others' turn comes, too
        bool moved = false;
        std::vector<FixedVector<Frame, kMaxBurst>> leaving;  // by owner; empty between calls
        std::atomic<std::uint64_t> handed_over{0};           // others read; likewise below
        std::atomic<std::uint64_t> missed{0};
    };

    [[nodiscard]] Ring& ring(std::size_t from, std::size_t to) noexcept;
    std::size_t take_handed_over(std::uint16_t worker, std::span<Frame> frames) noexcept;
    void hand_over(std::uint16_t worker) noexcept;
    std::size_t take_from_device(std::uint16_t worker, std::span<Frame> frames) noexcept;

    const std::shared_ptr<Port> port_;
    const Owners owners_;
    std::vector<std::unique_ptr<Ring>> rings_;  // from * workers + to
    std::vector<Place> places_;                 // by worker
};

enum class Distribute : std::uint8_t {
    kAuto,    // where the devices of a pair do not choose queues by one rule that is good for both directions
    kAlways,  // on every pair
    kNever,
};

// The same ports, with a distributor before those that want one; says in the log which. With one worker none does.
// `packet_buffers`: of all ports together.
[[nodiscard]] std::vector<std::shared_ptr<Port>> distributed(std::vector<std::shared_ptr<Port>> ports,
                                                             const std::vector<std::optional<PortId>>& peer_of,
                                                             Distribute when, const Owners& owners,
                                                             std::size_t packet_buffers);

}  // namespace drywall::io
