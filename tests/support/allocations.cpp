// Alone in its file: a compiler that sees both sides at once takes malloc and delete for a mismatch.

#include "allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

using namespace drywall;

std::atomic<std::uint64_t> count{0};

// Of this thread, since somebody wants one to fail.
struct Failing {
    bool wanted = false;
    test::Memory memory = test::Memory::kFailsOnce;
    std::uint64_t made = 0;
    std::uint64_t nth = 0;
};
constinit thread_local Failing failing;

bool fails_now() noexcept {
    if (!failing.wanted) return false;
    const std::uint64_t number = failing.made++;
    return failing.memory == test::Memory::kFailsOnce ? number == failing.nth : number >= failing.nth;
}

void* counted(std::size_t size, std::size_t alignment) noexcept {
    count.fetch_add(1, std::memory_order_relaxed);
    if (fails_now()) return nullptr;
    return std::aligned_alloc(alignment, (size / alignment + 1) * alignment);
}
void* counted_or_throw(std::size_t size, std::size_t alignment) {
    if (void* memory = counted(size, alignment)) return memory;
    throw std::bad_alloc();
}
std::size_t unit(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }
constexpr std::size_t kUnit = alignof(std::max_align_t);

}  // namespace

// All forms: AddressSanitizer brings its own of each, and what comes from one family must not end in the other.
void* operator new(std::size_t size) { return counted_or_throw(size, kUnit); }
void* operator new[](std::size_t size) { return counted_or_throw(size, kUnit); }
void* operator new(std::size_t size, std::align_val_t a) { return counted_or_throw(size, unit(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return counted_or_throw(size, unit(a)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size, kUnit); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size, kUnit); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace drywall::test {

std::uint64_t allocations() noexcept { return count.load(std::memory_order_relaxed); }

FailingAllocation::FailingAllocation(std::uint64_t nth, Memory memory) noexcept {
    failing = {.wanted = true, .memory = memory, .made = 0, .nth = nth};
}
FailingAllocation::~FailingAllocation() { failing.wanted = false; }

bool FailingAllocation::happened() const noexcept { return failing.made > failing.nth; }

}  // namespace drywall::test
