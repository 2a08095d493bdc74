// FramePool: empty frames for whoever makes traffic of its own.
//
// Threads: any number of them may allocate at the same time; what was allocated belongs to the caller until a port
//          takes it or gets it back (Port::transmit, Port::release).
// Errors:  noexcept; a pool that has run dry says so.
#pragma once

#include <cstdint>
#include <span>

#include "drywall/io/port.h"

namespace drywall::io {

class FramePool {
public:
    virtual ~FramePool() = default;

    // One frame of lengths[i] bytes (without FCS) for every i, contiguous, its bytes undefined and the caller's to
    // write. False, and nothing was allocated: the pool is dry.
    // REQUIRES: frames.size() == lengths.size() <= kMaxBurst, lengths[i] <= room()
    virtual bool allocate(std::span<Frame> frames, std::span<const std::uint16_t> lengths) noexcept = 0;

    [[nodiscard]] virtual std::uint16_t room() const noexcept = 0;  // bytes of the longest frame

    // Where its bytes are written. REQUIRES: the frame is of a pool, and still the caller's
    [[nodiscard]] static std::uint8_t* bytes(const Frame& frame) noexcept {
        return const_cast<std::uint8_t*>(frame.view.data);
    }
};

}  // namespace drywall::io
