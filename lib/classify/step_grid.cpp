#include "step_grid.h"

#include <algorithm>
#include <array>
#include <bit>
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

ChunkedMatches::ChunkedMatches(const SideClasses& classes)
    : chunks_(chunks_of(classes.size())),
      last_members_(~std::uint64_t{0} >> (chunks_ * kChunk - classes.size())),
      bits_(classes.holds.columns() * chunks_, 0) {
    for (std::size_t id = 0; id < classes.size(); ++id) {
        const auto row = classes.holds.row(id);
        for (std::size_t word = 0; word < row.size(); ++word) {
            for (std::uint64_t left = row[word]; left != 0; left &= left - 1) {
                const std::size_t match = word * 64 + static_cast<std::size_t>(std::countr_zero(left));
                bits_[match * chunks_ + id / kChunk] |= std::uint64_t{1} << (id % kChunk);
            }
        }
    }
}

StepGrid::StepGrid(GridContext& context, Side outer)
    : context_(context),
      outer_(outer),
      outer_classes_(context.classes(outer)),
      inner_classes_(context.classes(outer == Side::kSource ? Side::kDestination : Side::kSource)),
      inner_matches_(context.matches(outer == Side::kSource ? Side::kDestination : Side::kSource)),
      width_(inner_matches_.chunks()),
      row_of_(outer_classes_.size(), 0),
      decided_in_(context.normal.services.size(), 0) {}

void StepGrid::add(const Step& step, std::span<const std::uint32_t> outer) {
    std::vector<std::uint32_t> matches;
    for (const std::uint32_t walk : {step.enforced, step.pending}) {
        for (const Op& op : context_.normal.walks[walk]) {
            const std::uint32_t match = outer_ == Side::kSource ? op.source : op.destination;
            if (match != kNone) matches.push_back(match);
        }
    }
    const Grouping groups = group_classes(outer, outer_classes_.holds, matches);
    const std::size_t first_row = chunks_.size() / width_;
    for (std::size_t at = 0; at < outer.size(); ++at) row_of_[outer[at]] = first_row + groups.group_of[at];
    for (const std::uint32_t representative : groups.representative) {
        if (!context_.go_on()) return;
        add_row(step, representative);
    }
}

void StepGrid::add_row(const Step& step, std::uint32_t outer) {
    Row row{.enforced = RuleFilter(restricted(context_.normal.walks[step.enforced], outer)),
            .pending = RuleFilter(restricted(context_.normal.walks[step.pending], outer)),
            .worlds_differ = step.pending != step.enforced};
    for (const RuleFilter* filter : {&row.enforced, &row.pending}) {
        for (const FilterOp& op : filter->ops()) {
            if (op.match != kNone) row.matches.push_back(op.match);
        }
    }
    std::ranges::sort(row.matches);
    row.matches.erase(std::unique(row.matches.begin(), row.matches.end()), row.matches.end());
    row.signature.resize(row.matches.size() / 64 + 1);
    for (std::size_t at = 0; at < width_; ++at) chunks_.push_back(chunk_of(row, at));
}

// The classes of the chunk are parted by one match after the other; mostly none of them parts any.
std::uint32_t StepGrid::chunk_of(Row& row, std::size_t at) {
    const auto first = static_cast<std::uint32_t>(at * kChunk);
    const std::uint64_t members = inner_matches_.members(at);
    Chunk functions{};
    for (std::uint64_t left = members; left != 0;) {
        const auto place = static_cast<std::uint32_t>(std::countr_zero(left));
        std::uint64_t alike = left;
        std::ranges::fill(row.signature, 0);
        for (std::size_t which = 0; which < row.matches.size(); ++which) {
            const std::uint64_t holds = inner_matches_.holds(row.matches[which], at);
            const std::uint64_t bit = holds >> place & 1;
            row.signature[which / 64] |= bit << (which % 64);
            alike &= bit != 0 ? holds : ~holds;
        }
        const FunctionId function = function_of(row, first + place);
        if (alike == members) return ChunkPool::uniform(function);
        for (std::uint64_t some = alike; some != 0; some &= some - 1)
            functions[static_cast<std::size_t>(std::countr_zero(some))] = function;
        left &= ~alike;
    }
    // Places without a class are judged as the last class is, in every grid: so no two answers meet that never do.
    const auto last = static_cast<std::size_t>(std::bit_width(members));
    std::fill(functions.begin() + static_cast<std::ptrdiff_t>(last), functions.end(), functions[last - 1]);
    return context_.chunks.intern(functions);
}

FunctionId StepGrid::function_of(Row& row, std::uint32_t inner) {
    const std::uint32_t group = row.groups.intern(row.signature);
    if (group < row.functions.size()) return row.functions[group];
    const FunctionId now = judge(row.enforced, inner);
    const FunctionId then = row.worlds_differ ? judge(row.pending, inner) : now;
    const std::array<std::uint32_t, 2> key{now, then};
    row.functions.push_back(now == then ? now : context_.joined_worlds.get(key, [&] {
        return context_.functions.combine(
            now, then, [](std::uint64_t a, std::uint64_t b) { return both_worlds(enforced_of(a), pending_of(b)); });
    }));
    return row.functions.back();
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
