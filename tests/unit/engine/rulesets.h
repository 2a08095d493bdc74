// The rulesets of the engine tests: client 10.0.0.1 (2001:db8::1), server 10.1.0.9 (2001:db8:1::9).
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "packets.h"
#include "resources.h"

namespace drywall::engine {

inline policy::Inventory two_workloads() {
    policy::Inventory inventory = policy::initial_inventory();
    add(inventory, workload("client", {test::address("10.0.0.1"), test::address("2001:db8::1")}));
    add(inventory, workload("server", {test::address("10.1.0.9"), test::address("2001:db8:1::9")}));
    return inventory;
}

inline RulesetPtr build(std::uint64_t generation, const policy::Inventory& inventory,
                        Verdict unmatched = Verdict::kAllow) {
    auto ruleset = ruleset::Ruleset::build(Generation{generation}, inventory, wire_surroundings(unmatched));
    EXPECT_TRUE(ruleset) << ruleset.error().text();
    return *ruleset;
}

// The server takes TCP 8080, UDP 53 and pings, the client takes nothing; both may ask anyone.
inline policy::Inventory guarded() {
    policy::Inventory inventory = two_workloads();
    add(inventory, ingress_policy("server-in", "server",
                                  {rule(Action::kAllow, 6, 8080), rule(Action::kAllow, 17, 53),
                                   icmp_rule(Action::kAllow, 1, 8), icmp_rule(Action::kAllow, 58, 128)}));
    add(inventory, ingress_policy("client-in", "client", {}));
    return inventory;
}

// As guarded(), but nothing may reach the server.
inline policy::Inventory locked() {
    policy::Inventory inventory = guarded();
    add(inventory, ingress_policy("server-in", "server", {}));
    return inventory;
}

// As guarded(), and a staged policy would let nothing reach the server.
inline policy::Inventory guarded_with_staged_lock() {
    policy::Inventory inventory = guarded();
    policy::Policy lock = ingress_policy("lock", "server", {rule(Action::kDeny, 6), rule(Action::kDeny, 17)});
    lock.order = 1;
    add(inventory, staged(lock));
    return inventory;
}

// A host beside guarded(), whose untracked policy takes UDP 53 and nothing else says a word about it.
inline policy::Inventory with_untracked_host(std::string_view address = "10.1.0.7") {
    policy::Inventory inventory = guarded();
    policy::HostEndpoint host;
    host.metadata.name = "resolver";
    host.metadata.labels = {{"app", "resolver"}};
    host.node = "resolver";
    host.expected_ips = {test::address(address)};
    add(inventory, host);
    policy::Policy raw = ingress_policy("raw", "resolver", {rule(Action::kAllow, 17, 53)});
    raw.do_not_track = raw.apply_on_forward = true;
    add(inventory, raw);
    return inventory;
}

// Fingerprints of the enforced hits by their identities, as the runtime makes them.
inline std::vector<std::uint32_t> paths_by_identity(const ruleset::Ruleset& ruleset) {
    std::vector<std::uint32_t> paths;
    for (std::uint32_t trace = 0; trace < ruleset.trace_count(); ++trace) {
        std::string path;
        for (const HitId hit : ruleset.trace(TraceId{trace}).enforced_hits) path += ruleset.hit(hit).identity + '\n';
        paths.push_back(static_cast<std::uint32_t>(std::hash<std::string>{}(path)) | 1U);
    }
    return paths;
}

}  // namespace drywall::engine
