// Requirement: what a connection must show of itself to be allowed, where addresses and ports do not decide that.
//
// Threads: values; Requirements are owned by one question.
// Method:  on its way a packet is judged in steps, and each step that would deny it lets it pass if one of its
//          conditions holds. No condition ever denies. So a requirement is a list of clauses, each of which some
//          condition must fulfil, and one requirement implies another if each clause of that one follows from one of
//          its own.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "drywall/base/verdict.h"
#include "drywall/classify/program.h"
#include "drywall/explain/semantic_diff.h"
#include "drywall/inspect/conditions.h"
#include "drywall/reference/connection_facts.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

struct Requirement {
    // A step of the way. Nothing in `any_of`: it denies whatever is shown.
    struct Clause {
        std::string step;  // step_of()
        std::vector<inspect::Condition> any_of;
        std::vector<std::string> keys;  // condition_key() of each; ascending
    };
    std::vector<Clause> clauses;  // of a denied packet: one that nothing fulfils, and no other
    policy::DomainConditions shown_by;

    [[nodiscard]] Outcome outcome() const noexcept;
    // One line for each clause: "ingress of the destination: GET of /shop... or any request of /health"
    [[nodiscard]] std::vector<std::string> words() const;
};

// Of the packets that are classified as `trace`.
[[nodiscard]] Requirement requirement_of(const Regime& regime, TraceId trace);

// What passes where `narrow` is required passes where `wide` is, too. Never said wrongly.
[[nodiscard]] bool implies(const Requirement& narrow, const Requirement& wide);

// What becomes of a packet whose connection meets these conditions (by ConditionId), and the hit that decides.
struct Judgement {
    Verdict verdict = Verdict::kDeny;
    std::string by;  // Calico's string
};
[[nodiscard]] Judgement judge(const Regime& regime, TraceId trace, const std::vector<bool>& met);

// Requirements of several regimes, numbered: equal numbers are equal requirements.
class Requirements {
public:
    std::uint32_t number(Requirement requirement);
    [[nodiscard]] const Requirement& operator[](std::uint32_t number) const { return requirements_[number]; }
    [[nodiscard]] bool implies(std::uint32_t narrow, std::uint32_t wide);

private:
    std::vector<Requirement> requirements_;
    std::map<std::string, std::uint32_t> by_text_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, bool> implied_;
};

// The requirements of one regime, looked up by packet.
class RegimeRequirements {
public:
    RegimeRequirements(const Regime& regime, Requirements& requirements);
    std::uint32_t number(const net::Tuple& tuple) { return number(regime_.ruleset->classify(tuple)); }
    std::uint32_t number(TraceId trace);

private:
    static constexpr std::uint32_t kUnknown = ~std::uint32_t{0};
    Regime regime_;
    Requirements& requirements_;
    std::vector<std::uint32_t> by_trace_;  // of the classifier's traces
};

// What the packet's connection may show that tells two regimes apart: at most one example of what is newly denied, and
// one of what is newly allowed.
[[nodiscard]] std::vector<ShownDifference> shown_differences(const Regime& before, const Regime& after,
                                                             const net::Tuple& packet);

}  // namespace drywall::explain
