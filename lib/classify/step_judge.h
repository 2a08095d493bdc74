// StepJudge: what one kind of step (egress of the source, ingress of the destination, a port's own) answers, a row at a
// time. The outer side is the one whose party owns the walk, the inner side the other one; a row is what one outer
// class answers all inner ones. Inner classes are told apart by the row's own conditions only, one condition after the
// other, in time proportional to the classes that they single out; rules are looked at once per combination of
// conditions that occurs.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "address_classes.h"
#include "interner.h"
#include "match_members.h"
#include "normal_program.h"
#include "rule_filter.h"
#include "service_functions.h"
#include "walk_evaluator.h"

namespace drywall::classify {

enum class Side { kSource, kDestination };

// What all steps of one compilation share.
struct StepContext {
    const NormalProgram& normal;
    const AddressClasses& addresses;
    WalkEvaluator& evaluator;
    ServiceFunctions& functions;
    Memo<2>& joined_worlds;  // enforced function, pending function -> the function that has both

    [[nodiscard]] const SideClasses& classes(Side side) const noexcept {
        return side == Side::kSource ? addresses.source : addresses.destination;
    }
};

// Most inner classes are answered alike; the others are listed.
struct StepRow {
    struct Other {
        std::uint32_t inner = 0;
        std::uint32_t function = 0;  // index into functions
    };
    std::vector<FunctionId> functions;  // the first one is that of all who are not listed
    std::vector<Other> others;
};

class StepJudge {
public:
    // All must outlive this.
    StepJudge(StepContext& context, Side outer, const MatchMembers& inner_members);

    // Outer classes that the step does not tell apart share a row.
    [[nodiscard]] Grouping group(const Step& step, std::span<const std::uint32_t> outer) const;

    // The row of one outer class. Valid until the next call.
    [[nodiscard]] const StepRow& row(const Step& step, std::uint32_t outer);

private:
    // Inner classes that the conditions looked at so far do not tell apart.
    struct Part {
        std::uint32_t size = 0;
        std::uint32_t representative = 0;
        std::uint32_t split_by = kNone;  // the last condition that took classes out of it,
        std::uint32_t split_to = 0;      // and where they went
    };

    void part_inner_classes();
    void choose_representatives();
    void write_row(RuleFilter& enforced, RuleFilter& pending, bool worlds_differ);
    [[nodiscard]] std::uint32_t part_of(std::uint32_t inner) const noexcept {
        return turn_of_[inner] == turn_ ? part_of_[inner] : 0;
    }
    [[nodiscard]] std::vector<FilterOp> restricted(const NormalWalk& walk, std::uint32_t outer) const;
    FunctionId judge(RuleFilter& filter, std::uint32_t inner);
    // Whether an earlier rule of the tier decides all packets of this service.
    [[nodiscard]] bool shadowed(const Leaf& leaf);

    StepContext& context_;
    Side outer_;
    const SideClasses& outer_classes_;
    const SideClasses& inner_classes_;
    const MatchMembers& inner_members_;
    // Of the row at work.
    StepRow row_;
    std::vector<std::uint32_t> matches_;             // sorted, distinct
    std::vector<Part> parts_;                        // the first one: those that no condition singled out
    std::vector<std::uint32_t> functions_of_parts_;  // index into StepRow::functions
    std::vector<std::uint32_t> singled_out_;         // inner classes
    std::vector<std::uint32_t> part_of_;             // by inner class, if
    std::vector<std::uint32_t> turn_of_;             // is the present turn
    std::uint32_t turn_ = 0;
    // Scratch of judge().
    std::vector<std::uint32_t> positions_;
    std::vector<std::uint32_t> leaves_;
    std::vector<std::uint64_t> decided_in_;  // by service: the tier in which a rule decided it
    std::uint64_t tier_ = 0;
};

}  // namespace drywall::classify
