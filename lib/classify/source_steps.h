// SourceSteps: what meets a packet beside the destination's own step, lane by lane: the ingress port's step, the
// source's egress, the egress port's step, and the failsafe list. Sources that none of them tells apart have one
// profile.
//
// Threads: owned by one compilation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "source_grid.h"
#include "step_judge.h"

namespace drywall::classify {

// In the order in which packets meet them; the destination's own step comes after the source's egress.
enum : std::uint8_t { kIngressPort, kEgress, kEgressPort, kFailsafe, kFronts };
// What they answer at one destination: functions, or kNoStep.
using Front = std::array<FunctionId, kFronts>;

class SourceSteps {
public:
    // All must outlive this. `fronts`: Front as content.
    SourceSteps(StepContext& context, const MatchMembers& destination_members, Interner<std::uint32_t>& fronts)
        : context_(context), judge_(context, Side::kSource, destination_members), known_fronts_(fronts) {}

    // `go_on` is asked with what this takes; false ends the work.
    void build(const std::function<bool(std::size_t)>& go_on);

    [[nodiscard]] std::size_t lanes() const noexcept { return lanes_.size(); }
    [[nodiscard]] std::size_t profiles(std::size_t lane) const noexcept { return lanes_[lane].profiles.size(); }
    // By source.
    [[nodiscard]] const std::vector<std::uint32_t>& profile_of(std::size_t lane) const noexcept {
        return lanes_[lane].profile_of;
    }
    // By profile: ids of fronts. Valid until the next call.
    [[nodiscard]] const std::vector<std::uint32_t>& fronts_at(std::size_t lane, std::uint32_t destination);
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    struct LaneFronts {
        std::array<const SourceGrid*, kFronts> grids{};  // null: no such step
        std::vector<std::uint32_t> profile_of;
        std::vector<std::array<std::uint32_t, kFronts>> profiles;  // the groups of the grids
        std::vector<std::uint32_t> mostly;                         // by profile: the front where no grid differs
    };

    [[nodiscard]] const SourceGrid* of_all_sources(std::uint32_t step, const std::function<bool(std::size_t)>& go_on);
    [[nodiscard]] LaneFronts fronts_of(const std::array<const SourceGrid*, kFronts>& grids) const;

    StepContext& context_;
    StepJudge judge_;
    Interner<std::uint32_t>& known_fronts_;
    std::deque<SourceGrid> grids_;
    std::vector<const SourceGrid*> of_step_;  // by step of a port or the failsafe list; null: not asked for yet
    std::vector<LaneFronts> lanes_;
    std::size_t bytes_ = 0;
    std::array<std::vector<FunctionId>, kFronts> answers_;  // scratch: by group
    std::vector<std::uint32_t> fronts_;                     // scratch: by profile
};

}  // namespace drywall::classify
