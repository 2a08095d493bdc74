// RuleFilter: the rules of a list that hold for one class, in order, in time proportional to those that do. A party's
// walk may have thousands of rules of which a given peer meets a handful.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bit_matrix.h"
#include "normal_program.h"

namespace drywall::classify {

// An op of which only one side's condition is still open.
struct FilterOp {
    std::uint32_t match = kNone;  // kNone: holds always
    std::uint32_t leaf = 0;
};

class RuleFilter {
public:
    explicit RuleFilter(std::vector<FilterOp> ops);

    // Positions of the ops that hold, ascending. `row`: the matches that hold for a class (SideClasses::holds).
    void select(std::span<const std::uint64_t> row, std::vector<std::uint32_t>& positions);

    [[nodiscard]] const std::vector<FilterOp>& ops() const noexcept { return ops_; }

private:
    // 64 matches of which at least one is in the list.
    struct Word {
        std::size_t at = 0;
        std::uint64_t mask = 0;
        std::size_t first_rank = 0;  // the rank of its lowest match among all matches of the list
    };

    std::vector<FilterOp> ops_;
    std::vector<Word> words_;
    std::vector<std::uint32_t> starts_;     // by rank of a match: where its positions begin; one more at the end
    std::vector<std::uint32_t> positions_;  // ops, by match
    std::vector<std::uint64_t> always_;     // bits over ops
    std::vector<std::uint64_t> chosen_;     // scratch
};

// Classes between which the matches of some lists cannot tell.
struct Grouping {
    std::vector<std::uint32_t> group_of;        // by position in the classes given
    std::vector<std::uint32_t> representative;  // by group: a class
};

[[nodiscard]] Grouping group_classes(std::span<const std::uint32_t> classes, const BitMatrix& holds,
                                     std::span<const std::uint32_t> matches);

}  // namespace drywall::classify
