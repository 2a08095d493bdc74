// Kubernetes' NetworkPolicy and its staged twin.
#include <utility>

#include "conversion.h"
#include "drywall/policy/convert.h"

namespace drywall::policy {
namespace {

EntityRule converted_peer(const KubernetesPeer& peer) {
    EntityRule entity;
    if (peer.ip_block) {
        entity.nets = {peer.ip_block->cidr};
        entity.not_nets = peer.ip_block->except;
        return entity;
    }
    entity.selector = conversion::pod_selector(peer.pod_selector.value_or(LabelSelector{}));
    if (peer.namespace_selector) entity.namespace_selector = conversion::namespace_selector(*peer.namespace_selector);
    return entity;
}

void append_rules(const KubernetesRule& rule, Direction direction, std::vector<Rule>& out) {
    for (const conversion::PortGroup& ports : conversion::grouped(rule.ports)) {
        if (rule.peers.empty()) {
            out.push_back(conversion::rule_of(Action::kAllow, ports, {}, direction, rule.spot));
        }
        for (const KubernetesPeer& peer : rule.peers) {
            out.push_back(conversion::rule_of(Action::kAllow, ports, converted_peer(peer), direction, rule.spot));
        }
    }
}

std::vector<Rule> converted_rules(const std::vector<KubernetesRule>& rules, Direction direction) {
    std::vector<Rule> out;
    for (const KubernetesRule& rule : rules) append_rules(rule, direction, out);
    return out;
}

}  // namespace

Policy converted(const KubernetesNetworkPolicy& policy) {
    Policy out;
    out.metadata = policy.metadata;
    out.enforced_kind = Kind::kKubernetesNetworkPolicy;
    out.order = kKubernetesPolicyOrder;
    out.selector = conversion::pod_selector(policy.pod_selector);
    out.ingress_type = policy.ingress_type;
    out.egress_type = policy.egress_type;
    out.ingress = converted_rules(policy.ingress, Direction::kIngress);
    out.egress = converted_rules(policy.egress, Direction::kEgress);
    out.staged_action = policy.staged_action;
    return out;
}

std::optional<std::size_t> written_rule(const KubernetesNetworkPolicy& policy, Direction direction,
                                        std::size_t converted_rule) {
    const std::vector<KubernetesRule>& rules = direction == Direction::kIngress ? policy.ingress : policy.egress;
    std::vector<Rule> so_far;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        append_rules(rules[i], direction, so_far);
        if (converted_rule < so_far.size()) return i;
    }
    return std::nullopt;
}

}  // namespace drywall::policy
