// StepGrid: the judgement of one kind of step (egress of the source, ingress of the destination, a port's own) for
// pairs of classes. The outer side is the one whose party owns the walk, the inner side the other one. Classes that a
// walk does not tell apart are grouped first, so that rules are looked at once per pair of groups.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "address_classes.h"
#include "normal_program.h"
#include "rule_filter.h"
#include "service_functions.h"
#include "walk_evaluator.h"

namespace drywall::classify {

enum class Side { kSource, kDestination };

// What the grids of one compilation share.
struct GridContext {
    const NormalProgram& normal;
    const AddressClasses& addresses;
    WalkEvaluator& evaluator;
    ServiceFunctions& functions;
    // Asked between groups; false ends the work (a budget is exceeded).
    std::function<bool()> go_on;
    // enforced function, pending function -> the function that has both
    Memo<2> joined_worlds{};

    [[nodiscard]] const SideClasses& classes(Side side) const noexcept {
        return side == Side::kSource ? addresses.source : addresses.destination;
    }
};

class StepGrid {
public:
    StepGrid(GridContext& context, Side outer);

    // Judges `step` for the `outer` classes and all inner ones. No class twice.
    void add(const Step& step, std::span<const std::uint32_t> outer);

    // REQUIRES: `outer` was added
    [[nodiscard]] FunctionId at(std::uint32_t outer, std::uint32_t inner) const noexcept {
        return functions_[row_of_[outer] * width_ + inner];
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return (row_of_.size() + functions_.size()) * sizeof(std::uint32_t);
    }

private:
    void add_row(const Step& step, std::uint32_t outer);
    // The walk, without rules that never hold for this outer class.
    [[nodiscard]] std::vector<FilterOp> restricted(const NormalWalk& walk, std::uint32_t outer) const;
    FunctionId judge(RuleFilter& filter, std::uint32_t inner);
    // Whether a rule of this tier has already decided what this one asks for; else notes that now it has.
    bool shadowed(const Leaf& leaf);

    GridContext& context_;
    Side outer_;
    const SideClasses& outer_classes_;
    const SideClasses& inner_classes_;
    std::size_t width_;                      // inner classes
    std::vector<std::uint32_t> all_inner_;   // 0, 1, 2, ...
    std::vector<std::size_t> row_of_;        // by outer class
    std::vector<FunctionId> functions_;      // [row][inner class]
    std::vector<std::uint32_t> positions_;   // scratch
    std::vector<std::uint32_t> leaves_;      // scratch
    std::vector<std::uint64_t> decided_in_;  // scratch, by service: the last tier (counted in tier_) that decided it
    std::uint64_t tier_ = 0;
};

}  // namespace drywall::classify
