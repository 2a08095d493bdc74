#include "step_grid.h"

#include <algorithm>
#include <array>

namespace drywall::classify {
namespace {

// Classes between which a few matches of one side cannot tell.
struct Grouping {
    std::vector<std::uint32_t> group_of;        // by position in the classes given
    std::vector<std::uint32_t> representative;  // by group: a class
};

Grouping group(std::span<const std::uint32_t> classes, const BitMatrix& holds,
               const std::vector<std::uint32_t>& matches) {
    std::vector<std::uint64_t> mask(holds.words(), 0);
    for (const std::uint32_t match : matches) mask[match / 64] |= std::uint64_t{1} << (match % 64);
    std::vector<std::size_t> words;
    for (std::size_t word = 0; word < mask.size(); ++word) {
        if (mask[word] != 0) words.push_back(word);
    }
    Grouping grouping;
    grouping.group_of.reserve(classes.size());
    Interner<std::uint64_t> known;
    std::vector<std::uint64_t> key(words.size());
    for (const std::uint32_t id : classes) {
        const auto row = holds.row(id);
        for (std::size_t at = 0; at < words.size(); ++at) key[at] = row[words[at]] & mask[words[at]];
        const std::uint32_t group = known.intern(key);
        if (group == grouping.representative.size()) grouping.representative.push_back(id);
        grouping.group_of.push_back(group);
    }
    return grouping;
}

// Follows a list of leaves in order and says which of them no packet can reach, so that lists end early and more of
// them are equal.
class Reach {
public:
    // Whether `leaf` belongs in the list. `certain`: its addresses hold, and `always`: so does its service.
    bool keep(const Leaf& leaf, bool certain, bool always) {
        if (leaf.kind == Leaf::Kind::kRule) return keep_rule(leaf, certain && always);
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

StepGrid::StepGrid(GridContext& context, const Step& step, std::span<const std::uint32_t> sources,
                   std::span<const std::uint32_t> destinations)
    : width_(destinations.size()), group_of_source_(context.addresses.source.size(), 0) {
    std::vector<std::uint32_t> matches;
    for (const std::uint32_t walk : {step.enforced, step.pending}) {
        for (const Op& op : context.normal.walks[walk]) {
            if (op.source != kNone) matches.push_back(op.source);
        }
    }
    const Grouping groups = group(sources, context.addresses.source.holds, matches);
    for (std::size_t at = 0; at < sources.size(); ++at) group_of_source_[sources[at]] = groups.group_of[at];
    functions_.reserve(groups.representative.size() * width_);
    for (const std::uint32_t source : groups.representative) {
        if (!context.go_on()) return;
        judge_group(context, step, source, destinations);
    }
}

void StepGrid::judge_group(GridContext& context, const Step& step, std::uint32_t source,
                           std::span<const std::uint32_t> destinations) {
    const std::vector<HalfOp> enforced = for_source(context, context.normal.walks[step.enforced], source);
    const std::vector<HalfOp> pending =
        step.pending == step.enforced ? enforced : for_source(context, context.normal.walks[step.pending], source);
    std::vector<std::uint32_t> matches;
    for (const std::vector<HalfOp>* ops : {&enforced, &pending}) {
        for (const HalfOp& op : *ops) {
            if (op.destination != kNone) matches.push_back(op.destination);
        }
    }
    const Grouping groups = group(destinations, context.addresses.destination.holds, matches);
    std::vector<FunctionId> of_group;
    for (const std::uint32_t destination : groups.representative) {
        const FunctionId now = judge(context, enforced, destination);
        const FunctionId then = step.pending == step.enforced ? now : judge(context, pending, destination);
        const std::array<std::uint32_t, 2> key{now, then};
        of_group.push_back(context.joined_worlds.get(key, [&] {
            return context.functions.combine(now, then, [](std::uint64_t a, std::uint64_t b) {
                return both_worlds(static_cast<PathId>(a), static_cast<PathId>(b));
            });
        }));
    }
    for (const std::uint32_t group : groups.group_of) functions_.push_back(of_group[group]);
}

std::vector<StepGrid::HalfOp> StepGrid::for_source(const GridContext& context, const NormalWalk& walk,
                                                   std::uint32_t source) {
    std::vector<HalfOp> ops;
    Reach reach;
    for (const Op& op : walk) {
        if (op.source != kNone && !context.addresses.source.holds.test(source, op.source)) continue;
        const bool keep =
            reach.keep(context.normal.leaves[op.leaf], op.destination == kNone, context.evaluator.always(op.leaf));
        if (keep) ops.push_back({op.destination, op.leaf});
        if (reach.done()) break;
    }
    return ops;
}

FunctionId StepGrid::judge(GridContext& context, const std::vector<HalfOp>& ops, std::uint32_t destination) {
    std::vector<std::uint32_t> leaves;
    Reach reach;
    for (const HalfOp& op : ops) {
        if (op.destination != kNone && !context.addresses.destination.holds.test(destination, op.destination)) continue;
        if (reach.keep(context.normal.leaves[op.leaf], true, context.evaluator.always(op.leaf))) {
            leaves.push_back(op.leaf);
        }
        if (reach.done()) break;
    }
    return context.evaluator.evaluate(leaves);
}

}  // namespace drywall::classify
