#include "ruleset_random_cluster.h"

#include <array>
#include <random>

namespace drywall::test {

namespace {

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
    bool chance(std::size_t in_a_hundred) { return below(100) < in_a_hundred; }
    template <typename T, std::size_t N>
    const T& one_of(const std::array<T, N>& values) {
        return values[below(N)];
    }

private:
    std::mt19937_64 random_;
};

const std::array<std::string, 9> kSelectors{"all()",         "app == 'a'",
                                            "app == 'b'",    "app != 'a'",
                                            "has(role)",     "role in {'x', 'y'} && app == 'c'",
                                            "!has(role)",    "role == 'x' || app == 'b'",
                                            "none == 'such'"};
const std::array<std::string, 6> kNets4{"10.0.0.0/28",  "10.0.0.4/30", "0.0.0.0/1",
                                        "192.0.2.0/25", "10.0.1.0/24", "10.0.0.3/32"};
const std::array<std::string, 4> kNets6{"2001:db8::/126", "2001:db8::/32", "::/1", "2001:db8::2/128"};
const std::array<policy::PortRange, 5> kPorts{{{80, 80}, {443, 443}, {1, 1023}, {8000, 9000}, {22, 53}}};
const std::array<std::string, 3> kTiers{"default", "sec", "low"};
const std::array<std::string, 2> kNamespaces{"prod", "dev"};
const std::array<std::string, 3> kPortNames{"http", "dns", "none"};
const std::array<std::string, 5> kNamespaceSelectors{"all()", "global()", "env == 'p'", "!has(env)",
                                                     "projectcalico.org/name == 'dev'"};

policy::Labels random_labels(Dice& dice) {
    policy::Labels labels;
    if (dice.chance(85)) labels["app"] = dice.one_of(std::array<std::string, 3>{"a", "b", "c"});
    if (dice.chance(50)) labels["role"] = dice.one_of(std::array<std::string, 3>{"x", "y", "z"});
    return labels;
}

void fill_side(Dice& dice, bool v6, policy::EntityRule& side) {
    if (dice.chance(40)) side.selector = dice.one_of(kSelectors);
    if (dice.chance(15)) side.not_selector = dice.one_of(kSelectors);
    const auto net = [&] { return *net::Prefix::parse_loose(v6 ? dice.one_of(kNets6) : dice.one_of(kNets4)); };
    if (dice.chance(25)) side.nets.push_back(net());
    if (dice.chance(10)) side.nets.push_back(net());
    if (dice.chance(15)) side.not_nets.push_back(net());
    if (dice.chance(15)) side.namespace_selector = dice.one_of(kNamespaceSelectors);
    if (dice.chance(8)) side.service_accounts = policy::ServiceAccountMatch{.names = {"default"}, .selector = {}};
    if (dice.chance(8)) side.named_ports.push_back(dice.one_of(kPortNames));
    if (dice.chance(4)) side.named_ports.push_back(dice.one_of(kPortNames));
    if (dice.chance(5)) side.not_named_ports.push_back(dice.one_of(kPortNames));
}

// A peer that is a service, in the direction where it may be.
void fill_services(Dice& dice, policy::Policy& policy) {
    const auto service = [&] {
        return policy::ServiceMatch{.name = dice.chance(80) ? "api" : "none", .ns = dice.one_of(kNamespaces)};
    };
    for (policy::Rule& rule : policy.ingress)
        if (dice.chance(8)) rule.source = {}, rule.source.services = service();
    for (policy::Rule& rule : policy.egress)
        if (dice.chance(8)) rule.destination = {}, rule.destination.services = service();
}

void fill_service(Dice& dice, policy::Rule& rule) {
    switch (dice.below(6)) {
        case 0: break;
        case 1: rule.not_protocol = dice.chance(50) ? 6 : 17; break;
        case 2:
            rule.protocol = dice.chance(70) ? 1 : 58;
            if (dice.chance(50)) rule.icmp = policy::Icmp{.type = 8, .code = {}};
            if (dice.chance(30)) rule.not_icmp = policy::Icmp{.type = 3, .code = 1};
            break;
        default:
            rule.protocol = dice.chance(70) ? 6 : 17;
            if (dice.chance(70)) rule.destination.ports.push_back(dice.one_of(kPorts));
            if (dice.chance(20)) rule.destination.not_ports.push_back(dice.one_of(kPorts));
            if (dice.chance(15)) rule.source.ports.push_back(dice.one_of(kPorts));
            break;
    }
}

policy::Rule random_rule(Dice& dice) {
    policy::Rule rule;
    rule.action = dice.one_of(std::array{Action::kAllow, Action::kAllow, Action::kDeny, Action::kPass, Action::kLog});
    const bool v6 = dice.chance(25);
    if (dice.chance(15)) rule.ip_version = v6 ? net::Family::kIPv6 : net::Family::kIPv4;
    fill_side(dice, v6, rule.source);
    fill_side(dice, v6, rule.destination);
    fill_service(dice, rule);
    return rule;
}

// Global, or of the namespace.
policy::Policy random_policy(Dice& dice, const std::string& name, const std::string& ns = {}) {
    policy::Policy policy;
    policy.metadata.name = name;
    policy.metadata.ns = ns;
    if (!ns.empty()) policy.enforced_kind = policy::Kind::kNetworkPolicy;
    policy.tier = dice.one_of(kTiers);
    if (dice.chance(80)) policy.order = static_cast<double>(dice.below(4));  // ties are frequent
    policy.selector = dice.one_of(kSelectors);
    policy.ingress_type = dice.chance(70);
    policy.egress_type = !policy.ingress_type || dice.chance(40);
    policy.apply_on_forward = ns.empty() && dice.chance(30);
    if (policy.apply_on_forward && dice.chance(30)) {
        policy.do_not_track = dice.chance(50);
        policy.pre_dnat = !policy.do_not_track;
        if (policy.pre_dnat) policy.ingress_type = true, policy.egress_type = false;
    }
    if (ns.empty() && dice.chance(15)) policy.namespace_selector = dice.one_of(kNamespaceSelectors);
    if (policy.namespace_selector == "global()") policy.namespace_selector = "has(env)";
    for (std::size_t i = dice.below(4); i > 0; --i) policy.ingress.push_back(random_rule(dice));
    if (policy.pre_dnat) return policy;
    for (std::size_t i = dice.below(4); i > 0; --i) policy.egress.push_back(random_rule(dice));
    fill_services(dice, policy);
    return policy;
}

policy::KubernetesNetworkPolicy random_kubernetes_policy(Dice& dice, const std::string& name, const std::string& ns) {
    policy::KubernetesNetworkPolicy policy;
    policy.metadata.name = name;
    policy.metadata.ns = ns;
    if (dice.chance(60)) policy.pod_selector.match_labels["app"] = dice.chance(50) ? "a" : "b";
    policy.egress_type = dice.chance(40);
    for (auto* rules : {&policy.ingress, &policy.egress})
        for (std::size_t i = dice.below(3); i > 0; --i) {
            policy::KubernetesRule& rule = rules->emplace_back();
            if (dice.chance(50)) rule.ports.emplace_back().port = dice.one_of(kPorts).first;
            if (dice.chance(20)) rule.ports.emplace_back().named_port = dice.one_of(kPortNames);
            if (dice.chance(60)) rule.peers.emplace_back().pod_selector.emplace().match_labels["app"] = "c";
            if (dice.chance(20)) rule.peers.emplace_back().namespace_selector.emplace();
        }
    return policy;
}

void add_endpoints(Dice& dice, Cluster& cluster) {
    const auto profiles = [&] { return dice.chance(60) ? kAllowed : kNoProfiles; };
    for (int i = 1; i <= 8; ++i) {
        const std::string n = std::to_string(i);
        if (dice.chance(75)) cluster.workload("w" + n, "10.0.0." + n, random_labels(dice), profiles());
        if (dice.chance(30)) cluster.workload("v" + n, "2001:db8::" + n, random_labels(dice), profiles());
        if (dice.chance(20)) cluster.host("h" + n, "10.0.1." + n, random_labels(dice), profiles());
        if (dice.chance(20)) cluster.set("s" + n, {dice.one_of(kNets4), dice.one_of(kNets6)}, random_labels(dice));
    }
    cluster.ns("prod", {{"env", "p"}});
    for (int i = 1; i <= 4; ++i) {
        const std::string n = std::to_string(i);
        std::vector<policy::NamedPort> ports;
        if (dice.chance(70)) ports.push_back({.name = "http", .protocol = 6, .port = dice.one_of(kPorts).first});
        if (dice.chance(30)) ports.push_back({.name = "dns", .protocol = 17, .port = 53});
        if (dice.chance(30)) ports.push_back({.name = "dns", .protocol = 6, .port = 53});
        if (dice.chance(60)) cluster.pod(dice.one_of(kNamespaces), "p" + n, "10.0.2." + n, random_labels(dice), ports);
    }
    if (dice.chance(70))
        cluster.slice("prod", "api", {"10.0.2.1", "192.0.2.1"}, {{.name = "", .protocol = 6, .port = 443}});
    if (dice.chance(20))
        cluster.felix("default", std::vector<policy::FailsafePort>{
                                     {.protocol = 6, .port = 80, .net = *net::Prefix::parse_loose("10.0.0.0/30")}});
    if (dice.chance(10)) cluster.port("every-port", "*", random_labels(dice));
    if (dice.chance(40)) cluster.port("left-port", "left", random_labels(dice));
    if (dice.chance(40)) cluster.port("right-port", "right", random_labels(dice));
}

policy::StagedAction random_action(Dice& dice) {
    using enum policy::StagedAction;
    return dice.one_of(std::array{kSet, kSet, kLearn, kIgnore, kDelete});
}

policy::Policy staged(Dice& dice, policy::Policy policy) {
    policy.staged_action = random_action(dice);
    if (policy.staged_action != policy::StagedAction::kDelete) return policy;
    policy.selector.clear();
    policy.ingress.clear();
    policy.egress.clear();
    return policy;
}

void add_kubernetes_policies(Dice& dice, const std::string& name, Cluster& cluster) {
    const std::string& ns = dice.one_of(kNamespaces);
    if (dice.chance(40)) cluster.add(policy::Resource(random_kubernetes_policy(dice, name, ns)));
    if (!dice.chance(40)) return;
    policy::KubernetesNetworkPolicy staged = random_kubernetes_policy(dice, name, ns);
    staged.staged_action = random_action(dice);
    cluster.add(policy::Resource(std::move(staged)));
}

void add_policies(Dice& dice, Cluster& cluster) {
    // "p-1" sorts before "p", "p1" after it: names that try the tie-break.
    static const std::array<std::string, 8> kNames{"p", "p-1", "p1", "q", "q.r", "r", "s", "t"};
    for (const std::string& name : kNames) {
        const std::string ns = dice.chance(30) ? dice.one_of(kNamespaces) : std::string();
        if (dice.chance(50)) cluster.add(policy::Resource(random_policy(dice, name, ns)));
        if (dice.chance(50)) cluster.add(policy::Resource(staged(dice, random_policy(dice, name, ns))));
        if (dice.chance(20)) add_kubernetes_policies(dice, name, cluster);
    }
}

// What is staged: its id, its action and what it becomes.
struct Staged {
    policy::ResourceId id;
    policy::StagedAction action{};
    policy::Resource promoted;
};

std::vector<Staged> all_staged(Cluster& cluster) {
    std::vector<Staged> all;
    for (const auto& [id, resource] : cluster.inventory()) {
        if (const auto* policy = std::get_if<policy::Policy>(resource.get()); policy != nullptr && policy->staged())
            all.push_back({id, *policy->staged_action, policy::promoted(*policy)});
        if (const auto* policy = std::get_if<policy::KubernetesNetworkPolicy>(resource.get());
            policy != nullptr && policy->staged_action)
            all.push_back({id, *policy->staged_action, policy::promoted(*policy)});
    }
    return all;
}

}  // namespace

Cluster random_cluster(std::uint64_t seed) {
    Dice dice(seed);
    Cluster cluster;
    const auto end = [&] { return dice.chance(50) ? Action::kDeny : Action::kPass; };
    cluster.tier("sec", 10, end()).tier("low", 2'000'000, end());
    add_endpoints(dice, cluster);
    add_policies(dice, cluster);
    cluster.surroundings().unmatched = dice.chance(50) ? Verdict::kAllow : Verdict::kDeny;
    if (dice.chance(30))
        cluster.surroundings().failsafe = {
            {.protocol = 6, .port = 443, .to = {*net::Prefix::parse_loose("10.0.0.0/30")}, .from = {}}};
    return cluster;
}

Cluster without_staged(const Cluster& cluster) {
    Cluster bare = cluster;
    for (const Staged& each : all_staged(bare)) bare.remove(each.id.kind, each.id.name, each.id.ns);
    return bare;
}

Cluster with_all_promoted(const Cluster& cluster) {
    Cluster promoted = without_staged(cluster);
    Cluster original = cluster;
    for (const Staged& each : all_staged(original)) {
        if (each.action == policy::StagedAction::kIgnore) continue;
        const policy::ResourceId target = policy::id_of(each.promoted);
        if (each.action == policy::StagedAction::kDelete)
            promoted.remove(target.kind, target.name, target.ns);
        else
            promoted.add(each.promoted);
    }
    return promoted;
}

}  // namespace drywall::test
