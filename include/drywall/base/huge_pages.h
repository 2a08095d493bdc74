// HugePageAllocator: memory for large tables that are read at random places. The kernel is asked to back it with huge
// pages, so that a look-up that misses the cache does not miss the TLB as well. It may decline (madvise(2),
// MADV_HUGEPAGE): then the pages are ordinary ones, and nothing else is different.
//
// Threads: any; stateless.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <limits>
#include <new>

namespace drywall {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20U;

template <typename T>
struct HugePageAllocator {
    using value_type = T;

    HugePageAllocator() = default;
    template <typename Other>
    explicit HugePageAllocator(const HugePageAllocator<Other>& /*other*/) noexcept {}

    // Throws std::bad_alloc. What is smaller than a huge page is allocated as usual.
    [[nodiscard]] T* allocate(std::size_t count) {
        if (count > (std::numeric_limits<std::size_t>::max() - kHugePage) / sizeof(T)) throw std::bad_alloc();
        const std::size_t bytes = count * sizeof(T);
        if (bytes < kHugePage) return static_cast<T*>(::operator new (bytes, std::align_val_t{alignof(T)}));
        const std::size_t whole_pages = (bytes + kHugePage - 1) / kHugePage * kHugePage;
        void* memory = ::operator new (whole_pages, std::align_val_t{kHugePage});
        (void)::madvise(memory, whole_pages, MADV_HUGEPAGE);
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        if (count * sizeof(T) < kHugePage)
            ::operator delete (memory, std::align_val_t{alignof(T)});
        else
            ::operator delete (memory, std::align_val_t{kHugePage});
    }

    template <typename Other>
    bool operator==(const HugePageAllocator<Other>& /*other*/) const noexcept {
        return true;
    }
};

}  // namespace drywall
