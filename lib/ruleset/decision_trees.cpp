#include "decision_trees.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>

namespace drywall::ruleset {

namespace {

bool has_conditions(const classify::Trace& trace) {
    return std::any_of(trace.enforced_hits.begin(), trace.enforced_hits.end(), classify::is_conditional) ||
           std::any_of(trace.pending_hits.begin(), trace.pending_hits.end(), classify::is_conditional);
}

// One world of a trace, judged as far as conditions are known. Steps (a port, the source, the destination) follow each
// other in the list of hits; each ends with the hit that allows or denies.
class Judge {
public:
    Judge(const std::vector<HitId>& list, std::span<const HitDescriptor> hits,
          std::span<const inspect::Condition> conditions)
        : list_(list), hits_(hits), conditions_(conditions) {}

    // The next condition that matters; nothing: the world is decided.
    [[nodiscard]] std::optional<inspect::ConditionId> next() const {
        if (done_) return std::nullopt;
        return hits_[index(classify::without_condition(list_[at_]))].condition;
    }

    // Goes on to where a condition is asked for that `known` has no answer to.
    void proceed(const std::vector<Truth>& known) {
        while (!done_) {
            const HitId hit = list_[at_];
            if (!classify::is_conditional(hit)) {
                note(hit);
                continue;
            }
            const HitId bare = classify::without_condition(hit);
            const Truth truth = known[index(*hits_[index(bare)].condition)];
            if (truth == Truth::kUnknown) return;
            if (truth == Truth::kTrue)
                allow(bare);
            else
                pass_over(bare);
        }
    }

    [[nodiscard]] const std::vector<HitId>& took_part() const noexcept { return took_part_; }
    [[nodiscard]] Verdict verdict() const noexcept { return verdict_; }
    [[nodiscard]] DropReason reason() const noexcept { return reason_; }

private:
    void note(HitId hit) {
        took_part_.push_back(hit);
        ++at_;
        const Action action = hits_[index(hit)].action;
        if (action == Action::kDeny) {
            verdict_ = Verdict::kDeny;
            reason_ = failed_;
            done_ = true;
        }
        if (action == Action::kAllow) end_step();
    }

    // The rest of the step is not looked at any more.
    void allow(HitId hit) {
        took_part_.push_back(hit);
        while (!ends_step(list_[at_])) ++at_;
        ++at_;
        end_step();
    }

    void pass_over(HitId hit) {
        ++at_;
        const bool names =
            std::holds_alternative<inspect::NameCondition>(conditions_[index(*hits_[index(hit)].condition)]);
        failed_ = names ? DropReason::kNameDenied : DropReason::kHttpDenied;
    }

    void end_step() {
        failed_ = DropReason::kNone;
        done_ = at_ == list_.size();
    }

    [[nodiscard]] bool ends_step(HitId hit) const {
        if (classify::is_conditional(hit)) return false;
        const Action action = hits_[index(hit)].action;
        return action == Action::kAllow || action == Action::kDeny;
    }

    const std::vector<HitId>& list_;
    std::span<const HitDescriptor> hits_;
    std::span<const inspect::Condition> conditions_;
    std::size_t at_ = 0;
    bool done_ = false;
    std::vector<HitId> took_part_;
    Verdict verdict_ = Verdict::kAllow;
    DropReason reason_ = DropReason::kNone;
    DropReason failed_ = DropReason::kNone;  // what a deny of this step is for: its last condition that did not hold
};

// Both worlds of one trace.
struct Standpoint {
    Judge enforced;
    Judge pending;

    void proceed(const std::vector<Truth>& known) {
        enforced.proceed(known);
        if (!enforced.next()) pending.proceed(known);
    }
    [[nodiscard]] std::optional<inspect::ConditionId> next() const {
        if (const auto condition = enforced.next()) return condition;
        return pending.next();
    }
};

class Planter {
public:
    Planter(std::span<const classify::Trace> traces, std::span<const HitDescriptor> hits,
            std::span<const inspect::Condition> conditions, HitId undecided, std::size_t most_leaves)
        : hits_(hits),
          conditions_(conditions),
          undecided_(undecided),
          most_leaves_(most_leaves),
          known_(conditions.size(), Truth::kUnknown) {
        decided_.traces.assign(traces.begin(), traces.end());
        decided_.reasons.assign(traces.size(), DropReason::kNone);
    }

    Result<Decided> plant() {
        const std::size_t count = decided_.traces.size();
        for (std::size_t id = 0; id < count; ++id) {
            const TraceId trace{static_cast<std::uint32_t>(id)};
            decided_.decisions.roots.push_back(Branch::answer(trace));
            decided_.inspections.push_back(Inspection::kNone);
            if (!has_conditions(decided_.traces[id])) continue;
            any_ = true;
            if (Status status = plant(trace); !status) return std::move(status).error();
        }
        if (!any_) decided_.decisions.roots.clear();
        return std::move(decided_);
    }

private:
    Status plant(TraceId id) {
        const classify::Trace conditional = decided_.traces[index(id)];  // a copy: leaves move the list
        passes_ = dies_ = false;
        const Branch root = grow({.enforced = {conditional.enforced_hits, hits_, conditions_},
                                  .pending = {conditional.pending_hits, hits_, conditions_}});
        if (leaves_ > most_leaves_)
            return Error::of(ErrorKind::kRefused,
                             "the http and domains rules of one connection come to more than " +
                                 std::to_string(most_leaves_) + " different outcomes",
                             "write fewer of them for the same endpoint and port, or the same ones in staged and in "
                             "enforced policies");
        if (!passes_) {
            settle(id, conditional);
            return Done{};
        }
        decided_.decisions.roots.back() = root;
        decided_.inspections.back() = dies_ ? Inspection::kEnforce : Inspection::kObserve;
        decided_.traces[index(id)] = {.enforced = Verdict::kAllow,
                                      .pending = Verdict::kAllow,
                                      .unmatched = false,
                                      .enforced_hits = {undecided_},
                                      .pending_hits = {undecided_}};
        return Done{};
    }

    // Whatever the conditions come to, the packet dies now, and nothing will be asked. In the pending world it would go
    // on and be asked, which is as much as allowed.
    void settle(TraceId id, const classify::Trace& conditional) {
        std::vector<Truth> all(conditions_.size(), Truth::kTrue);
        Judge enforced{conditional.enforced_hits, hits_, conditions_};
        Judge pending{conditional.pending_hits, hits_, conditions_};
        enforced.proceed(all);
        pending.proceed(all);
        decided_.traces[index(id)] = leaf(enforced, pending);
        decided_.reasons[index(id)] = enforced.reason();
    }

    // The tree below a standpoint. Along what does not hold it goes in a loop: lists of rules are long; the other way
    // each turn ends a step.
    Branch grow(Standpoint at) {
        std::optional<std::uint32_t> above;
        std::optional<Branch> root;
        std::vector<std::size_t> asked;
        const auto hang = [&](Branch branch) {
            if (above) decided_.decisions.questions[*above].holds_not = branch;
            if (!root) root = branch;
        };
        for (at.proceed(known_); leaves_ <= most_leaves_; at.proceed(known_)) {
            const std::optional<inspect::ConditionId> condition = at.next();
            if (!condition) {
                hang(answer(at));
                break;
            }
            const auto number = static_cast<std::uint32_t>(decided_.decisions.questions.size());
            decided_.decisions.questions.push_back({.condition = *condition, .holds = {}, .holds_not = {}});
            hang({number});
            known_[index(*condition)] = Truth::kTrue;
            const Branch holds = grow(at);
            decided_.decisions.questions[number].holds = holds;
            known_[index(*condition)] = Truth::kFalse;
            asked.push_back(index(*condition));
            above = number;
        }
        for (const std::size_t condition : asked) known_[condition] = Truth::kUnknown;
        return root.value_or(Branch::answer(TraceId{}));  // without a root: there were too many, which is refused
    }

    Branch answer(const Standpoint& at) {
        (at.enforced.verdict() == Verdict::kAllow ? passes_ : dies_) = true;
        classify::Trace trace = leaf(at.enforced, at.pending);
        std::vector<std::uint32_t> key{static_cast<std::uint32_t>(at.enforced.reason()),
                                       static_cast<std::uint32_t>(trace.enforced_hits.size())};
        for (const auto* list : {&trace.enforced_hits, &trace.pending_hits})
            for (const HitId hit : *list) key.push_back(static_cast<std::uint32_t>(hit));
        const TraceId next{static_cast<std::uint32_t>(decided_.traces.size())};
        const auto [entry, fresh] = leaf_of_.try_emplace(std::move(key), next);
        if (fresh) {
            decided_.traces.push_back(std::move(trace));
            decided_.reasons.push_back(at.enforced.reason());
        }
        ++leaves_;
        return Branch::answer(entry->second);
    }

    static classify::Trace leaf(const Judge& enforced, const Judge& pending) {
        return {.enforced = enforced.verdict(),
                .pending = pending.verdict(),
                .unmatched = false,
                .enforced_hits = enforced.took_part(),
                .pending_hits = pending.took_part()};
    }

    std::span<const HitDescriptor> hits_;
    std::span<const inspect::Condition> conditions_;
    HitId undecided_;
    std::size_t most_leaves_;
    std::vector<Truth> known_;  // by condition, on the way to where the tree grows
    Decided decided_;
    std::map<std::vector<std::uint32_t>, TraceId> leaf_of_;
    std::size_t leaves_ = 0;
    bool passes_ = false;  // some leaf of the tree at hand allows,
    bool dies_ = false;    // or denies
    bool any_ = false;
};

}  // namespace

Result<Decided> decide(std::span<const classify::Trace> traces, std::span<const HitDescriptor> hits,
                       std::span<const inspect::Condition> conditions, HitId undecided, std::size_t most_leaves) {
    return Planter(traces, hits, conditions, undecided, most_leaves).plant();
}

}  // namespace drywall::ruleset
