// Small policy worlds for engine tests, written as resources: workloads and policies by words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::engine {

inline policy::Resource workload(const std::string& name, std::vector<net::Address> addresses) {
    policy::WorkloadEndpoint endpoint;
    endpoint.metadata.name = name;
    endpoint.metadata.ns = "default";
    endpoint.metadata.labels = {{"app", name}};
    endpoint.node = "node";
    endpoint.orchestrator = "k8s";
    endpoint.workload = endpoint.pod = endpoint.endpoint = name;
    endpoint.interface_name = "cali-" + name;
    endpoint.ip_networks = std::move(addresses);
    endpoint.profiles = {std::string(policy::kDefaultAllowProfile)};
    return endpoint;
}

inline policy::Rule rule(Action action, std::uint8_t protocol, std::uint16_t port = 0) {
    policy::Rule rule;
    rule.action = action;
    rule.protocol = protocol;
    if (port != 0) rule.destination.ports = {{port, port}};
    return rule;
}

inline policy::Rule icmp_rule(Action action, std::uint8_t protocol, std::uint8_t type) {
    policy::Rule result = rule(action, protocol);
    result.icmp = policy::Icmp{.type = type, .code = std::nullopt};
    return result;
}

// A policy for what enters workload `app`: these rules, and the end of the tier denies the rest.
inline policy::Policy ingress_policy(const std::string& name, const std::string& app, std::vector<policy::Rule> rules) {
    policy::Policy result;
    result.metadata.name = name;
    result.selector = "app == '" + app + "'";
    result.order = 100;
    result.ingress = std::move(rules);
    return result;
}

inline policy::Policy staged(policy::Policy policy) {
    policy.staged_action = policy::StagedAction::kSet;
    return policy;
}

inline void add(policy::Inventory& inventory, policy::Resource resource) {
    const policy::ResourceId id = policy::id_of(resource);
    inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
}

using RulesetPtr = std::shared_ptr<const ruleset::Ruleset>;

// Ports 0 and 1 are a pair; port 2 belongs to none.
inline ruleset::Surroundings wire_surroundings(Verdict unmatched = Verdict::kAllow) {
    ruleset::Surroundings surroundings;
    surroundings.port_names = {"lan", "wan", "spare"};
    surroundings.peer_of = {PortId{1}, PortId{0}, std::nullopt};
    surroundings.unmatched = unmatched;
    return surroundings;
}

}  // namespace drywall::engine
