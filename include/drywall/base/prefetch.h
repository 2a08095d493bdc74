// prefetch: asks the processor for a cache line that will be read, or written, soon.
//
// Use these and not the builtin: GCC 12 takes a function that does nothing but prefetch for one without effect
// (ipa-pure-const), and leaves out calls of it whose result nobody uses. The empty asm is an effect that costs nothing.
//
// Threads: any.
#pragma once

namespace drywall {

[[gnu::always_inline]] inline void prefetch(const void* place) noexcept {
    __builtin_prefetch(place);
    asm volatile("" : : "r"(place));
}

[[gnu::always_inline]] inline void prefetch_to_write(const void* place) noexcept {
    __builtin_prefetch(place, 1);
    asm volatile("" : : "r"(place));
}

}  // namespace drywall
