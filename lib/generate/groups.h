// From a profile and a rate to groups: which streams are sent together, and when.
//
// Threads: pure functions, control side.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/generate/trial.h"
#include "packet_source.h"
#include "traffic.h"

namespace drywall::generate {

// Streams without a rate, an end or times of their own are one group for each port that they leave by. `sources`: of
// the profile's streams, in its order. kInvalid when no round of the weights is short enough.
[[nodiscard]] Result<std::vector<Group>> make_groups(const loader::TrafficProfile& profile,
                                                     std::span<const std::unique_ptr<PacketSource>> sources,
                                                     const TrialRequest& request);

// Packets per second at a rate, of frames with so many bytes on average, FCS included. REQUIRES: not kMaximum
[[nodiscard]] double packets_per_second(const loader::TrafficRate& rate, double mean_frame_bytes) noexcept;

}  // namespace drywall::generate
