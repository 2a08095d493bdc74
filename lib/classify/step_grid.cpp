#include "step_grid.h"

#include <array>
#include <numeric>
#include <utility>

#include "paths.h"

namespace drywall::classify {
namespace {

// Follows a list of leaves in order and says which of them no packet can reach, so that lists end early and more of
// them are equal.
class Reach {
public:
    // Whether `leaf` belongs in the list. `takes_all`: it holds for every packet that comes to it.
    bool keep(const Leaf& leaf, bool takes_all) {
        if (leaf.kind == Leaf::Kind::kRule) return keep_rule(leaf, takes_all);
        if (leaf.kind == Leaf::Kind::kOtherwise) {
            done_ = true;
            return true;
        }
        const bool goes_on = passed_ || (!closed_ && leaf.action == Action::kPass);
        done_ = !goes_on;
        closed_ = false;
        passed_ = false;
        return true;  // also when nothing reaches it: it parts two tiers
    }
    [[nodiscard]] bool done() const noexcept { return done_; }

private:
    bool keep_rule(const Leaf& rule, bool takes_all) {
        if (closed_) return false;
        passed_ = passed_ || rule.action == Action::kPass;
        closed_ = takes_all && rule.action != Action::kLog;
        done_ = closed_ && !passed_;
        return true;
    }

    bool closed_ = false;  // a rule of this tier took all that came to it
    bool passed_ = false;  // a rule of this tier sends packets to the next
    bool done_ = false;
};

}  // namespace

StepGrid::StepGrid(GridContext& context, Side outer)
    : context_(context),
      outer_(outer),
      outer_classes_(context.classes(outer)),
      inner_classes_(context.classes(outer == Side::kSource ? Side::kDestination : Side::kSource)),
      width_(inner_classes_.size()),
      all_inner_(width_),
      row_of_(outer_classes_.size(), 0),
      decided_in_(context.normal.services.size(), 0) {
    std::iota(all_inner_.begin(), all_inner_.end(), 0);
}

void StepGrid::add(const Step& step, std::span<const std::uint32_t> outer) {
    std::vector<std::uint32_t> matches;
    for (const std::uint32_t walk : {step.enforced, step.pending}) {
        for (const Op& op : context_.normal.walks[walk]) {
            const std::uint32_t match = outer_ == Side::kSource ? op.source : op.destination;
            if (match != kNone) matches.push_back(match);
        }
    }
    const Grouping groups = group_classes(outer, outer_classes_.holds, matches);
    const std::size_t first_row = functions_.size() / width_;
    for (std::size_t at = 0; at < outer.size(); ++at) row_of_[outer[at]] = first_row + groups.group_of[at];
    for (const std::uint32_t representative : groups.representative) {
        if (!context_.go_on()) return;
        add_row(step, representative);
    }
}

void StepGrid::add_row(const Step& step, std::uint32_t outer) {
    RuleFilter enforced(restricted(context_.normal.walks[step.enforced], outer));
    RuleFilter pending(restricted(context_.normal.walks[step.pending], outer));
    std::vector<std::uint32_t> matches;
    for (const RuleFilter* filter : {&enforced, &pending}) {
        for (const FilterOp& op : filter->ops()) {
            if (op.match != kNone) matches.push_back(op.match);
        }
    }
    const Grouping groups = group_classes(all_inner_, inner_classes_.holds, matches);
    std::vector<FunctionId> of_group;
    for (const std::uint32_t inner : groups.representative) {
        const FunctionId now = judge(enforced, inner);
        const FunctionId then = step.pending == step.enforced ? now : judge(pending, inner);
        const std::array<std::uint32_t, 2> key{now, then};
        of_group.push_back(now == then ? now : context_.joined_worlds.get(key, [&] {
            return context_.functions.combine(
                now, then, [](std::uint64_t a, std::uint64_t b) { return both_worlds(enforced_of(a), pending_of(b)); });
        }));
    }
    for (const std::uint32_t group : groups.group_of) functions_.push_back(of_group[group]);
}

std::vector<FilterOp> StepGrid::restricted(const NormalWalk& walk, std::uint32_t outer) const {
    std::vector<FilterOp> ops;
    Reach reach;
    for (const Op& op : walk) {
        const auto [open, known] =
            outer_ == Side::kSource ? std::pair(op.destination, op.source) : std::pair(op.source, op.destination);
        if (known != kNone && !outer_classes_.holds.test(outer, known)) continue;
        const bool takes_all = open == kNone && context_.evaluator.always(op.leaf);
        if (reach.keep(context_.normal.leaves[op.leaf], takes_all)) ops.push_back({open, op.leaf});
        if (reach.done()) break;
    }
    return ops;
}

FunctionId StepGrid::judge(RuleFilter& filter, std::uint32_t inner) {
    filter.select(inner_classes_.holds.row(inner), positions_);
    leaves_.clear();
    Reach reach;
    ++tier_;
    for (const std::uint32_t at : positions_) {
        const std::uint32_t leaf = filter.ops()[at].leaf;
        if (shadowed(context_.normal.leaves[leaf])) continue;
        if (reach.keep(context_.normal.leaves[leaf], context_.evaluator.always(leaf))) leaves_.push_back(leaf);
        if (reach.done()) break;
    }
    return context_.evaluator.evaluate(leaves_);
}

bool StepGrid::shadowed(const Leaf& leaf) {
    if (leaf.kind != Leaf::Kind::kRule) {
        ++tier_;
        return false;
    }
    if (decided_in_[leaf.service] == tier_) return true;
    if (leaf.action != Action::kLog) decided_in_[leaf.service] = tier_;
    return false;
}

}  // namespace drywall::classify
