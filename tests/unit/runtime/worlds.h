// Small policy worlds for the runtime's tests: one server, and UDP services that a policy opens or closes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"
#include "packets.h"

namespace drywall::runtime {

using RulesetPtr = std::shared_ptr<const ruleset::Ruleset>;

inline void add(policy::Inventory& inventory, policy::Resource resource) {
    const policy::ResourceId id = policy::id_of(resource);
    inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
}

// 10.1.0.9 is the server; nobody else is declared.
inline policy::Inventory one_server() {
    policy::WorkloadEndpoint server;
    server.metadata.name = "server";
    server.metadata.ns = "default";
    server.metadata.labels = {{"app", "server"}};
    server.node = "node";
    server.orchestrator = "k8s";
    server.workload = server.pod = server.endpoint = "server";
    server.interface_name = "cali-server";
    server.ip_networks = {test::address("10.1.0.9")};
    server.profiles = {std::string(policy::kDefaultAllowProfile)};
    policy::Inventory inventory = policy::initial_inventory();
    add(inventory, server);
    return inventory;
}

inline policy::Rule udp_rule(Action action, std::uint16_t first, std::uint16_t last) {
    policy::Rule rule;
    rule.action = action;
    rule.protocol = net::protocol::kUdp;
    rule.destination.ports = {{first, last}};
    return rule;
}

// Ingress of the server; the end of the tier denies what no rule names.
inline policy::Policy server_policy(const std::string& name, std::vector<policy::Rule> rules) {
    policy::Policy policy;
    policy.metadata.name = name;
    policy.selector = "app == 'server'";
    policy.order = 100;
    policy.ingress = std::move(rules);
    return policy;
}

inline policy::Policy staged(policy::Policy policy) {
    policy.staged_action = policy::StagedAction::kSet;
    return policy;
}

inline RulesetPtr build(std::uint64_t generation, const policy::Inventory& inventory) {
    ruleset::Surroundings surroundings;
    surroundings.port_names = {"lan", "wan"};
    surroundings.peer_of = {PortId{1}, PortId{0}};
    auto ruleset = ruleset::Ruleset::build(Generation{generation}, inventory, surroundings);
    EXPECT_TRUE(ruleset) << ruleset.error().text();
    return *ruleset;
}

inline RulesetPtr with_policies(std::uint64_t generation, std::vector<policy::Policy> policies) {
    policy::Inventory inventory = one_server();
    for (policy::Policy& policy : policies) add(inventory, std::move(policy));
    return build(generation, inventory);
}

// No policy: everything passes.
inline RulesetPtr allow_all(std::uint64_t generation) { return build(generation, one_server()); }

// A policy without rules: nothing reaches the server.
inline RulesetPtr deny_all(std::uint64_t generation) {
    return with_policies(generation, {server_policy("closed", {})});
}

}  // namespace drywall::runtime
