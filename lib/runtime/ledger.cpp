#include "drywall/runtime/ledger.h"

#include <algorithm>
#include <set>

namespace drywall::runtime {

namespace {

using telemetry::PacketsBytes;

bool counted(const RuleCounts& counts) {
    return counts.enforced.packets > 0 || counts.pending.packets > 0 || counts.would_deny.packets > 0 ||
           counts.would_allow.packets > 0 || counts.connections > 0;
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
    for (const ruleset::HitDescriptor& hit : account.ruleset_->hits()) {
        Rule& rule = rules_[hit.identity];
        if (rule.counts.since == Generation{}) rule.counts.since = account.ruleset_->generation();
        rule.counts.hit = hit;
        ++rule.generations;
        account.rules_.push_back(&rule);
        know_staged_policies(hit);
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
}

void Ledger::enter(Account& account, TraceId id, const PacketsBytes& amount, WallTime at) {
    const classify::Trace& trace = account.ruleset_->trace(id);
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
    if (trace.enforced != trace.pending) enter_difference(account, id, amount);
}

void Ledger::enter_connections(Account& account) {
    for (const TraceId id : account.traces_that_opened_)
        enter_connections(account, id, std::exchange(account.opened_[index(id)], 0));
    account.traces_that_opened_.clear();
}

void Ledger::enter_connections(Account& account, TraceId id, std::uint64_t connections) {
    const classify::Trace& trace = account.ruleset_->trace(id);
    for_each_rule(account.rules_, trace.enforced_hits, [&](RuleCounts& rule) {
        if (!is_staged(rule.hit)) rule.connections += connections;
    });
    for_each_rule(account.rules_, trace.pending_hits, [&](RuleCounts& rule) {
        if (is_staged(rule.hit)) rule.connections += connections;
    });
    if (trace.enforced != Verdict::kAllow || trace.pending != Verdict::kDeny) return;
    for (PolicyCounts* counts : differing(account, id).responsible) counts->would_deny_connections += connections;
}

void Ledger::enter_difference(Account& account, TraceId id, const PacketsBytes& amount) {
    const classify::Trace& trace = account.ruleset_->trace(id);
    const bool denies = trace.pending == Verdict::kDeny;
    const auto rule_column = denies ? &RuleCounts::would_deny : &RuleCounts::would_allow;
    const auto policy_column = denies ? &PolicyCounts::would_deny : &PolicyCounts::would_allow;

    std::set<Rule*> deciding;
    if (!trace.enforced_hits.empty()) deciding.insert(account.rules_[index(trace.enforced_hits.back())]);
    if (!trace.pending_hits.empty()) deciding.insert(account.rules_[index(trace.pending_hits.back())]);
    for (Rule* rule : deciding) rule->counts.*rule_column += amount;

    Account::Differing& differs = differing(account, id);
    for (PolicyCounts* counts : differs.responsible) counts->*policy_column += amount;
    differs.disagreement->count += amount;
}

Ledger::Account::Differing& Ledger::differing(Account& account, TraceId id) {
    const auto [found, fresh] = account.differing_.try_emplace(index(id));
    if (!fresh) return found->second;

    for (const ruleset::PolicyRef& ref : account.ruleset_->responsible(id))
        found->second.responsible.push_back(&policy(ref));
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
    found->second.disagreement = &disagreements_.try_emplace(std::move(key), std::move(fresh_one)).first->second;
    return found->second;
}

void Ledger::close(Account& account) {
    for (Rule* rule : account.rules_) --rule->generations;
    std::set<std::string> forgotten;
    for (const Rule* rule : account.rules_)
        if (rule->generations == 0 && !counted(rule->counts)) forgotten.insert(rule->counts.hit.identity);
    for (const std::string& identity : forgotten) rules_.erase(identity);
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
