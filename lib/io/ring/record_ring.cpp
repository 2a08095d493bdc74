#include "drywall/io/record_ring.h"

#include <bit>
#include <cassert>
#include <new>

#include <rte_ring.h>
#include <rte_ring_elem.h>

namespace drywall::io {

void UntypedRing::Free::operator()(rte_ring* memory) const noexcept {
    ::operator delete (memory, std::align_val_t{RTE_CACHE_LINE_SIZE});
}

UntypedRing::UntypedRing(std::uint32_t records, std::uint32_t record_bytes) : record_bytes_(record_bytes) {
    // RING_F_EXACT_SZ keeps one slot empty to tell full from empty, so the memory is for one more.
    const auto bytes = rte_ring_get_memsize_elem(record_bytes, std::bit_ceil(records + 1));
    assert(bytes > 0);
    void* memory = ::operator new (static_cast<std::size_t>(bytes), std::align_val_t{RTE_CACHE_LINE_SIZE});
    ring_.reset(static_cast<rte_ring*>(memory));
    [[maybe_unused]] const int failed =
        rte_ring_init(ring_.get(), "records", records, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
    assert(!failed);
}

std::size_t UntypedRing::push(const void* records, std::size_t count) noexcept {
    if (count == 0) return 0;
    return rte_ring_sp_enqueue_burst_elem(ring_.get(), records, record_bytes_, static_cast<unsigned>(count), nullptr);
}

std::size_t UntypedRing::pop(void* records, std::size_t count) noexcept {
    return rte_ring_sc_dequeue_burst_elem(ring_.get(), records, record_bytes_, static_cast<unsigned>(count), nullptr);
}

std::size_t UntypedRing::capacity() const noexcept { return rte_ring_get_capacity(ring_.get()); }

}  // namespace drywall::io
