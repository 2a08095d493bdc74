#include "forest_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <string>
#include <utility>

#include "address_trie.h"
#include "forest_plan.h"
#include "interner.h"
#include "service_tree.h"

namespace drywall::classify {
namespace {

constexpr std::size_t kNotNumbers = 0;

// From `first` on, up to the next region, packets go to `then`.
struct Region {
    std::uint32_t first = 0;
    std::uint32_t then = 0;
};
using Regions = std::vector<Region>;

// How many rows' worth of rules a forest of so many rules may hold: a single tree is faster than several, as long as
// its copies stay few and its cells in the cache.
std::size_t most_copies(std::size_t entries) {
    return std::max<std::size_t>(40'000, std::min<std::size_t>(20 * entries, 400'000 + 6 * entries));
}

// What a copy takes at worst, in bytes: its share of a branch, and a leaf of its own.
constexpr std::size_t kBytesOfCopy = sizeof(ForestCell) + 2 * sizeof(ForestCell) / (kBranchWays - 1);

std::vector<net::Prefix> distinct_prefixes(const RuleList& list, net::Prefix ListEntry::*side) {
    std::vector<net::Prefix> prefixes;
    for (const ListEntry& entry : list.entries) {
        const net::Prefix& prefix = entry.*side;
        if (prefix.address.family == net::Family::kIPv6 && prefix.length != 0) prefixes.push_back(prefix);
    }
    std::ranges::sort(prefixes);
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    return prefixes;
}

// Numbers for the IPv6 prefixes of one side. 0 is an address in none of them.
class Numbering6 {
public:
    Numbering6(const RuleList& list, net::Prefix ListEntry::*side) : prefixes_(distinct_prefixes(list, side)) {
        shift_ = static_cast<std::uint32_t>(std::countl_zero(static_cast<std::uint32_t>(prefixes_.size() + 1)));
    }

    Status build(AddressNumbers& numbers, std::size_t budget_bytes) const {
        numbers.shift = shift_;
        if (prefixes_.empty()) return Done{};
        std::vector<ClassedPrefix> classed;
        classed.reserve(prefixes_.size());
        for (std::uint32_t at = 0; at < prefixes_.size(); ++at) classed.push_back({prefixes_[at], at + 1});
        auto trie = build_trie(classed, kNotNumbers, {.bytes = budget_bytes});
        if (!trie) return std::move(trie).error();
        numbers.trie = *std::move(trie);
        return Done{};
    }

    [[nodiscard]] NumberRange range(const net::Prefix& prefix) const {
        if (prefix.length == 0) return {};
        const auto at = std::ranges::lower_bound(prefixes_, prefix);
        auto end = at;
        // Those inside it follow it.
        end =
            std::partition_point(at, prefixes_.end(), [&](const net::Prefix& other) { return prefix.contains(other); });
        const auto number = [&](auto where) { return static_cast<std::uint32_t>(where - prefixes_.begin() + 1); };
        return {number(at) << shift_, ((number(end) - 1) << shift_) | ((1U << shift_) - 1)};
    }

private:
    std::vector<net::Prefix> prefixes_;
    std::uint32_t shift_ = 0;
};

NumberRange range4(const net::Prefix& prefix) {
    if (prefix.length == 0) return {};
    const std::uint32_t first = v4_number(prefix.address.bytes);
    return {first, first | (prefix.length == 32 ? 0 : 0xffffffff >> prefix.length)};
}

class ForestBuilder {
public:
    ForestBuilder(const RuleList& list, std::size_t budget_bytes)
        : list_(list), budget_bytes_(budget_bytes), services_(cells_) {
        forest_.otherwise = list.otherwise;
    }

    Result<DecisionForest> build() {
        const Numbering6 sources(list_, &ListEntry::source);
        const Numbering6 destinations(list_, &ListEntry::destination);
        if (Status status = sources.build(forest_.sources, budget_bytes_); !status) return status.error();
        if (Status status = destinations.build(forest_.destinations, budget_bytes_); !status) return status.error();
        for (const net::Family family : {net::Family::kIPv4, net::Family::kIPv6}) {
            for (const ListEntry& entry : list_.entries) {
                if (entry.source.address.family != family) continue;
                const bool v4 = family == net::Family::kIPv4;
                entries_.push_back({{v4 ? range4(entry.source) : sources.range(entry.source),
                                     v4 ? range4(entry.destination) : destinations.range(entry.destination)},
                                    services_.content(entry.box, entry.answer)});
            }
            if (Status status = plant(forest_.groves[family == net::Family::kIPv4 ? 0 : 1]); !status) {
                return status.error();
            }
            entries_.clear();
        }
        forest_.cells = std::move(cells_);
        return std::move(forest_);
    }

private:
    Status plant(Grove& grove) {
        const std::vector<TreePlan> plans = plan_forest(entries_, most_copies(entries_.size()));
        std::size_t copies = 0;
        for (const TreePlan& plan : plans) copies += plan.copies;
        if (copies > budget_bytes_ / sizeof(ForestCell)) return refusal(copies * kBytesOfCopy);
        for (const TreePlan& plan : plans) {
            const Dimension first = plan.first;
            const Dimension second = first == Dimension::kSource ? Dimension::kDestination : Dimension::kSource;
            const Regions rows = regions(plan.entries, first, [&](const Ids& row) {
                return branch(regions(row, second, [&](const Ids& ids) { return leaf(ids); }), second);
            });
            if (over_budget()) return refusal(bytes());
            grove.trees[grove.count++] = tree(rows, first);
        }
        return Done{};
    }

    using Ids = std::vector<std::uint32_t>;

    // Cuts one dimension where an entry begins or ends; `then` is asked once for each set of entries that meet.
    // Entries are laminar in it, so what holds is a stack.
    template <typename Then>
    Regions regions(const Ids& ids, Dimension dimension, Then&& then) {
        const auto side = static_cast<std::size_t>(dimension);
        Ids sorted = ids;
        std::ranges::stable_sort(sorted, {}, [&](std::uint32_t id) {
            const NumberRange range = entries_[id].addresses[side];
            return std::uint64_t{range.first} << 32 | (0xffffffff - range.last);
        });
        struct Open {
            NumberRange range;
            Ids ids;
            std::uint32_t then = 0;
        };
        Regions out;
        const auto emit = [&](std::uint32_t first, std::uint32_t where) {
            if (!out.empty() && out.back().first == first) out.pop_back();
            if (out.empty() || out.back().then != where) out.push_back({first, where});
        };
        std::vector<Open> open;
        const auto close_until = [&](const NumberRange* next) {
            while (open.size() > 1 && (next == nullptr || open.back().range.last < next->first)) {
                const std::uint32_t after = open.back().range.last + 1;  // 0: nothing follows
                open.pop_back();
                if (after != 0) emit(after, open.back().then);
            }
        };
        std::size_t at = 0;
        const auto own = [&](const NumberRange& range) {
            Ids mine;
            for (; at < sorted.size() && entries_[sorted[at]].addresses[side] == range; ++at)
                mine.push_back(sorted[at]);
            return mine;
        };
        open.push_back({{}, own({}), 0});
        open.back().then = over_budget() ? kNoAnswer : then(open.back().ids);
        emit(0, open.back().then);
        while (at < sorted.size() && !over_budget()) {
            const NumberRange range = entries_[sorted[at]].addresses[side];
            close_until(&range);
            const Ids mine = own(range);
            Ids all;
            all.reserve(mine.size() + open.back().ids.size());
            std::ranges::merge(mine, open.back().ids, std::back_inserter(all));
            const std::uint32_t where = then(all);
            open.push_back({range, std::move(all), where});
            emit(range.first, where);
        }
        close_until(nullptr);
        return out;
    }

    std::uint32_t leaf(const Ids& ids) {
        contents_.clear();
        for (const std::uint32_t id : ids) contents_.push_back(entries_[id].content);
        return services_.leaf(contents_);
    }

    // A balanced tree of branches over regions.
    std::uint32_t branch(std::span<const Region> of, Dimension dimension) {
        if (of.size() == 1) return of[0].then;
        std::size_t below = 1;  // how many regions a full child holds
        while (below * kBranchWays < of.size()) below *= kBranchWays;
        const std::size_t ways = (of.size() + below - 1) / below;
        std::array<std::uint32_t, kBranchWays> bounds{};
        std::array<std::uint32_t, kBranchWays> thens{};
        for (std::size_t way = 0; way < ways; ++way) {
            const std::size_t begin = of.size() * way / ways;
            const std::size_t end = of.size() * (way + 1) / ways;
            bounds[way] = of[begin].first;
            thens[way] = branch(of.subspan(begin, end - begin), dimension);
        }
        return add_branch(cells_, dimension, std::span(bounds).first(ways), std::span(thens).first(ways));
    }

    DecisionTree tree(const Regions& rows, Dimension first) {
        DecisionTree tree{first, 32, forest_.roots.size()};
        if (rows.size() <= kBranchWays) {
            forest_.roots.push_back(branch(rows, first));
            return tree;
        }
        const auto bits = std::min(16U, static_cast<unsigned>(std::bit_width(rows.size())) + 6);
        tree.shift = 32 - bits;
        std::size_t at = 0;
        Regions inside;
        for (std::uint32_t slot = 0; slot < 1U << bits; ++slot) {
            const std::uint32_t last = (slot << tree.shift) | ((1U << tree.shift) - 1);
            inside.assign(1, rows[at]);  // the region that reaches into this slot
            while (at + 1 < rows.size() && rows[at + 1].first <= last) {
                ++at;
                if (rows[at].first == slot << tree.shift) inside.clear();
                inside.push_back(rows[at]);
            }
            forest_.roots.push_back(branch(inside, first));
        }
        return tree;
    }

    [[nodiscard]] std::size_t bytes() const noexcept { return forest_.bytes() + cells_.size() * sizeof(ForestCell); }
    [[nodiscard]] bool over_budget() const noexcept { return bytes() > budget_bytes_ || cells_.size() >= kCellNumber; }
    [[nodiscard]] Error refusal(std::size_t needed) const {
        return Error::of(ErrorKind::kRefused,
                         "the decision trees of " + std::to_string(list_.entries.size()) + " rules take " +
                             std::to_string(needed) + " bytes or more; " + std::to_string(budget_bytes_) + " are left",
                         "raise the classifier's memory budget, or name fewer prefixes that lie inside one another");
    }

    const RuleList& list_;
    std::size_t budget_bytes_;
    std::vector<ForestEntry> entries_;
    std::vector<ForestCell> cells_;
    DecisionForest forest_;
    ServiceTree services_;
    std::vector<std::uint32_t> contents_;  // scratch
};

}  // namespace

Result<DecisionForest> build_forest(const RuleList& list, std::size_t budget_bytes) {
    return ForestBuilder(list, budget_bytes).build();
}

}  // namespace drywall::classify
