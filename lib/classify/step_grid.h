// StepGrid: the judgement of one kind of step (egress of the source, ingress of the destination, a port's own) for
// pairs of classes. The outer side is the one whose party owns the walk, the inner side the other one. Outer classes
// that a walk does not tell apart share a row; in a row, 64 inner classes at a time are told apart by the row's own
// conditions only, and rules are looked at once per combination of those that hold.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "address_classes.h"
#include "chunk_pool.h"
#include "normal_program.h"
#include "rule_filter.h"
#include "service_functions.h"
#include "walk_evaluator.h"

namespace drywall::classify {

enum class Side { kSource, kDestination };

// Which classes of each chunk of one side a match holds for.
class ChunkedMatches {
public:
    explicit ChunkedMatches(const SideClasses& classes);

    [[nodiscard]] std::size_t chunks() const noexcept { return chunks_; }
    [[nodiscard]] std::uint64_t holds(std::uint32_t match, std::size_t chunk) const noexcept {
        return bits_[match * chunks_ + chunk];
    }
    // The classes of a chunk: fewer than 64 in the last one.
    [[nodiscard]] std::uint64_t members(std::size_t chunk) const noexcept {
        return chunk + 1 < chunks_ ? ~std::uint64_t{0} : last_members_;
    }

private:
    std::size_t chunks_;
    std::uint64_t last_members_;
    std::vector<std::uint64_t> bits_;  // [match][chunk]
};

// What the grids of one compilation share.
struct GridContext {
    const NormalProgram& normal;
    const AddressClasses& addresses;
    const ChunkedMatches& source_matches;
    const ChunkedMatches& destination_matches;
    WalkEvaluator& evaluator;
    ServiceFunctions& functions;
    // Asked between groups; false ends the work (a budget is exceeded).
    std::function<bool()> go_on;
    ChunkPool chunks{};  // of functions
    // enforced function, pending function -> the function that has both
    Memo<2> joined_worlds{};

    [[nodiscard]] const SideClasses& classes(Side side) const noexcept {
        return side == Side::kSource ? addresses.source : addresses.destination;
    }
    [[nodiscard]] const ChunkedMatches& matches(Side side) const noexcept {
        return side == Side::kSource ? source_matches : destination_matches;
    }
};

class StepGrid {
public:
    StepGrid(GridContext& context, Side outer);

    // Judges `step` for the `outer` classes and all inner ones. No class twice.
    void add(const Step& step, std::span<const std::uint32_t> outer);

    // What the inner classes of a chunk are answered: an id of GridContext::chunks. REQUIRES: `outer` was added
    [[nodiscard]] std::uint32_t chunk(std::uint32_t outer, std::size_t at) const noexcept {
        return chunks_[row_of_[outer] * width_ + at];
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return row_of_.size() * sizeof(std::size_t) + chunks_.size() * sizeof(std::uint32_t);
    }

private:
    void add_row(const Step& step, std::uint32_t outer);
    // The walk, without rules that never hold for this outer class.
    [[nodiscard]] std::vector<FilterOp> restricted(const NormalWalk& walk, std::uint32_t outer) const;
    // Both worlds' rules of a row, and what they answer to inner classes for which the same of its matches hold.
    struct Row {
        RuleFilter enforced;
        RuleFilter pending;
        bool worlds_differ = false;
        std::vector<std::uint32_t> matches{};    // of the inner side, distinct
        Interner<std::uint64_t> groups{};        // which of `matches` hold, as bits
        std::vector<FunctionId> functions{};     // by group
        std::vector<std::uint64_t> signature{};  // scratch
    };
    [[nodiscard]] std::uint32_t chunk_of(Row& row, std::size_t at);
    // The function of the group with row.signature, to which `inner` belongs.
    FunctionId function_of(Row& row, std::uint32_t inner);
    FunctionId judge(RuleFilter& filter, std::uint32_t inner);
    // Whether a rule of this tier has already decided what this one asks for; else notes that now it has.
    bool shadowed(const Leaf& leaf);

    GridContext& context_;
    Side outer_;
    const SideClasses& outer_classes_;
    const SideClasses& inner_classes_;
    const ChunkedMatches& inner_matches_;
    std::size_t width_;                      // chunks of inner classes
    std::vector<std::size_t> row_of_;        // by outer class
    std::vector<std::uint32_t> chunks_;      // [row][chunk of inner classes]
    std::vector<std::uint32_t> positions_;   // scratch
    std::vector<std::uint32_t> leaves_;      // scratch
    std::vector<std::uint64_t> decided_in_;  // scratch, by service: the last tier (counted in tier_) that decided it
    std::uint64_t tier_ = 0;
};

}  // namespace drywall::classify
