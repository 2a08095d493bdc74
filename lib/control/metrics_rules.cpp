#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <tuple>

#include "metrics.h"

namespace drywall::control {

namespace {

using runtime::RuleCounts;
using telemetry::PacketsBytes;

constexpr std::string_view kEnforced = "enforced";
constexpr std::string_view kStaged = "staged";
constexpr std::string_view kOther = "__other__";

// What a series of a rule is told by. Several hits can share it (a policy judged at a port and at an endpoint, ends of
// a tier that different policies armed); then they are one series, and its value is their sum.
struct RuleLabels {
    std::string tier;
    std::string policy;
    std::string rule;
    std::string direction;
    std::string action;
    std::string mode;
    auto operator<=>(const RuleLabels&) const = default;

    [[nodiscard]] MetricLabels labels() const {
        return {{"tier", tier},           {"policy", policy}, {"rule", rule},
                {"direction", direction}, {"action", action}, {"mode", mode}};
    }
};

struct RuleSums {
    PacketsBytes hit;  // in the world that the mode names
    std::uint64_t would_deny = 0;
    std::uint64_t would_allow = 0;
    std::uint64_t connections = 0;
    std::uint64_t requests = 0;
    std::chrono::system_clock::time_point last_hit{};
};

bool staged(const RuleCounts& rule) { return rule.hit.policy && rule.hit.policy->staged; }

std::string policy_label(const ruleset::HitDescriptor& hit) {
    // Their text names an L4 port, which no label does.
    if (hit.kind == ruleset::HitKind::kFailsafe) return "__failsafe__";
    if (hit.kind == ruleset::HitKind::kHostFailsafe) return "__host-failsafe__";
    if (hit.policy) return hit.policy->text();
    const std::string text = hit.text();  // "__PROFILE__|pro:ksa.web|allow|0"
    const std::size_t from = text.find('|') + 1;
    return text.substr(from, text.find('|', from) - from);
}

RuleLabels labels_of(const RuleCounts& rule) {
    const ruleset::HitDescriptor& hit = rule.hit;
    const bool end_of_tier = hit.kind == ruleset::HitKind::kEndOfTier;
    const std::string text = hit.text();
    const std::size_t last = text.rfind('|');
    const std::size_t action = text.rfind('|', last - 1) + 1;
    return {.tier = hit.policy ? hit.policy->tier : std::string(),
            .policy = policy_label(hit),
            .rule = end_of_tier ? "end-of-tier" : std::to_string(hit.rule_index),
            .direction = (hit.forward ? "forward-" : "") + std::string(name(hit.direction)),
            .action = text.substr(action, last - action),
            .mode = std::string(staged(rule) ? kStaged : kEnforced)};
}

void add(RuleSums& sums, const RuleCounts& rule) {
    sums.hit += staged(rule) ? rule.pending : rule.enforced;
    sums.would_deny += rule.would_deny.packets;
    sums.would_allow += rule.would_allow.packets;
    sums.connections += rule.connections;
    sums.requests += rule.requests;
    sums.last_hit = std::max(sums.last_hit, rule.last_hit);
}

void write_rules(MetricFamilies& out, const std::map<RuleLabels, RuleSums>& rules) {
    for (const auto& [labels, sums] : rules)
        out.counter("drywall_policy_packets_total",
                    "Packets in whose decision the rule took part: of the enforced world for mode=\"enforced\", of the "
                    "pending one for mode=\"staged\".",
                    sums.hit.packets, labels.labels());
    for (const auto& [labels, sums] : rules)
        out.counter("drywall_policy_bytes_total", "Bytes of drywall_policy_packets_total.", sums.hit.bytes,
                    labels.labels());
    for (const auto& [labels, sums] : rules)
        out.counter("drywall_policy_would_deny_packets_total",
                    "Packets that pass today, would be denied once every staged policy is promoted, and that the rule "
                    "decided in its world.",
                    sums.would_deny, labels.labels());
    for (const auto& [labels, sums] : rules)
        out.counter("drywall_policy_would_allow_packets_total",
                    "Packets that are denied today, would pass once every staged policy is promoted, and that the rule "
                    "decided in its world.",
                    sums.would_allow, labels.labels());
    for (const auto& [labels, sums] : rules)
        out.counter("drywall_policy_connections_total",
                    "Connections that opened and in whose decision the rule took part, in the world that mode names.",
                    sums.connections, labels.labels());
    for (const auto& [labels, sums] : rules)
        out.counter("drywall_policy_requests_total",
                    "Requests, TLS greetings and unreadable streams inside of connections, in whose decision the rule "
                    "took part, in the world that mode names.",
                    sums.requests, labels.labels());
    // A rule that was never hit has no time, and no series that would claim one.
    for (const auto& [labels, sums] : rules)
        if (sums.last_hit != std::chrono::system_clock::time_point{})
            out.gauge("drywall_policy_last_hit_timestamp_seconds",
                      "When a packet was last seen in whose decision the rule took part, in the world that mode names.",
                      std::chrono::duration<double>(sums.last_hit.time_since_epoch()).count(), labels.labels());
}

// Rules of earlier generations: together, for a counter that goes on without its rule would be a series for every edit
// that was ever made.
void write_former(MetricFamilies& out, const RuleSums& enforced, const RuleSums& pending) {
    for (const auto& [mode, sums] : {std::pair{kEnforced, &enforced}, std::pair{kStaged, &pending}})
        out.counter("drywall_former_rules_packets_total",
                    "Packets of rules, as they were, that the generation in force no longer has.", sums->hit.packets,
                    {{"mode", std::string(mode)}});
}

void write_staged(MetricFamilies& out, const std::vector<runtime::PolicyCounts>& policies, std::size_t most) {
    struct Sums {
        PacketsBytes deny;
        PacketsBytes allow;
        std::uint64_t denied_connections = 0;
        std::uint64_t denied_requests = 0;
    };
    std::map<std::string, Sums> by_policy;
    for (std::size_t i = 0; i < policies.size(); ++i) {
        Sums& sums = by_policy[i < most ? policies[i].policy.text() : std::string(kOther)];
        sums.deny += policies[i].would_deny;
        sums.allow += policies[i].would_allow;
        sums.denied_connections += policies[i].would_deny_connections;
        sums.denied_requests += policies[i].would_deny_requests;
    }
    const auto write = [&](std::string_view name, std::string_view help, auto value) {
        for (const auto& [policy, sums] : by_policy) out.counter(name, help, value(sums), {{"policy", policy}});
    };
    write("drywall_staged_would_deny_packets_total",
          "Packets that pass today and that the staged policy is responsible for denying once all are promoted.",
          [](const Sums& sums) { return sums.deny.packets; });
    write("drywall_staged_would_deny_bytes_total", "Bytes of drywall_staged_would_deny_packets_total.",
          [](const Sums& sums) { return sums.deny.bytes; });
    write("drywall_staged_would_allow_packets_total",
          "Packets that are denied today and that the staged policy is responsible for allowing once all are promoted.",
          [](const Sums& sums) { return sums.allow.packets; });
    write("drywall_staged_would_allow_bytes_total", "Bytes of drywall_staged_would_allow_packets_total.",
          [](const Sums& sums) { return sums.allow.bytes; });
    write("drywall_staged_would_deny_connections_total",
          "Connections that opened and that the staged policy is responsible for denying once all are promoted.",
          [](const Sums& sums) { return sums.denied_connections; });
    write(
        "drywall_staged_would_deny_requests_total",
        "Requests inside of connections that pass today and that the staged policy is responsible for denying once all "
        "are promoted.",
        [](const Sums& sums) { return sums.denied_requests; });
}

}  // namespace

void add_safety_nets(MetricFamilies& out, const runtime::Snapshot& snapshot, const std::vector<SafetyNet>& nets) {
    std::uint64_t caught = 0;
    for (const RuleCounts& rule : snapshot.rules) {
        const auto catches = [&](const SafetyNet& net) { return is_caught_by(net, rule.hit); };
        if (rule.in_current_generation && std::any_of(nets.begin(), nets.end(), catches)) caught += rule.connections;
    }
    out.counter(
        "drywall_safety_net_connections_total",
        "Connections that opened because a safety net let them pass: no rule before it has a word for them. One that "
        "nets let out and in counts for both.",
        caught);
}

void add_rules(MetricFamilies& out, const runtime::Snapshot& snapshot, std::size_t most_rules) {
    std::map<RuleLabels, RuleSums> rules;
    std::array<RuleSums, 2> former;
    std::size_t left_out = 0;
    for (const RuleCounts& rule : snapshot.rules) {
        if (!rule.in_current_generation) {
            add(former[staged(rule) ? 1 : 0], rule);
            continue;
        }
        RuleLabels labels = labels_of(rule);
        if (rules.size() >= most_rules && !rules.contains(labels)) {
            ++left_out;
            labels = {.tier = {},
                      .policy = std::string(kOther),
                      .rule = {},
                      .direction = {},
                      .action = {},
                      .mode = labels.mode};
        }
        add(rules[labels], rule);
    }
    write_rules(out, rules);
    write_former(out, former[0], former[1]);
    write_staged(out, snapshot.staged, most_rules);
    out.gauge(
        "drywall_metrics_rules_left_out",
        "Rules of the generation in force that have no series of their own (metrics.rules): policy=\"__other__\".",
        static_cast<double>(left_out));
}

}  // namespace drywall::control
