// DropWatch: copies of the packets that die, for as long as somebody looks.
//
// Threads: take() one call at a time; different watches any number at once. It never waits for a worker.
// Cost:    workers pay for copies only while a watch lives, and at most a ring full of them between two calls of
// take(). Never:   a complete record of what was dropped. What finds no room is counted as missed; the counters know it
// all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "drywall/base/drop_reason.h"
#include "drywall/base/ids.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::runtime {

inline constexpr std::size_t kMostDropBytes = 256;  // of a packet that are copied

struct DroppedPacket {
    std::chrono::system_clock::time_point time;  // when its burst was fetched
    WorkerId worker{};
    PortId ingress{};
    DropReason reason = DropReason::kNone;
    std::optional<TraceId> trace;  // of `generation`; nothing: policy did not judge it, or it died behind policy
    Generation generation{};       // in force when it was dropped
    std::shared_ptr<const ruleset::Ruleset> ruleset;  // of that generation; null: it was gone too early
    std::uint32_t length = 0;                         // of the whole frame
    std::vector<std::uint8_t> bytes;  // the first of it: as many as were asked for, or its headers if that is more
};

class DropWatch {
public:
    // Nobody looks any more.
    virtual ~DropWatch() = default;

    // Appends what was dropped since the last call, at most `most`, each worker's in their order; how many.
    virtual std::size_t take(std::vector<DroppedPacket>& into, std::size_t most) = 0;

    // Dropped while this watch looked, and not copied because there was no room.
    [[nodiscard]] virtual std::uint64_t missed() const = 0;

    // The dataplane has stopped: nothing comes any more.
    [[nodiscard]] virtual bool ended() const = 0;
};

}  // namespace drywall::runtime
