#include "event_ring.h"

#include <bit>
#include <cassert>
#include <new>

#include <rte_ring.h>
#include <rte_ring_elem.h>

namespace drywall::runtime {

namespace {
constexpr unsigned kRecordBytes = sizeof(telemetry::FlowEvent);
static_assert(kRecordBytes % 4 == 0, "rte_ring copies elements in words of four bytes");
}  // namespace

void EventRing::Free::operator()(rte_ring* memory) const noexcept {
    ::operator delete (memory, std::align_val_t{RTE_CACHE_LINE_SIZE});
}

EventRing::EventRing(std::uint32_t records) {
    // RING_F_EXACT_SZ keeps one slot empty to tell full from empty, so the memory is for one more.
    const auto bytes = rte_ring_get_memsize_elem(kRecordBytes, std::bit_ceil(records + 1));
    assert(bytes > 0);
    void* memory = ::operator new (static_cast<std::size_t>(bytes), std::align_val_t{RTE_CACHE_LINE_SIZE});
    ring_.reset(static_cast<rte_ring*>(memory));
    [[maybe_unused]] const int failed =
        rte_ring_init(ring_.get(), "events", records, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
    assert(!failed);
}

std::size_t EventRing::push(std::span<const telemetry::FlowEvent> events) noexcept {
    if (events.empty()) return 0;
    return rte_ring_sp_enqueue_burst_elem(ring_.get(), events.data(), kRecordBytes,
                                          static_cast<unsigned>(events.size()), nullptr);
}

std::size_t EventRing::pop(std::span<telemetry::FlowEvent> events) noexcept {
    return rte_ring_sc_dequeue_burst_elem(ring_.get(), events.data(), kRecordBytes,
                                          static_cast<unsigned>(events.size()), nullptr);
}

std::size_t EventRing::capacity() const noexcept { return rte_ring_get_capacity(ring_.get()); }

}  // namespace drywall::runtime
