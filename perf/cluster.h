// A cluster for benchmarks: many pods, of which no two have the same labels, as pods of stateful sets have, and
// policies of five rules each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "drywall/policy/resources.h"

namespace drywall::perf {

inline net::Address pod_address(std::size_t number) {
    return net::Address::v4(static_cast<std::uint32_t>(0x0a000000 + number));
}

namespace cluster_parts {

inline constexpr std::size_t kAppsPerNamespace = 10;

inline void add(policy::Inventory& inventory, policy::Resource resource) {
    const policy::ResourceId id = policy::id_of(resource);
    inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
}

inline std::string app(std::size_t number) { return "app-" + std::to_string(number % kAppsPerNamespace); }
inline std::string ns(std::size_t number) { return "ns-" + std::to_string(number); }

inline policy::Pod pod(std::size_t number, std::size_t pods_per_namespace) {
    policy::Pod pod;
    pod.metadata.name = "pod-" + std::to_string(number);
    pod.metadata.ns = ns(number / pods_per_namespace);
    pod.metadata.labels = {{"app", app(number)},
                           {"tier", number % 3 == 0 ? "front" : "back"},
                           {"pod-template-hash", std::to_string(number % 977)},
                           {"statefulset.kubernetes.io/pod-name", pod.metadata.name}};
    pod.service_account = "default";
    pod.addresses = {pod_address(number)};
    pod.ports = {{.name = "http", .protocol = 6, .port = static_cast<std::uint16_t>(8080 + number % 3)}};
    return pod;
}

inline policy::Rule rule(std::size_t number) {
    policy::Rule rule;
    rule.action = Action::kAllow;
    rule.protocol = 6;
    rule.source.selector = "app == '" + app(number) + "'";
    if (number % 4 == 0)
        rule.destination.named_ports = {"http"};
    else
        rule.destination.ports = {{static_cast<std::uint16_t>(1000 + number % 50), 2000}};
    return rule;
}

inline policy::Policy network_policy(std::size_t number, std::size_t namespaces) {
    policy::Policy policy;
    policy.metadata.name = "policy-" + std::to_string(number);
    policy.metadata.ns = ns(number % namespaces);
    policy.enforced_kind = policy::Kind::kNetworkPolicy;
    policy.selector = "app == '" + app(number / namespaces) + "'";
    policy.egress_type = number % 5 == 0;
    if (number % 10 == 0) policy.staged_action = policy::StagedAction::kSet;
    for (std::size_t i = 0; i < 5; ++i) policy.ingress.push_back(rule(number + i));
    return policy;
}

inline policy::Policy global_policy(std::size_t number) {
    policy::Policy policy;
    policy.metadata.name = "global-" + std::to_string(number);
    policy.order = 1;
    policy.selector = "tier == 'front'";
    policy.ingress.push_back(rule(number));
    policy.ingress.back().action = Action::kDeny;
    return policy;
}

}  // namespace cluster_parts

inline policy::Inventory cluster(std::size_t pods, std::size_t policies, std::size_t namespaces) {
    using namespace cluster_parts;
    policy::Inventory inventory = policy::initial_inventory();
    for (std::size_t i = 0; i < namespaces; ++i) {
        policy::Namespace space;
        space.metadata.name = ns(i);
        space.metadata.labels = {{"team", "team-" + std::to_string(i % 20)}};
        add(inventory, space);
    }
    for (std::size_t i = 0; i < pods; ++i) add(inventory, pod(i, pods / namespaces));
    for (std::size_t i = 0; i < policies; ++i)
        add(inventory, i % 50 == 0 ? global_policy(i) : network_policy(i, namespaces));
    return inventory;
}

}  // namespace drywall::perf
