#include "requirement.h"

#include <algorithm>

#include "conditions.h"

namespace drywall::explain {

namespace {

const std::vector<HitId>& hits_in(const Regime& regime, TraceId trace) {
    const classify::Trace& undecided = regime.ruleset->undecided_trace(trace);
    return regime.world == World::kEnforced ? undecided.enforced_hits : undecided.pending_hits;
}

void add_condition(Requirement::Clause& clause, const ruleset::Ruleset& ruleset, inspect::ConditionId id) {
    std::string key = condition_key(ruleset, id);
    const auto place = std::ranges::lower_bound(clause.keys, key);
    if (place != clause.keys.end() && *place == key) return;
    clause.any_of.insert(clause.any_of.begin() + (place - clause.keys.begin()), ruleset.condition(id));
    clause.keys.insert(place, std::move(key));
}

bool implies_clause(const Requirement::Clause& narrow, const Requirement::Clause& wide) {
    return std::ranges::all_of(narrow.any_of,
                               [&](const inspect::Condition& one) { return implies_one_of(one, wide.any_of); });
}

bool asks_for_names(const Requirement& requirement) {
    return std::ranges::any_of(requirement.clauses, [](const Requirement::Clause& clause) {
        return std::ranges::any_of(clause.any_of, [](const inspect::Condition& condition) {
            return std::holds_alternative<inspect::NameCondition>(condition);
        });
    });
}

}  // namespace

Outcome Requirement::outcome() const noexcept {
    if (clauses.empty()) return Outcome::kAllow;
    return clauses.front().any_of.empty() ? Outcome::kDeny : Outcome::kDepends;
}

std::vector<std::string> Requirement::words() const {
    std::vector<std::string> out;
    if (outcome() == Outcome::kDeny) return out;
    for (const Clause& clause : clauses) {
        std::string line = clause.step + ": ";
        for (std::size_t i = 0; i < clause.any_of.size(); ++i)
            line += (i == 0 ? "" : ", or ") + condition_text(clause.any_of[i]);
        out.push_back(std::move(line));
    }
    return out;
}

Requirement requirement_of(const Regime& regime, TraceId trace) {
    Requirement out;
    out.shown_by = regime.ruleset->surroundings().domains;
    Requirement::Clause clause;
    for (const HitId id : hits_in(regime, trace)) {
        const ruleset::HitDescriptor& hit = regime.ruleset->hit(id);
        if (classify::is_conditional(id)) {
            add_condition(clause, *regime.ruleset, *hit.condition);
            continue;
        }
        if (hit.action != Action::kAllow && hit.action != Action::kDeny) continue;
        clause.step = step_of(hit);
        if (hit.action == Action::kDeny && clause.any_of.empty()) {
            out.clauses.clear();
            out.clauses.push_back(std::move(clause));
            return out;
        }
        if (hit.action == Action::kDeny) out.clauses.push_back(std::move(clause));
        clause = {};
    }
    return out;
}

bool implies(const Requirement& narrow, const Requirement& wide) {
    if (narrow.shown_by != wide.shown_by && asks_for_names(narrow) && asks_for_names(wide)) return false;
    return std::ranges::all_of(wide.clauses, [&](const Requirement::Clause& asked) {
        return std::ranges::any_of(narrow.clauses,
                                   [&](const Requirement::Clause& known) { return implies_clause(known, asked); });
    });
}

Judgement judge(const Regime& regime, TraceId trace, const std::vector<bool>& met) {
    const ruleset::HitDescriptor* decided = nullptr;
    bool passed = false;  // a condition of the present step holds
    for (const HitId id : hits_in(regime, trace)) {
        const ruleset::HitDescriptor& hit = regime.ruleset->hit(id);
        if (classify::is_conditional(id)) {
            if (passed || !met[index(*hit.condition)]) continue;
            decided = &hit;
            passed = true;
            continue;
        }
        if (hit.action != Action::kAllow && hit.action != Action::kDeny) continue;
        if (!passed) decided = &hit;
        if (!passed && hit.action == Action::kDeny) return {Verdict::kDeny, hit.text()};
        passed = false;
    }
    return {Verdict::kAllow, decided == nullptr ? std::string() : decided->text()};
}

std::uint32_t Requirements::number(Requirement requirement) {
    std::string text;
    for (const Requirement::Clause& clause : requirement.clauses) {
        text += clause.any_of.empty() ? "never" : clause.step;
        for (const std::string& key : clause.keys) text += "\n\n" + key;
        text += "\n\n\n";
    }
    const auto [known, fresh] = by_text_.try_emplace(std::move(text), static_cast<std::uint32_t>(requirements_.size()));
    if (fresh) requirements_.push_back(std::move(requirement));
    return known->second;
}

bool Requirements::implies(std::uint32_t narrow, std::uint32_t wide) {
    if (narrow == wide) return true;
    const auto [known, fresh] = implied_.try_emplace({narrow, wide}, false);
    if (fresh) known->second = explain::implies(requirements_[narrow], requirements_[wide]);
    return known->second;
}

RegimeRequirements::RegimeRequirements(const Regime& regime, Requirements& requirements)
    : regime_(regime), requirements_(requirements), by_trace_(regime.ruleset->trace_count(), kUnknown) {}

std::uint32_t RegimeRequirements::number(TraceId trace) {
    std::uint32_t& known = by_trace_[index(trace)];
    if (known == kUnknown) known = requirements_.number(requirement_of(regime_, trace));
    return known;
}

}  // namespace drywall::explain
