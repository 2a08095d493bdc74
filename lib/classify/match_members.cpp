#include "match_members.h"

#include <algorithm>
#include <bit>

namespace drywall::classify {
namespace {

template <typename Visit>
void for_each_match(std::span<const std::uint64_t> holds, Visit&& visit) {
    for (std::size_t word = 0; word < holds.size(); ++word) {
        for (std::uint64_t left = holds[word]; left != 0; left &= left - 1)
            visit(word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
    }
}

}  // namespace

MatchMembers::MatchMembers(const SideClasses& classes) {
    const std::size_t matches = classes.holds.columns();
    std::vector<std::size_t> count(matches, 0);
    for (std::size_t id = 0; id < classes.size(); ++id)
        for_each_match(classes.holds.row(id), [&](std::size_t match) { ++count[match]; });
    std::vector<std::uint64_t> mostly(classes.holds.words(), 0);  // bits over matches: those that hold for most
    begins_.push_back(0);
    for (std::size_t match = 0; match < matches; ++match) {
        const bool few = 2 * count[match] <= classes.size();
        hold_.push_back(few);
        begins_.push_back(begins_.back() + (few ? count[match] : classes.size() - count[match]));
        if (!few) mostly[match / 64] |= std::uint64_t{1} << (match % 64);
    }
    classes_.resize(begins_.back());
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    std::vector<std::uint64_t> unusual(mostly.size());
    for (std::uint32_t id = 0; id < classes.size(); ++id) {
        const auto holds = classes.holds.row(id);
        for (std::size_t word = 0; word < unusual.size(); ++word) unusual[word] = holds[word] ^ mostly[word];
        for_each_match(unusual, [&](std::size_t match) { classes_[next[match]++] = id; });
    }
}

bool MatchMembers::differs(const MatchMembers& before, std::uint32_t match) const noexcept {
    if (match >= before.hold_.size()) return true;
    const Few now = of(match);
    const Few then = before.of(match);
    return now.hold != then.hold || !std::ranges::equal(now.classes, then.classes);
}

}  // namespace drywall::classify
