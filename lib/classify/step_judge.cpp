#include "step_judge.h"

#include <algorithm>
#include <array>
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

StepJudge::StepJudge(StepContext& context, Side outer, const MatchMembers& inner_members)
    : context_(context),
      outer_(outer),
      outer_classes_(context.classes(outer)),
      inner_classes_(context.classes(outer == Side::kSource ? Side::kDestination : Side::kSource)),
      inner_members_(inner_members),
      part_of_(inner_classes_.size(), 0),
      turn_of_(inner_classes_.size(), 0),
      decided_in_(context.normal.services.size(), 0) {}

Grouping StepJudge::group(const Step& step, std::span<const std::uint32_t> outer) const {
    std::vector<std::uint32_t> matches;
    for (const std::uint32_t walk : {step.enforced, step.pending}) {
        for (const Op& op : context_.normal.walks[walk]) {
            const std::uint32_t match = outer_ == Side::kSource ? op.source : op.destination;
            if (match != kNone) matches.push_back(match);
        }
    }
    return group_classes(outer, outer_classes_.holds, matches);
}

const StepRow& StepJudge::row(const Step& step, std::uint32_t outer) {
    RuleFilter enforced(restricted(context_.normal.walks[step.enforced], outer));
    RuleFilter pending(restricted(context_.normal.walks[step.pending], outer));
    matches_.clear();
    for (const RuleFilter* filter : {&enforced, &pending}) {
        for (const FilterOp& op : filter->ops()) {
            if (op.match != kNone) matches_.push_back(op.match);
        }
    }
    std::ranges::sort(matches_);
    matches_.erase(std::unique(matches_.begin(), matches_.end()), matches_.end());
    part_inner_classes();
    choose_representatives();
    write_row(enforced, pending, step.pending != step.enforced);
    return row_;
}

// A condition takes the few classes that it singles out from their parts into new ones.
void StepJudge::part_inner_classes() {
    ++turn_;
    singled_out_.clear();
    parts_.assign(1, {.size = static_cast<std::uint32_t>(inner_classes_.size())});
    for (const std::uint32_t match : matches_) {
        for (const std::uint32_t inner : inner_members_.of(match).classes) {
            if (turn_of_[inner] != turn_) {
                turn_of_[inner] = turn_;
                part_of_[inner] = 0;
                singled_out_.push_back(inner);
            }
            if (Part& from = parts_[part_of_[inner]]; from.split_by != match) {
                from.split_by = match;
                from.split_to = static_cast<std::uint32_t>(parts_.size());
                parts_.push_back({});
            }
            Part& from = parts_[part_of_[inner]];
            --from.size;
            part_of_[inner] = from.split_to;
            ++parts_[from.split_to].size;
        }
    }
}

void StepJudge::choose_representatives() {
    for (const std::uint32_t inner : singled_out_) parts_[part_of_[inner]].representative = inner;
    if (parts_[0].size == 0) return;
    std::uint32_t inner = 0;
    while (part_of(inner) != 0) ++inner;
    parts_[0].representative = inner;
}

void StepJudge::write_row(RuleFilter& enforced, RuleFilter& pending, bool worlds_differ) {
    const auto function_of = [&](std::uint32_t inner) {
        const FunctionId now = judge(enforced, inner);
        const FunctionId then = worlds_differ ? judge(pending, inner) : now;
        const std::array<std::uint32_t, 2> key{now, then};
        if (now == then) return now;
        return context_.joined_worlds.get(key, [&] {
            return context_.functions.combine(
                now, then, [](std::uint64_t a, std::uint64_t b) { return both_worlds(enforced_of(a), pending_of(b)); });
        });
    };
    const auto largest = std::ranges::max_element(parts_, {}, &Part::size);
    row_.functions.assign(1, function_of(largest->representative));
    row_.others.clear();
    functions_of_parts_.assign(parts_.size(), kNone);
    for (std::size_t part = 0; part < parts_.size(); ++part) {
        if (parts_[part].size == 0) continue;
        const FunctionId function = function_of(parts_[part].representative);
        if (function == row_.functions.front()) {
            functions_of_parts_[part] = 0;
            continue;
        }
        functions_of_parts_[part] = static_cast<std::uint32_t>(row_.functions.size());
        row_.functions.push_back(function);
    }
    const auto note = [this](std::uint32_t inner, std::uint32_t part) {
        if (functions_of_parts_[part] != 0) row_.others.push_back({inner, functions_of_parts_[part]});
    };
    for (const std::uint32_t inner : singled_out_) note(inner, part_of_[inner]);
    if (parts_[0].size == 0 || functions_of_parts_[0] == 0) return;
    for (std::uint32_t inner = 0; inner < inner_classes_.size(); ++inner)
        if (turn_of_[inner] != turn_) note(inner, 0);
}

std::vector<FilterOp> StepJudge::restricted(const NormalWalk& walk, std::uint32_t outer) const {
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

FunctionId StepJudge::judge(RuleFilter& filter, std::uint32_t inner) {
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

bool StepJudge::shadowed(const Leaf& leaf) {
    if (leaf.kind != Leaf::Kind::kRule) {
        ++tier_;
        return false;
    }
    if (decided_in_[leaf.service] == tier_) return true;
    if (leaf.action != Action::kLog) decided_in_[leaf.service] = tier_;
    return false;
}

}  // namespace drywall::classify
