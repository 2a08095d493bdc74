// Signature: the last 16 bytes of a packet that the generator sent, by which it is known again.
//
//     magic (4)   of the run's seed and the trial's number: an earlier trial's packets are told apart
//     stream (2)
//     sequence (4) of the stream, the last 32 bits
//     time (6)    of sending, in ticks, the last 48 bits (26 hours at 3 GHz)
//
// All in network byte order.
//
// Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "random.h"

namespace drywall::generate {

inline constexpr std::size_t kSignatureBytes = 16;
inline constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << 48) - 1;

struct Signature {
    std::uint32_t magic = 0;
    std::uint16_t stream = 0;
    std::uint32_t sequence = 0;
    std::uint64_t time = 0;

    bool operator==(const Signature&) const = default;

    // REQUIRES: kSignatureBytes at `at`
    void write(std::uint8_t* at) const noexcept {
        put(at, 4, magic);
        put(at + 4, 2, stream);
        put(at + 6, 4, sequence);
        put(at + 10, 6, time);
    }
    [[nodiscard]] static Signature read(const std::uint8_t* at) noexcept {
        return {static_cast<std::uint32_t>(get(at, 4)), static_cast<std::uint16_t>(get(at + 4, 2)),
                static_cast<std::uint32_t>(get(at + 6, 4)), get(at + 10, 6)};
    }

    // Ticks from the time in it until `now`; 0 where the clocks of two cores differ by more than the packet took.
    [[nodiscard]] std::uint64_t age(std::uint64_t now) const noexcept {
        const std::uint64_t passed = (now - time) & kTimeMask;
        return passed >> 47U != 0 ? 0 : passed;
    }

private:
    static void put(std::uint8_t* at, unsigned bytes, std::uint64_t value) noexcept {
        for (unsigned i = bytes; i > 0; --i, value >>= 8U) at[i - 1] = static_cast<std::uint8_t>(value);
    }
    static std::uint64_t get(const std::uint8_t* at, unsigned bytes) noexcept {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) value = value << 8U | at[i];
        return value;
    }
};

// Never 0, which is what empty payloads are made of.
[[nodiscard]] constexpr std::uint32_t magic_of(std::uint64_t seed, std::uint64_t trial) noexcept {
    return static_cast<std::uint32_t>(drawn(seed, 0x6d61676963, trial)) | 1U;
}

}  // namespace drywall::generate
