#include "forest_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace drywall::classify {
namespace {

using Entries = std::vector<std::uint32_t>;

// For each of `ids`: how many distinct ranges of all of them lie inside its own, on one side.
std::vector<std::size_t> rows_inside(const std::vector<ForestEntry>& entries, const Entries& ids, std::size_t side) {
    std::vector<std::uint64_t> distinct;  // first << 32 | last, flipped: a range comes before those inside it
    distinct.reserve(ids.size());
    const auto key = [&](std::uint32_t id) {
        const NumberRange range = entries[id].addresses[side];
        return std::uint64_t{range.first} << 32 | (0xffffffff - range.last);
    };
    for (const std::uint32_t id : ids) distinct.push_back(key(id));
    std::ranges::sort(distinct);
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    std::vector<std::size_t> rows;
    rows.reserve(ids.size());
    for (const std::uint32_t id : ids) {
        const std::uint64_t after = (std::uint64_t{entries[id].addresses[side].last} + 1) << 32;
        const auto begin = std::ranges::lower_bound(distinct, key(id));
        // The last range of all numbers has no successor in 64 bits.
        const auto end =
            after == std::uint64_t{1} << 63 << 1 ? distinct.end() : std::ranges::lower_bound(distinct, after);
        rows.push_back(static_cast<std::size_t>(end - begin));
    }
    return rows;
}

std::size_t sum(const std::vector<std::size_t>& numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), std::size_t{0});
}

class Planner {
public:
    Planner(const std::vector<ForestEntry>& entries, std::size_t most_copies)
        : entries_(entries), most_copies_(most_copies) {}

    std::vector<TreePlan> run() {
        Entries all(entries_.size());
        std::iota(all.begin(), all.end(), 0);
        while (!all.empty()) all = plan(std::move(all));
        return std::move(trees_);
    }

private:
    // Plans trees for these; returns those that are left for the next.
    Entries plan(Entries ids) {
        if (plan_one(ids) || trees_.size() + 2 >= kMaxTrees) {
            if (!ids.empty()) force(std::move(ids));
            return {};
        }
        const auto sources = rows_inside(entries_, ids, 0);
        const auto destinations = rows_inside(entries_, ids, 1);
        std::array<Entries, 2> sides;
        for (std::size_t at = 0; at < ids.size(); ++at) {
            sides[sources[at] <= destinations[at] ? 0 : 1].push_back(ids[at]);
        }
        Entries left;
        for (std::size_t side = 0; side < 2; ++side) {
            if (!sides[side].empty()) add(Dimension{static_cast<std::uint8_t>(side)}, std::move(sides[side]), left);
        }
        std::ranges::sort(left);
        return left;
    }

    // All of them in one tree, if that is within the limit; then `ids` is empty.
    bool plan_one(Entries& ids) {
        const std::array<std::size_t, 2> copies{sum(rows_inside(entries_, ids, 0)), sum(rows_inside(entries_, ids, 1))};
        const std::size_t side = copies[0] <= copies[1] ? 0 : 1;
        if (copies[side] > most_copies_) return false;
        trees_.push_back({Dimension{static_cast<std::uint8_t>(side)}, std::move(ids), copies[side]});
        ids.clear();
        return true;
    }

    // One tree of those that are copied least; the others are left.
    void add(Dimension first, Entries ids, Entries& left) {
        const auto rows = rows_inside(entries_, ids, static_cast<std::size_t>(first));
        std::vector<std::size_t> order(ids.size());
        std::iota(order.begin(), order.end(), 0);
        std::ranges::stable_sort(order, {}, [&](std::size_t at) { return rows[at]; });
        TreePlan tree{first, {}, 0};
        for (const std::size_t at : order) {
            if (tree.copies + rows[at] > most_copies_ / 2) {
                left.push_back(ids[at]);
                continue;
            }
            tree.copies += rows[at];
            tree.entries.push_back(ids[at]);
        }
        std::ranges::sort(tree.entries);
        if (!tree.entries.empty()) trees_.push_back(std::move(tree));
    }

    // The last trees take all that is left, whatever it costs: two, each rule where it is copied least.
    void force(Entries ids) {
        const auto sources = rows_inside(entries_, ids, 0);
        const auto destinations = rows_inside(entries_, ids, 1);
        std::array<TreePlan, 2> sides{TreePlan{Dimension::kSource, {}, 0}, TreePlan{Dimension::kDestination, {}, 0}};
        for (std::size_t at = 0; at < ids.size(); ++at) {
            TreePlan& side = sides[sources[at] <= destinations[at] ? 0 : 1];
            side.entries.push_back(ids[at]);
            side.copies += std::min(sources[at], destinations[at]);
        }
        for (TreePlan& side : sides) {
            if (!side.entries.empty()) trees_.push_back(std::move(side));
        }
    }

    const std::vector<ForestEntry>& entries_;
    std::size_t most_copies_;
    std::vector<TreePlan> trees_;
};

}  // namespace

std::vector<TreePlan> plan_forest(const std::vector<ForestEntry>& entries, std::size_t most_copies) {
    return Planner(entries, most_copies).run();
}

}  // namespace drywall::classify
