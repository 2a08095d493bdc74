// Random policies of Kubernetes' kinds.
#include "random_parts.h"

namespace drywall::test {
namespace {

using policy::AdminPolicy;
using policy::LabelRequirement;
using policy::LabelSelector;

LabelSelector random_label_selector(Dice& dice, bool of_namespace) {
    LabelSelector selector;
    const std::string key = of_namespace ? "env" : dice.pick<std::string>({"app", "role"});
    const auto value = [&] {
        return of_namespace ? dice.pick<std::string>({"p", "d"}) : dice.pick<std::string>({"a", "b", "x"});
    };
    if (dice.chance(35)) selector.match_labels[key] = value();
    if (!dice.chance(40)) return selector;
    LabelRequirement requirement;
    requirement.key = dice.pick<std::string>({key, "role"});
    using Operator = LabelRequirement::Operator;
    requirement.op = dice.pick({Operator::kIn, Operator::kNotIn, Operator::kExists, Operator::kDoesNotExist});
    if (requirement.op == Operator::kIn || requirement.op == Operator::kNotIn) {
        requirement.values.push_back(value());
        if (dice.chance(40)) requirement.values.emplace_back("c");
    }
    selector.match_expressions.push_back(requirement);
    return selector;
}

policy::IpBlock random_block(Dice& dice) {
    policy::IpBlock block;
    if (dice.chance(35)) {
        block.cidr = prefix_of("2001:db8::/32");
        if (dice.chance(50)) block.except.push_back(prefix_of("2001:db8::/126"));
        return block;
    }
    block.cidr = prefix_of(dice.pick<std::string>({"10.0.0.0/8", "0.0.0.0/0", "10.0.0.0/24"}));
    if (dice.chance(50)) block.except.push_back(prefix_of("10.0.0.0/30"));
    if (dice.chance(20)) block.except.push_back(prefix_of("10.0.0.5/32"));
    return block;
}

policy::KubernetesPeer random_peer(Dice& dice) {
    policy::KubernetesPeer peer;
    if (dice.chance(30)) {
        peer.ip_block = random_block(dice);
        return peer;
    }
    if (dice.chance(70)) peer.pod_selector = random_label_selector(dice, false);
    if (!peer.pod_selector || dice.chance(50)) peer.namespace_selector = random_label_selector(dice, true);
    return peer;
}

policy::KubernetesPort random_port(Dice& dice) {
    policy::KubernetesPort port;
    port.protocol = dice.pick<std::uint8_t>({6, 6, 17, 132});
    if (dice.chance(15)) return port;
    if (dice.chance(30)) {
        port.named_port = dice.one_of(words::kPortNames);
        return port;
    }
    port.port = dice.pick<std::uint16_t>({53, 79, 80, 81, 443, 8080});
    if (dice.chance(30)) port.end_port = static_cast<std::uint16_t>(*port.port + dice.below(3) * 100);
    return port;
}

std::vector<policy::KubernetesRule> random_kubernetes_rules(Dice& dice) {
    std::vector<policy::KubernetesRule> rules;
    for (std::size_t i = dice.below(3); i > 0; --i) {
        policy::KubernetesRule rule;
        for (std::size_t p = dice.below(4); p > 0; --p) rule.ports.push_back(random_port(dice));
        for (std::size_t p = dice.below(3); p > 0; --p) rule.peers.push_back(random_peer(dice));
        rules.push_back(rule);
    }
    return rules;
}

policy::KubernetesNetworkPolicy random_network_policy(Dice& dice, const std::string& name) {
    policy::KubernetesNetworkPolicy policy;
    policy.metadata.name = name;
    policy.metadata.ns = dice.one_of(words::kNamespaces);
    policy.pod_selector = random_label_selector(dice, false);
    policy.ingress_type = dice.chance(70);
    policy.egress_type = !policy.ingress_type || dice.chance(40);
    policy.ingress = random_kubernetes_rules(dice);
    policy.egress = random_kubernetes_rules(dice);
    return policy;
}

policy::KubernetesNetworkPolicy staged(Dice& dice, policy::KubernetesNetworkPolicy policy) {
    policy.staged_action = random_staged_action(dice);
    if (policy.staged_action != policy::StagedAction::kDelete) return policy;
    policy::KubernetesNetworkPolicy bare;
    bare.metadata = policy.metadata;
    bare.staged_action = policy.staged_action;
    return bare;
}

policy::AdminPeer random_admin_peer(Dice& dice, bool egress) {
    policy::AdminPeer peer;
    if (egress && dice.chance(30)) {
        peer.networks.emplace_back(dice.pick<std::string>({"10.0.0.0/8", "10.0.0.0/30", "192.0.2.0/24"}));
        if (dice.chance(40)) peer.networks.emplace_back(dice.pick<std::string>({"2001:db8::/32", "10.0.1.0/24"}));
        return peer;
    }
    peer.namespaces = random_label_selector(dice, true);
    if (dice.chance(50)) peer.pods = random_label_selector(dice, false);
    return peer;
}

policy::AdminPort random_admin_port(Dice& dice) {
    policy::AdminPort port;
    port.protocol = dice.pick<std::uint8_t>({6, 6, 17, 132});
    port.range = random_ports(dice);
    return port;
}

std::vector<policy::AdminRule> random_admin_rules(Dice& dice, AdminPolicy::Form form, bool egress) {
    std::vector<policy::AdminRule> rules;
    for (std::size_t i = dice.below(4); i > 0; --i) {
        policy::AdminRule rule;
        if (dice.chance(30)) rule.name = "a rule";
        rule.action = form == AdminPolicy::Form::kBaselineAdmin
                          ? dice.pick({Action::kAllow, Action::kDeny})
                          : dice.pick({Action::kAllow, Action::kDeny, Action::kPass});
        for (std::size_t p = 1 + dice.below(2); p > 0; --p) rule.peers.push_back(random_admin_peer(dice, egress));
        for (std::size_t p = dice.below(3); p > 0; --p) rule.ports.push_back(random_admin_port(dice));
        rules.push_back(rule);
    }
    return rules;
}

AdminPolicy random_admin_policy(Dice& dice, AdminPolicy::Form form, const std::string& name) {
    AdminPolicy policy;
    policy.metadata.name = name;
    policy.form = form;
    policy.baseline_tier = form == AdminPolicy::Form::kCluster && dice.chance(40);
    if (form != AdminPolicy::Form::kBaselineAdmin) policy.priority = static_cast<int>(dice.below(3));
    policy.subject_namespaces = random_label_selector(dice, true);
    if (dice.chance(40)) policy.subject_pods = random_label_selector(dice, false);
    policy.ingress = random_admin_rules(dice, form, false);
    policy.egress = random_admin_rules(dice, form, true);
    return policy;
}

}  // namespace

void add_kubernetes_policies(Dice& dice, Scene& scene) {
    for (const std::string& name : words::kPolicyNames) {
        if (dice.chance(20)) scene.add(policy::Resource(random_network_policy(dice, name)));
        if (dice.chance(15)) scene.add(policy::Resource(staged(dice, random_network_policy(dice, name))));
        if (dice.chance(8)) scene.add(policy::Resource(random_admin_policy(dice, AdminPolicy::Form::kAdmin, name)));
        if (dice.chance(10)) scene.add(policy::Resource(random_admin_policy(dice, AdminPolicy::Form::kCluster, name)));
    }
    if (dice.chance(15))
        scene.add(policy::Resource(random_admin_policy(dice, AdminPolicy::Form::kBaselineAdmin, "default")));
}

}  // namespace drywall::test
