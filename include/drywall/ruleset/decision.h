// Decision: what becomes of a trace that addresses and ports do not decide. Some of its rules allow only under a
// condition (what an HTTP request asks for, by which name the destination is meant); a small tree asks for one
// condition after the other, and its leaves are ordinary traces, in which every rule that took part stands as in any
// other.
//
// Threads: immutable, part of a Ruleset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/inspect/conditions.h"

namespace drywall::ruleset {

// Of a condition, as far as a connection has shown it yet.
enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };

// Where a tree stands: a question, or an answer.
struct Branch {
    static constexpr std::uint32_t kAnswer = 0x80000000;
    std::uint32_t number = 0;  // of a Question, or kAnswer and a TraceId
    [[nodiscard]] constexpr bool is_answer() const noexcept { return (number & kAnswer) != 0; }
    [[nodiscard]] constexpr TraceId trace() const noexcept { return TraceId{number & ~kAnswer}; }
    [[nodiscard]] static constexpr Branch answer(TraceId trace) noexcept {
        return {static_cast<std::uint32_t>(trace) | kAnswer};
    }
    bool operator==(const Branch&) const = default;
};

struct Question {
    inspect::ConditionId condition{};
    Branch holds;
    Branch holds_not;
};

// How far a tree leads.
struct Resolution {
    std::optional<inspect::ConditionId> waits_for;  // nothing: it is decided
    TraceId trace{};                                // then, as this
};

// All trees of a generation.
struct Decisions {
    std::vector<Question> questions;
    std::vector<Branch> roots;  // by TraceId of the classifier; an answer where nothing is to be asked

    // `truth(ConditionId) -> Truth`. Asks for what is needed, in the order of the rules, enforced before pending.
    template <typename TruthOf>
    [[nodiscard]] Resolution resolve(TraceId trace, TruthOf truth) const {
        Branch at = roots[index(trace)];
        while (!at.is_answer()) {
            const Question& question = questions[at.number];
            const Truth known = truth(question.condition);
            if (known == Truth::kUnknown) return {question.condition, trace};
            at = known == Truth::kTrue ? question.holds : question.holds_not;
        }
        return {std::nullopt, at.trace()};
    }
};

}  // namespace drywall::ruleset
