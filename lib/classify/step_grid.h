// StepGrid: one step's judgement of every pair of a source class and a destination class. Classes that the rules of
// this step do not tell apart are grouped first, so that rules are looked at once per pair of groups.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "address_classes.h"
#include "normal_program.h"
#include "service_functions.h"
#include "walk_evaluator.h"

namespace drywall::classify {

// service class -> both worlds' paths.
constexpr std::uint64_t both_worlds(PathId enforced, PathId pending) noexcept {
    return std::uint64_t{enforced} << 32 | pending;
}
constexpr PathId enforced_of(std::uint64_t both) noexcept { return static_cast<PathId>(both >> 32); }
constexpr PathId pending_of(std::uint64_t both) noexcept { return static_cast<PathId>(both); }

// What the grids of one compilation share.
struct GridContext {
    const NormalProgram& normal;
    const AddressClasses& addresses;
    WalkEvaluator& evaluator;
    ServiceFunctions& functions;
    Memo joined_worlds;  // enforced function, pending function -> function of both_worlds
    // Asked between groups; false ends the work (a budget is exceeded).
    std::function<bool()> go_on;
};

class StepGrid {
public:
    // `sources` and `destinations`: the classes for which the step is judged at all.
    StepGrid(GridContext& context, const Step& step, std::span<const std::uint32_t> sources,
             std::span<const std::uint32_t> destinations);

    // REQUIRES: `source` was among `sources`; `position` is a place in `destinations`
    [[nodiscard]] FunctionId at(std::uint32_t source, std::size_t position) const noexcept {
        return functions_[group_of_source_[source] * width_ + position];
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return (group_of_source_.size() + functions_.size()) * sizeof(std::uint32_t);
    }

private:
    // Rules whose source holds: a destination match and a leaf.
    struct HalfOp {
        std::uint32_t destination = kNone;
        std::uint32_t leaf = 0;
    };

    void judge_group(GridContext& context, const Step& step, std::uint32_t source,
                     std::span<const std::uint32_t> destinations);
    static std::vector<HalfOp> for_source(const GridContext& context, const NormalWalk& walk, std::uint32_t source);
    static FunctionId judge(GridContext& context, const std::vector<HalfOp>& ops, std::uint32_t destination);

    std::size_t width_;
    std::vector<std::uint32_t> group_of_source_;  // by source class; only those of `sources` are set
    std::vector<FunctionId> functions_;           // [group][position in destinations]
};

}  // namespace drywall::classify
