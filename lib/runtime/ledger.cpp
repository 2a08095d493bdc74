#include "drywall/runtime/ledger.h"

#include <algorithm>
#include <set>

namespace drywall::runtime {

namespace {

using telemetry::PacketsBytes;

bool counted(const RuleCounts& counts) {
    return counts.enforced.packets > 0 || counts.pending.packets > 0 || counts.would_deny.packets > 0 ||
           counts.would_allow.packets > 0 || counts.connections > 0 || counts.requests > 0;
}

bool is_staged(const ruleset::HitDescriptor& hit) { return hit.policy && hit.policy->staged; }

// Calls `each` with every rule that these hits are of, once.
template <typename Rules, typename Each>
void for_each_rule(const Rules& rules, std::span<const HitId> hits, Each each) {
    for (std::size_t i = 0; i < hits.size(); ++i) {
        auto* rule = rules[index(hits[i])];
        const bool again = std::any_of(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(i),
                                       [&](HitId earlier) { return rules[index(earlier)] == rule; });
        if (!again) each(rule->counts);
    }
}

}  // namespace

Ledger::Account Ledger::open(std::shared_ptr<const ruleset::Ruleset> ruleset) {
    Account account(std::move(ruleset));
    account.entered_.resize(account.ruleset_->trace_count());
    account.opened_.resize(account.ruleset_->trace_count());
    if (account.ruleset_->inspects()) account.asked_.resize(account.ruleset_->trace_count());
    const std::span<const ruleset::HitDescriptor> hits = account.ruleset_->hits();
    std::vector<ruleset::HitDescriptor> descriptions(hits.begin(), hits.end());
    for (const ruleset::HitDescriptor& hit : hits) {
        account.rules_.push_back(&rules_[hit.identity]);
        know_staged_policies(hit);
    }
    // Nothing is written into the books of the other generations before all memory is there.
    for (std::size_t hit = 0; hit < hits.size(); ++hit) {
        Rule& rule = *account.rules_[hit];
        if (rule.counts.since == Generation{}) rule.counts.since = account.ruleset_->generation();
        rule.counts.hit = std::move(descriptions[hit]);
        ++rule.generations;
    }
    return account;
}

void Ledger::know_staged_policies(const ruleset::HitDescriptor& hit) {
    if (hit.policy && hit.policy->staged) policy(*hit.policy);
    for (const ruleset::PolicyRef& armed : hit.armed_by)
        if (armed.staged) policy(armed);
}

PolicyCounts& Ledger::policy(const ruleset::PolicyRef& ref) {
    PolicyCounts& counts = staged_[ref];
    counts.policy = ref;
    return counts;
}

void Ledger::enter(Account& account, std::span<const std::unique_ptr<telemetry::TraceCounters>> counters, WallTime at) {
    for (std::size_t trace = 0; trace < account.entered_.size(); ++trace) {
        PacketsBytes total;
        for (const auto& worker : counters) total += worker->read(TraceId(trace));
        PacketsBytes& entered = account.entered_[trace];
        if (total == entered) continue;
        enter(account, TraceId(trace), {total.packets - entered.packets, total.bytes - entered.bytes}, at);
        entered = total;
    }
    for (std::size_t trace = 0; trace < account.asked_.size(); ++trace) {
        std::uint64_t total = 0;
        for (const auto& worker : counters) total += worker->requests(TraceId(trace));
        if (total == account.asked_[trace]) continue;
        enter_requests(account, TraceId(trace), total - account.asked_[trace]);
        account.asked_[trace] = total;
    }
}

void Ledger::enter_requests(Account& account, TraceId id, std::uint64_t requests) {
    const classify::Trace& trace = account.ruleset_->trace(id);
    if (trace.enforced != trace.pending) {
        const bool denies = trace.pending == Verdict::kDeny;
        const auto rule_column = denies ? &RuleCounts::would_deny_requests : &RuleCounts::would_allow_requests;
        const auto policy_column = denies ? &PolicyCounts::would_deny_requests : &PolicyCounts::would_allow_requests;
        Rule* const now = account.rules_[index(trace.enforced_hits.back())];
        Rule* const then = account.rules_[index(trace.pending_hits.back())];
        for (PolicyCounts* counts : differing(account, id).responsible) counts->*policy_column += requests;
        now->counts.*rule_column += requests;
        if (then != now) then->counts.*rule_column += requests;
    }
    for_each_rule(account.rules_, trace.enforced_hits, [&](RuleCounts& rule) {
        if (!is_staged(rule.hit)) rule.requests += requests;
    });
    for_each_rule(account.rules_, trace.pending_hits, [&](RuleCounts& rule) {
        if (is_staged(rule.hit)) rule.requests += requests;
    });
}

void Ledger::enter(Account& account, TraceId id, const PacketsBytes& amount, WallTime at) {
    const classify::Trace& trace = account.ruleset_->trace(id);
    if (trace.enforced != trace.pending)
        enter_difference(account, id, amount);  // all of it or, without memory, nothing
    judged_ += amount;
    (account.ruleset_->verdict(id).enforced == Verdict::kAllow ? allowed_ : denied_) += amount;
    if (account.ruleset_->only_observed(id)) only_observed_ += amount;
    if (trace.unmatched) unmatched_ += amount;
    for_each_rule(account.rules_, trace.enforced_hits, [&](RuleCounts& rule) {
        rule.enforced += amount;
        if (!is_staged(rule.hit)) rule.last_hit = at;
    });
    for_each_rule(account.rules_, trace.pending_hits, [&](RuleCounts& rule) {
        rule.pending += amount;
        if (is_staged(rule.hit)) rule.last_hit = at;
    });
}

void Ledger::enter_connections(Account& account) {
    for (const TraceId id : account.traces_that_opened_) {
        enter_connections(account, id, account.opened_[index(id)]);
        account.opened_[index(id)] = 0;
    }
    account.traces_that_opened_.clear();
}

void Ledger::enter_connections(Account& account, TraceId id, std::uint64_t connections) {
    const classify::Trace& trace = account.ruleset_->trace(id);
    const bool would_deny = trace.enforced == Verdict::kAllow && trace.pending == Verdict::kDeny;
    if (would_deny)
        for (PolicyCounts* counts : differing(account, id).responsible) counts->would_deny_connections += connections;
    for_each_rule(account.rules_, trace.enforced_hits, [&](RuleCounts& rule) {
        if (!is_staged(rule.hit)) rule.connections += connections;
    });
    for_each_rule(account.rules_, trace.pending_hits, [&](RuleCounts& rule) {
        if (is_staged(rule.hit)) rule.connections += connections;
    });
}

void Ledger::enter_difference(Account& account, TraceId id, const PacketsBytes& amount) {
    const classify::Trace& trace = account.ruleset_->trace(id);
    const bool denies = trace.pending == Verdict::kDeny;
    const auto rule_column = denies ? &RuleCounts::would_deny : &RuleCounts::would_allow;
    const auto policy_column = denies ? &PolicyCounts::would_deny : &PolicyCounts::would_allow;

    Account::Differing& differs = differing(account, id);
    const auto last_of = [&](const std::vector<HitId>& hits) {
        return hits.empty() ? nullptr : account.rules_[index(hits.back())];
    };
    Rule* const now = last_of(trace.enforced_hits);
    Rule* const then = last_of(trace.pending_hits);
    if (now != nullptr) now->counts.*rule_column += amount;
    if (then != nullptr && then != now) then->counts.*rule_column += amount;
    for (PolicyCounts* counts : differs.responsible) counts->*policy_column += amount;
    differs.disagreement->count += amount;
}

Ledger::Account::Differing& Ledger::differing(Account& account, TraceId id) {
    if (const auto found = account.differing_.find(index(id)); found != account.differing_.end()) return found->second;

    Account::Differing differs;
    for (const ruleset::PolicyRef& ref : account.ruleset_->responsible(id)) differs.responsible.push_back(&policy(ref));
    const classify::Trace& trace = account.ruleset_->trace(id);
    Disagreement fresh_one;
    if (!trace.enforced_hits.empty()) {
        const ruleset::HitDescriptor& hit = account.ruleset_->hit(trace.enforced_hits.back());
        fresh_one.enforced_identity = hit.identity;
        fresh_one.enforced_text = hit.text();
    }
    if (!trace.pending_hits.empty()) {
        const ruleset::HitDescriptor& hit = account.ruleset_->hit(trace.pending_hits.back());
        fresh_one.pending_identity = hit.identity;
        fresh_one.pending_text = hit.text();
    }
    std::pair key(fresh_one.enforced_identity, fresh_one.pending_identity);
    differs.disagreement = &disagreements_.try_emplace(std::move(key), std::move(fresh_one)).first->second;
    return account.differing_.emplace(index(id), std::move(differs)).first->second;
}

void Ledger::close(Account& account) {
    for (Rule* rule : account.rules_) --rule->generations;
    std::sort(account.rules_.begin(), account.rules_.end());
    account.rules_.erase(std::unique(account.rules_.begin(), account.rules_.end()), account.rules_.end());
    for (const Rule* rule : account.rules_)
        if (rule->generations == 0 && !counted(rule->counts)) rules_.erase(rules_.find(rule->counts.hit.identity));
    account = Account(nullptr);
}

void Ledger::report(const Account& current, Snapshot& snapshot) const {
    std::set<const Rule*> reported;
    for (const Rule* rule : current.rules_) {
        if (!reported.insert(rule).second) continue;
        snapshot.rules.push_back(rule->counts);
        snapshot.rules.back().in_current_generation = true;
    }
    for (const auto& [identity, rule] : rules_)
        if (!reported.contains(&rule) && counted(rule.counts)) snapshot.rules.push_back(rule.counts);

    for (const auto& [ref, counts] : staged_) snapshot.staged.push_back(counts);
    for (const auto& [key, disagreement] : disagreements_) snapshot.disagreements.push_back(disagreement);
    snapshot.judged = judged_;
    snapshot.enforced_allowed = allowed_;
    snapshot.enforced_denied = denied_;
    snapshot.only_observed = only_observed_;
    snapshot.unmatched = unmatched_;
}

}  // namespace drywall::runtime
