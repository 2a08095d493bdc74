// SourceGrid: what the steps of one kind whose walks belong to the source (its own egress, a port's, the failsafe list)
// answer at each destination. Sources that no step tells apart are a group; at a destination, most groups answer what
// they mostly answer, and the others are listed.
//
// Threads: owned by one compilation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "step_judge.h"

namespace drywall::classify {

// The function of those whom no step judges.
inline constexpr FunctionId kNoStep = kNone;

class SourceGrid {
public:
    explicit SourceGrid(std::size_t sources) : group_of_(sources, 0) {}

    // No source twice. `go_on` is asked between rows; false ends the work.
    void add(StepJudge& judge, const Step& step, std::span<const std::uint32_t> sources,
             const std::function<bool()>& go_on);
    // To be called once, after the last add().
    void finish(std::size_t destinations);

    [[nodiscard]] std::uint32_t group_of(std::uint32_t source) const noexcept { return group_of_[source]; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return (group_of_.size() + mostly_.size()) * sizeof(std::uint32_t) + begins_.size() * sizeof(begins_[0]) +
               others_.size() * sizeof(Other);
    }
    // Some group answers there what it mostly does not. REQUIRES: finish() was called
    [[nodiscard]] bool differs_at(std::uint32_t destination) const noexcept {
        return begins_[destination] != begins_[destination + 1];
    }
    // By group. REQUIRES: finish() was called
    void answers_at(std::uint32_t destination, std::vector<FunctionId>& functions) const;

private:
    struct Other {
        std::uint32_t destination = 0;
        std::uint32_t group = 0;
        FunctionId function = 0;
    };

    std::vector<std::uint32_t> group_of_;      // by source; 0: no step judges it
    std::vector<FunctionId> mostly_{kNoStep};  // by group
    std::vector<Other> others_;                // by destination, when finished
    std::vector<std::size_t> begins_;          // by destination: the first of its others; one more at the end
};

}  // namespace drywall::classify
