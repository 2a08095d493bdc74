// EventRing: one worker's flow events on their way to the stats core (rte_ring over memory of our own; no EAL needed).
//
// Threads: one producer (the worker), one consumer (the stats core).
// Memory:  all of it reserved at start; a full ring refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "drywall/telemetry/event.h"

struct rte_ring;

namespace drywall::runtime {

class EventRing {
public:
    // REQUIRES: records > 0
    explicit EventRing(std::uint32_t records);

    // How many fitted, from the front.
    [[nodiscard]] std::size_t push(std::span<const telemetry::FlowEvent> events) noexcept;
    // How many were there to take.
    [[nodiscard]] std::size_t pop(std::span<telemetry::FlowEvent> events) noexcept;
    [[nodiscard]] std::size_t capacity() const noexcept;

private:
    struct Free {
        void operator()(rte_ring* memory) const noexcept;
    };
    std::unique_ptr<rte_ring, Free> ring_;
};

}  // namespace drywall::runtime
