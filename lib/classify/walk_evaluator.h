// WalkEvaluator: what a walk answers for every service at once, when it is already known which of its rules the
// addresses satisfy.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "normal_program.h"
#include "paths.h"
#include "service_classes.h"
#include "service_functions.h"

namespace drywall::classify {

class WalkEvaluator {
public:
    // Both must outlive the evaluator.
    WalkEvaluator(const NormalProgram& normal, const ServiceClasses& services, ServiceFunctions& functions,
                  Paths& paths);

    // Leaves have come since the last compilation.
    void learn_leaves();

    // A leaf that holds for every service.
    [[nodiscard]] bool always(std::uint32_t leaf) const noexcept { return always_[leaf]; }

    // service class -> path, the same in both_worlds (kNone where no answer is given). `leaves` is the walk in order,
    // without the rules whose addresses do not hold.
    FunctionId evaluate(std::span<const std::uint32_t> leaves);

    [[nodiscard]] std::size_t bytes() const noexcept { return lists_.bytes() + answer_of_.size() * sizeof(FunctionId); }

private:
    using Services = std::vector<std::uint64_t>;  // bits over service classes

    // Packets of some services that took the same way so far.
    struct Way {
        std::size_t at = 0;  // the next leaf
        Services services;
        std::vector<std::uint32_t> hits;
    };

    FunctionId compute(std::span<const std::uint32_t> leaves);
    void follow(std::span<const std::uint32_t> leaves, Way way);
    void apply_rule(std::span<const std::uint32_t> leaves, const Leaf& leaf, Way& way);
    // The part of `way` for which the service holds leaves it and is returned, with the hit noted.
    Way split(Way& way, const Leaf& leaf, std::size_t next) const;
    // All packets of `way` end here.
    void answer(const Way& way, Action action);
    // Those of them for which the service holds do, by a rule.
    void answer_some(Way& way, const Leaf& leaf);
    std::uint64_t path_of(const Way& way, Action action);
    void write(std::size_t word, std::uint64_t services, std::uint64_t path);
    [[nodiscard]] std::size_t next_tier(std::span<const std::uint32_t> leaves, std::size_t at) const;

    const NormalProgram& normal_;
    const ServiceClasses& services_;
    ServiceFunctions& functions_;
    Paths& paths_;
    std::vector<bool> always_;
    Interner<std::uint32_t> lists_;      // lists of leaves
    std::vector<FunctionId> answer_of_;  // by id of lists_
    std::vector<Way> ways_;              // to follow
    std::vector<std::uint64_t> answers_;
};

}  // namespace drywall::classify
