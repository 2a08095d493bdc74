#include "drywall/reference/evaluator.h"

#include <cassert>
#include <map>
#include <utility>

#include "drywall/policy/convert.h"
#include "failsafe.h"
#include "landscape.h"
#include "rule_match.h"
#include "world.h"

namespace drywall::reference {
namespace {

// The lists into which the policies of a HostEndpoint are split. A workload has the normal one only.
enum class Stage : std::uint8_t { kUntracked, kPreDnat, kNormal, kForward };

bool in_stage(const policy::Policy& policy, Stage stage) {
    const bool ordinary = !policy.do_not_track && !policy.pre_dnat;
    switch (stage) {
        case Stage::kUntracked: return policy.do_not_track;
        case Stage::kPreDnat: return policy.pre_dnat;
        case Stage::kNormal: return ordinary;
        case Stage::kForward: return ordinary && policy.apply_on_forward;
    }
    return false;
}

// Untracked and preDNAT policies have no end of tier: what they don't decide goes on.
bool has_end_of_tier(Stage stage) { return stage == Stage::kNormal || stage == Stage::kForward; }

std::string hit_text(const std::string& tier, const std::string& subject, Action action, int rule_index) {
    return tier + "|" + subject + "|" + std::string(drywall::name(action)) + "|" + std::to_string(rule_index);
}

Hit policy_hit(const policy::Policy& policy, Action action, int rule_index) {
    const std::string ns = policy::is_namespaced(policy.kind()) ? policy.metadata.ns : "";
    const std::string subject =
        std::string(policy::short_name(policy.kind())) + ":" + (ns.empty() ? "" : ns + "/") + policy.metadata.name;
    return {.kind = std::string(policy::name(policy.kind())),
            .ns = ns,
            .name = policy.metadata.name,
            .tier = policy.tier,
            .action = action,
            .rule_index = rule_index,
            .policy = hit_text(policy.tier, subject, action, rule_index)};
}

Hit profile_hit(const std::string& profile, Action action, int rule_index) {
    return {.kind = "Profile",
            .ns = {},
            .name = profile,
            .tier = "__PROFILE__",
            .action = action,
            .rule_index = rule_index,
            .policy = hit_text("__PROFILE__", "pro:" + profile, action, rule_index)};
}

Hit forward_default_hit() {
    return {.kind = "HostEndpoint",
            .ns = {},
            .name = "__NO_MATCH__",
            .tier = "__FORWARD__",
            .action = Action::kAllow,
            .rule_index = -1,
            .policy = hit_text("__FORWARD__", "hep:__NO_MATCH__", Action::kAllow, -1)};
}

Hit failsafe_hit(const std::string& kind, const std::string& prefix, const std::string& service, int entry) {
    return {.kind = kind,
            .ns = {},
            .name = service,
            .tier = "__FAILSAFE__",
            .action = Action::kAllow,
            .rule_index = entry,
            .policy = hit_text("__FAILSAFE__", prefix + service, Action::kAllow, entry)};
}

struct ReadProfile {
    std::vector<ReadRule> ingress;
    std::vector<ReadRule> egress;
};

// What one party says, as far as it has been asked. No verdict: not decided yet.
struct Step {
    std::optional<Verdict> verdict;
    std::vector<Hit> hits;

    void decide(Verdict with, Hit hit) {
        verdict = with;
        hits.push_back(std::move(hit));
    }
};

bool any_contains(const std::vector<net::Prefix>& nets, const net::Address& address) {
    for (const net::Prefix& net : nets)
        if (net.contains(address)) return true;
    return false;
}

}  // namespace

struct Evaluator::Parts {
    Parts(const policy::Inventory& given, policy::Surroundings around);

    policy::Inventory inventory;  // what everything else points into
    policy::Surroundings surroundings;
    policy::CalicoView view;
    Landscape landscape;
    WorldPolicies enforced;
    WorldPolicies pending;
    std::map<std::string, ReadProfile> profiles;
};

Evaluator::Parts::Parts(const policy::Inventory& given, policy::Surroundings around)
    : inventory(given),
      surroundings(std::move(around)),
      view(policy::calico_view(inventory)),
      landscape(view),
      enforced(enforced_world(view)),
      pending(surroundings.pending_as_calico ? pending_world_as_calico(view) : pending_world(view)) {
    const policy::Policy global;
    for (const auto& [name, profile] : view.profiles)
        profiles[name] = {read_rules(profile->ingress, global, Direction::kIngress),
                          read_rules(profile->egress, global, Direction::kEgress)};
}

namespace {

// One packet in one world.
class Judgement {
public:
    Judgement(const policy::CalicoView& view, const policy::Surroundings& surroundings, const Landscape& landscape,
              const std::map<std::string, ReadProfile>& profiles, const WorldPolicies& world, const net::Tuple& packet,
              const ConnectionFacts& facts)
        : view_(view),
          surroundings_(surroundings),
          landscape_(landscape),
          profiles_(profiles),
          world_(world),
          packet_(packet),
          facts_(facts) {}

    Decision decide() const;

private:
    std::optional<Hit> appliance_failsafe() const;

    Step at_workload(const Endpoint& endpoint, Direction direction) const;
    Step at_host(const Endpoint& endpoint, Direction direction) const;
    Step at_port(const Endpoint& endpoint, Direction direction) const;
    Step at(const Endpoint& endpoint, Direction direction) const {
        return endpoint.host ? at_host(endpoint, direction) : at_workload(endpoint, direction);
    }

    bool rule_matches(const ReadRule& rule) const {
        return matches(rule, packet_, facts_, landscape_, surroundings_.domains);
    }
    std::vector<policy::FailsafePort> open_at(const Endpoint& endpoint, Direction direction) const;
    void untracked_and_pre_dnat(const Endpoint& endpoint, Direction direction, Step& step) const;
    void walk_tiers(const Endpoint& endpoint, Direction direction, Stage stage, Step& step) const;
    void walk_profiles(const Endpoint& endpoint, Direction direction, Step& step) const;
    std::vector<const ReadPolicy*> applying(const WorldTier& tier, const Endpoint& endpoint, Direction direction,
                                            Stage stage) const;
    bool walk_rules(const ReadPolicy& policy, Direction direction, Step& step) const;
    bool rules_of_profile(const std::string& name, const std::vector<ReadRule>& rules, Step& step) const;

    const policy::CalicoView& view_;
    const policy::Surroundings& surroundings_;
    const Landscape& landscape_;
    const std::map<std::string, ReadProfile>& profiles_;
    const WorldPolicies& world_;
    const net::Tuple& packet_;
    const ConnectionFacts& facts_;
};

// The policies of a tier that have a say about this endpoint in this direction.
std::vector<const ReadPolicy*> Judgement::applying(const WorldTier& tier, const Endpoint& endpoint, Direction direction,
                                                   Stage stage) const {
    std::vector<const ReadPolicy*> policies;
    for (const ReadPolicy& policy : tier.policies)
        if (in_stage(*policy.policy, stage) && policy.governs(direction) && policy.selector.matches(endpoint.labels))
            policies.push_back(&policy);
    return policies;
}

// True when a rule ended the tier: the step is decided, or a Pass leads to the next tier.
bool Judgement::walk_rules(const ReadPolicy& policy, Direction direction, Step& step) const {
    int index = -1;
    for (const ReadRule& rule : policy.rules(direction)) {
        ++index;
        if (!rule_matches(rule)) continue;
        const Action action = rule.rule->action;
        step.hits.push_back(policy_hit(*policy.policy, action, index));
        if (action == Action::kLog) continue;
        if (action == Action::kAllow) step.verdict = Verdict::kAllow;
        if (action == Action::kDeny) step.verdict = Verdict::kDeny;
        return true;
    }
    return false;
}

void Judgement::walk_tiers(const Endpoint& endpoint, Direction direction, Stage stage, Step& step) const {
    for (const WorldTier& tier : world_.tiers) {
        const std::vector<const ReadPolicy*> policies = applying(tier, endpoint, direction, stage);
        if (policies.empty()) continue;
        bool ended = false;
        for (const ReadPolicy* policy : policies) {
            ended = walk_rules(*policy, direction, step);
            if (ended) break;
        }
        if (step.verdict) return;
        if (ended || !has_end_of_tier(stage)) continue;
        const ReadPolicy* named = world_.end_names_first ? policies.front() : policies.back();
        step.hits.push_back(policy_hit(*named->policy, tier.default_action, -1));
        if (tier.default_action == Action::kPass) continue;
        step.verdict = Verdict::kDeny;
        return;
    }
}

// Pass and Log do nothing in a profile.
bool Judgement::rules_of_profile(const std::string& name, const std::vector<ReadRule>& rules, Step& step) const {
    int index = -1;
    for (const ReadRule& rule : rules) {
        ++index;
        const Action action = rule.rule->action;
        const bool decides = action == Action::kAllow || action == Action::kDeny;
        if (!decides || !rule_matches(rule)) continue;
        step.decide(action == Action::kAllow ? Verdict::kAllow : Verdict::kDeny, profile_hit(name, action, index));
        return true;
    }
    return false;
}

void Judgement::walk_profiles(const Endpoint& endpoint, Direction direction, Step& step) const {
    for (const std::string& name : endpoint.profiles) {
        const auto found = profiles_.find(name);
        if (found == profiles_.end()) break;  // a profile that does not exist denies both ways
        const ReadProfile& profile = found->second;
        const auto& rules = direction == Direction::kIngress ? profile.ingress : profile.egress;
        if (rules_of_profile(name, rules, step)) return;
    }
    step.decide(Verdict::kDeny, profile_hit("__NO_MATCH__", Action::kDeny, 0));
}

std::vector<policy::FailsafePort> Judgement::open_at(const Endpoint& endpoint, Direction direction) const {
    return failsafe_ports(view_, endpoint.node, direction);
}

// The chains that stand before connection tracking and before routing. Failsafe ports are let through to what comes
// after each of them; where nothing is tracked, what answers them is so too.
void Judgement::untracked_and_pre_dnat(const Endpoint& endpoint, Direction direction, Step& step) const {
    const Direction opposite = direction == Direction::kIngress ? Direction::kEgress : Direction::kIngress;
    const bool asks = match_failsafe(open_at(endpoint, direction), packet_, direction).has_value();
    const bool answers = answers_failsafe(open_at(endpoint, opposite), packet_, direction);
    const bool has_untracked = endpoint.interface_name != "*";
    if (has_untracked && !asks && !answers) walk_tiers(endpoint, direction, Stage::kUntracked, step);
    if (step.verdict || asks || direction == Direction::kEgress) return;
    walk_tiers(endpoint, direction, Stage::kPreDnat, step);
}

Step Judgement::at_workload(const Endpoint& endpoint, Direction direction) const {
    Step step;
    walk_tiers(endpoint, direction, Stage::kNormal, step);
    if (!step.verdict) walk_profiles(endpoint, direction, step);
    return step;
}

Step Judgement::at_host(const Endpoint& endpoint, Direction direction) const {
    Step step;
    if (const std::optional<int> entry = match_failsafe(open_at(endpoint, direction), packet_, direction)) {
        const std::string service = service_text(packet_.protocol, packet_.destination_port);
        step.decide(Verdict::kAllow, failsafe_hit("HostEndpoint", "hep:", service, *entry));
        return step;
    }
    untracked_and_pre_dnat(endpoint, direction, step);
    if (!step.verdict) walk_tiers(endpoint, direction, Stage::kNormal, step);
    if (!step.verdict) walk_profiles(endpoint, direction, step);
    return step;
}

// What crosses a port is forwarded: no profiles, and what no forward policy decided passes. The chains before routing
// see what comes in; what goes out has been routed.
Step Judgement::at_port(const Endpoint& endpoint, Direction direction) const {
    Step step;
    if (direction == Direction::kIngress) untracked_and_pre_dnat(endpoint, direction, step);
    if (!step.verdict) walk_tiers(endpoint, direction, Stage::kForward, step);
    if (!step.verdict) step.decide(Verdict::kAllow, forward_default_hit());
    return step;
}

std::optional<Hit> Judgement::appliance_failsafe() const {
    const net::Address source{packet_.family, packet_.source};
    const net::Address destination{packet_.family, packet_.destination};
    int index = -1;
    for (const policy::Surroundings::Failsafe& entry : surroundings_.failsafe) {
        ++index;
        if (entry.protocol != packet_.protocol || entry.port != packet_.destination_port) continue;
        if (!any_contains(entry.to, destination)) continue;
        if (!entry.from.empty() && !any_contains(entry.from, source)) continue;
        return failsafe_hit("Failsafe", "cfg:", service_text(entry.protocol, entry.port), index);
    }
    return std::nullopt;
}

Decision Judgement::decide() const {
    Decision decision;
    if (std::optional<Hit> hit = appliance_failsafe()) {
        decision.verdict = Verdict::kAllow;
        decision.failsafe = {*std::move(hit)};
        return decision;
    }
    const std::size_t in = packet_.ingress_port;
    const std::optional<PortId> out = surroundings_.peer_of[in];
    const Endpoint* in_port = landscape_.of_port(surroundings_.port_names[in]);
    const Endpoint* source = landscape_.at({packet_.family, packet_.source});
    const Endpoint* destination = landscape_.at({packet_.family, packet_.destination});
    const Endpoint* out_port = out ? landscape_.of_port(surroundings_.port_names[index(*out)]) : nullptr;
    if (in_port == nullptr && source == nullptr && destination == nullptr && out_port == nullptr) {
        decision.unmatched = true;
        decision.verdict = surroundings_.unmatched;
        return decision;
    }

    decision.verdict = Verdict::kAllow;
    const auto ask = [&](const Endpoint* party, const auto& judge, std::vector<Hit>& hits) {
        if (party == nullptr || decision.verdict == Verdict::kDeny) return;
        Step step = judge(*party);
        decision.verdict = *step.verdict;
        hits = std::move(step.hits);
    };
    ask(
        in_port, [&](const Endpoint& port) { return at_port(port, Direction::kIngress); }, decision.in_port);
    ask(
        source, [&](const Endpoint& party) { return at(party, Direction::kEgress); }, decision.egress);
    ask(
        destination, [&](const Endpoint& party) { return at(party, Direction::kIngress); }, decision.ingress);
    ask(
        out_port, [&](const Endpoint& port) { return at_port(port, Direction::kEgress); }, decision.out_port);
    return decision;
}

}  // namespace

Evaluator::Evaluator(const policy::Inventory& inventory, policy::Surroundings surroundings)
    : parts_(std::make_unique<const Parts>(inventory, std::move(surroundings))) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

Answer Evaluator::judge(const net::Tuple& tuple, const ConnectionFacts& facts) const {
    const Parts& p = *parts_;
    assert(tuple.ingress_port < p.surroundings.port_names.size());
    const auto in = [&](const WorldPolicies& world) {
        return Judgement(p.view, p.surroundings, p.landscape, p.profiles, world, tuple, facts).decide();
    };
    return {.enforced = in(p.enforced), .pending = in(p.pending)};
}

}  // namespace drywall::reference
