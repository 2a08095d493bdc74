#include "rule_filter.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "interner.h"

namespace drywall::classify {
namespace {

void set_bit(std::vector<std::uint64_t>& bits, std::size_t at) { bits[at / 64] |= std::uint64_t{1} << (at % 64); }

}  // namespace

RuleFilter::RuleFilter(std::vector<FilterOp> ops) : ops_(std::move(ops)), always_((ops_.size() + 63) / 64, 0) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> by_match;
    for (std::uint32_t at = 0; at < ops_.size(); ++at) {
        if (ops_[at].match == kNone) {
            set_bit(always_, at);
        } else {
            by_match.emplace_back(ops_[at].match, at);
        }
    }
    std::ranges::sort(by_match);
    for (std::size_t at = 0; at < by_match.size(); ++at) {
        const auto [match, position] = by_match[at];
        if (at == 0 || match != by_match[at - 1].first) {
            if (words_.empty() || words_.back().at != match / 64) words_.push_back({match / 64, 0, starts_.size()});
            words_.back().mask |= std::uint64_t{1} << (match % 64);
            starts_.push_back(static_cast<std::uint32_t>(at));
        }
        positions_.push_back(position);
    }
    starts_.push_back(static_cast<std::uint32_t>(by_match.size()));
}

void RuleFilter::select(std::span<const std::uint64_t> row, std::vector<std::uint32_t>& positions) {
    chosen_ = always_;
    for (const Word& word : words_) {
        for (std::uint64_t left = row[word.at] & word.mask; left != 0; left &= left - 1) {
            const std::uint64_t below = (left & -left) - 1;
            const std::size_t rank = word.first_rank + static_cast<std::size_t>(std::popcount(word.mask & below));
            for (std::uint32_t at = starts_[rank]; at < starts_[rank + 1]; ++at) set_bit(chosen_, positions_[at]);
        }
    }
    positions.clear();
    for (std::size_t word = 0; word < chosen_.size(); ++word) {
        for (std::uint64_t left = chosen_[word]; left != 0; left &= left - 1) {
            positions.push_back(static_cast<std::uint32_t>(word * 64) +
                                static_cast<std::uint32_t>(std::countr_zero(left)));
        }
    }
}

Grouping group_classes(std::span<const std::uint32_t> classes, const BitMatrix& holds,
                       std::span<const std::uint32_t> matches) {
    std::vector<std::uint64_t> mask(holds.words(), 0);
    for (const std::uint32_t match : matches) set_bit(mask, match);
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

}  // namespace drywall::classify
