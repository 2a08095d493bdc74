#include "drywall/io/distributor.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace drywall::io {

namespace {

// One thread writes, so nothing is lost between reading and writing.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

}  // namespace

Distributor::Distributor(std::shared_ptr<Port> port, Owners owners, std::size_t room)
    : port_(std::move(port)), owners_(owners), places_(owners.workers()) {
    assert(port_->queues() >= owners_.workers());
    const std::size_t workers = owners_.workers();
    for (std::size_t pair = 0; pair < workers * workers; ++pair)
        rings_.push_back(pair / workers == pair % workers ? nullptr
                                                          : std::make_unique<Ring>(static_cast<std::uint32_t>(room)));
    for (Place& place : places_) place.leaving.resize(workers);
}

Distributor::~Distributor() {
    std::array<Frame, kMaxBurst> left;
    for (const auto& ring : rings_)
        while (const std::size_t count = ring == nullptr ? 0 : ring->pop(left))
            port_->release(std::span(left).first(count));
}

Distributor::Ring& Distributor::ring(std::size_t from, std::size_t to) noexcept {
    assert(from != to);
    return *rings_[from * owners_.workers() + to];
}

// What others received comes first, but leaves the device half of the room: neither can starve the other.
std::uint16_t Distributor::receive(std::uint16_t queue, std::span<Frame> frames) noexcept {
    assert(queue < owners_.workers());
    std::size_t count = take_handed_over(queue, frames.first(frames.size() / 2));
    count += take_from_device(queue, frames.subspan(count));
    count += take_handed_over(queue, frames.subspan(count));
    Place& place = places_[queue];
    place.next_giver = place.next_giver + 1 < owners_.workers() ? place.next_giver + 1 : 0;
    return static_cast<std::uint16_t>(count);
}

bool Distributor::moved_frames(std::uint16_t queue) const noexcept { return places_[queue].moved; }

std::size_t Distributor::take_handed_over(std::uint16_t worker, std::span<Frame> frames) noexcept {
    const std::size_t workers = owners_.workers();
    const std::size_t first = places_[worker].next_giver;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < workers && taken < frames.size(); ++i) {
        const std::size_t giver = first + i < workers ? first + i : first + i - workers;
        if (giver != worker) taken += ring(giver, worker).pop(frames.subspan(taken));
    }
    return taken;
}

std::size_t Distributor::take_from_device(std::uint16_t worker, std::span<Frame> frames) noexcept {
    const std::span<Frame> burst = frames.first(std::min(frames.size(), kMaxBurst));
    const std::size_t received = burst.empty() ? 0 : port_->receive(worker, burst);
    Place& place = places_[worker];
    std::size_t kept = 0;
    for (std::size_t i = 0; i < received; ++i) {
        const std::uint16_t owner = owners_.of(burst[i].view);
        if (owner == worker || owner == Owners::kAnybody)
            burst[kept++] = burst[i];
        else
            place.leaving[owner].push_back(burst[i]);
    }
    place.moved = kept < received;
    if (place.moved) hand_over(worker);
    return kept;
}

// What a ring has no room for is given back.
void Distributor::hand_over(std::uint16_t worker) noexcept {
    Place& place = places_[worker];
    for (std::size_t owner = 0; owner < place.leaving.size(); ++owner) {
        const std::span<Frame> frames = place.leaving[owner].span();
        if (frames.empty()) continue;
        const std::size_t taken = ring(worker, owner).push(frames);
        add(place.handed_over, taken);
        add(place.missed, frames.size() - taken);
        port_->release(frames.subspan(taken));
        place.leaving[owner].clear();
    }
}

DeviceStatistics Distributor::statistics() const noexcept {
    std::uint64_t missed = 0;
    std::uint64_t handed_over = 0;
    for (const Place& place : places_) {
        missed += place.missed.load(std::memory_order_relaxed);
        handed_over += place.handed_over.load(std::memory_order_relaxed);
    }
    DeviceStatistics device = port_->statistics();  // last: it has counted whatever was missed above
    device.received -= std::min(device.received, missed);
    device.missed += missed;
    device.handed_over = handed_over;
    return device;
}

}  // namespace drywall::io
