// AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy.
//
// A rule that can't be converted fails as a whole, and fails closed: what would have denied denies everything, what
// would have allowed is left out.
#include <algorithm>
#include <utility>

#include "conversion.h"
#include "drywall/policy/convert.h"

namespace drywall::policy {
namespace {

// The order that Calico gives to the one BaselineAdminNetworkPolicy there can be.
constexpr double kBaselineAdminOrder = 1000;

struct Conversion {
    std::vector<Rule> rules;
    std::string failure;  // empty: it went well
};

// A bare address is no CIDR here; host bits are masked off.
std::optional<net::Prefix> parse_network(const std::string& text) {
    if (text.find('/') == std::string::npos) return std::nullopt;
    return net::Prefix::parse_loose(text);
}

// Nothing, and why, for a peer that Calico can't convert.
std::optional<EntityRule> converted_peer(const AdminPeer& peer, Direction direction, std::string& failure) {
    const auto fail = [&](std::string reason) {
        failure = std::move(reason);
        return std::nullopt;
    };
    if (!peer.unsupported_fields.empty())
        return fail("peer '" + peer.unsupported_fields.front() + "' is not supported");
    EntityRule entity;
    if (peer.namespaces || peer.pods) {
        entity.namespace_selector = conversion::namespace_selector(peer.namespaces.value_or(LabelSelector{}));
        if (peer.pods) entity.selector = conversion::pod_selector(*peer.pods);
        return entity;
    }
    if (peer.networks.empty()) return fail("a peer names neither namespaces nor pods");
    if (direction == Direction::kIngress) return fail("networks are peers of egress rules only");
    for (const std::string& text : peer.networks) {
        const auto network = parse_network(text);
        if (!network) return fail("network '" + text + "' is not a CIDR");
        entity.nets.push_back(*network);
    }
    return entity;
}

Conversion converted_rule(const AdminRule& rule, Direction direction) {
    Conversion out;
    if (rule.peers.empty()) out.failure = "it has no peers";
    std::vector<EntityRule> peers;
    for (const AdminPeer& peer : rule.peers) {
        auto entity = converted_peer(peer, direction, out.failure);
        if (!entity) return out;
        peers.push_back(std::move(*entity));
    }
    for (const conversion::PortGroup& ports : conversion::grouped(rule.ports)) {
        for (const EntityRule& peer : peers)
            out.rules.push_back(conversion::rule_of(rule.action, ports, peer, direction, rule.spot));
    }
    return out;
}

bool fails_closed(const AdminRule& rule, AdminPolicy::Form form) {
    if (rule.action == Action::kDeny) return true;
    return rule.action == Action::kPass && form != AdminPolicy::Form::kBaselineAdmin;
}

void append_rules(const AdminRule& rule, Direction direction, AdminPolicy::Form form, std::vector<Rule>& out) {
    Conversion conversion = converted_rule(rule, direction);
    if (!conversion.failure.empty() && fails_closed(rule, form)) {
        conversion.rules = {conversion::rule_of(Action::kDeny, {}, {}, direction, rule.spot)};
    }
    for (Rule& converted : conversion.rules) {
        if (!rule.name.empty()) converted.annotations["name"] = rule.name;
        out.push_back(std::move(converted));
    }
}

const std::vector<AdminRule>& rules_of(const AdminPolicy& policy, Direction direction) {
    return direction == Direction::kIngress ? policy.ingress : policy.egress;
}

std::vector<Rule> converted_rules(const AdminPolicy& policy, Direction direction) {
    std::vector<Rule> out;
    for (const AdminRule& rule : rules_of(policy, direction)) append_rules(rule, direction, policy.form, out);
    return out;
}

Kind enforced_kind(AdminPolicy::Form form) {
    switch (form) {
        case AdminPolicy::Form::kAdmin: return Kind::kAdminNetworkPolicy;
        case AdminPolicy::Form::kBaselineAdmin: return Kind::kBaselineAdminNetworkPolicy;
        case AdminPolicy::Form::kCluster: break;
    }
    return Kind::kClusterNetworkPolicy;
}

}  // namespace

std::string_view tier_of(const AdminPolicy& policy) noexcept {
    const bool baseline = policy.form == AdminPolicy::Form::kBaselineAdmin || policy.baseline_tier;
    return baseline ? kBaselineTier : kAdminTier;
}

Policy converted(const AdminPolicy& policy) {
    Policy out;
    out.metadata = policy.metadata;
    out.enforced_kind = enforced_kind(policy.form);
    out.tier = tier_of(policy);
    out.order = policy.form == AdminPolicy::Form::kBaselineAdmin ? kBaselineAdminOrder : policy.priority;
    out.selector = conversion::pod_selector(policy.subject_pods.value_or(LabelSelector{}));
    out.namespace_selector = conversion::namespace_selector(policy.subject_namespaces);
    out.ingress = converted_rules(policy, Direction::kIngress);
    out.egress = converted_rules(policy, Direction::kEgress);
    out.ingress_type = !out.ingress.empty();
    out.egress_type = !out.egress.empty();
    return out;
}

std::optional<std::size_t> written_rule(const AdminPolicy& policy, Direction direction, std::size_t converted_rule) {
    const std::vector<AdminRule>& rules = rules_of(policy, direction);
    std::vector<Rule> so_far;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        append_rules(rules[i], direction, policy.form, so_far);
        if (converted_rule < so_far.size()) return i;
    }
    return std::nullopt;
}

std::vector<FailedRule> failed_rules(const AdminPolicy& policy) {
    std::vector<FailedRule> out;
    for (const Direction direction : {Direction::kIngress, Direction::kEgress}) {
        const std::vector<AdminRule>& rules = rules_of(policy, direction);
        for (std::size_t i = 0; i < rules.size(); ++i) {
            Conversion conversion = converted_rule(rules[i], direction);
            if (conversion.failure.empty()) continue;
            out.push_back(
                {direction, i, fails_closed(rules[i], policy.form), std::move(conversion.failure), rules[i].spot});
        }
    }
    return out;
}

}  // namespace drywall::policy
