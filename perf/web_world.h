// The world of the engine's benchmarks, with web servers in it: policies say what they may be asked for.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine_world.h"
#include "web_requests.h"

namespace drywall::perf {

inline constexpr std::uint16_t kWebPort = 8080;
inline constexpr std::size_t kPathsOfARule = 10;

inline policy::Policy web_policy(int of_app, std::vector<policy::Rule> rules) {
    policy::Policy policy = port_policy("web-to-" + app(of_app), app(of_app), 500 + of_app, Action::kAllow, kWebPort);
    policy.ingress = std::move(rules);
    return policy;
}

inline policy::Rule web_rule() {
    policy::Rule rule;
    rule.action = Action::kAllow;
    rule.protocol = net::protocol::kTcp;
    rule.destination.ports = {{kWebPort, kWebPort}};
    return rule;
}

// The paths that an app may be asked for: its share, or all where there are few.
inline std::vector<std::string> paths_of(int of_app, const std::vector<std::string>& paths) {
    if (paths.size() < kApps) return paths;
    std::vector<std::string> some;
    for (auto at = static_cast<std::size_t>(of_app); at < paths.size(); at += kApps) some.push_back(paths[at]);
    return some;
}

// Without any paths all may be asked for everything.
inline std::shared_ptr<const ruleset::Ruleset> world_with_paths(const std::vector<std::string>& paths) {
    policy::Inventory inventory = inventory_with_staged(0);
    for (int i = 0; i < kApps; ++i) {
        std::vector<policy::Rule> rules;
        if (paths.empty()) rules.push_back(web_rule());
        for (const std::string& path : paths_of(i, paths)) {
            if (rules.empty() || rules.back().http->paths.size() == kPathsOfARule) {
                rules.push_back(web_rule());
                rules.back().http = policy::HttpMatch{.methods = {"GET"}, .paths = {}};
            }
            rules.back().http->paths.push_back({.prefix = true, .path = path});
        }
        if (!rules.empty()) add(inventory, web_policy(i, std::move(rules)));
    }
    return world_of(inventory);
}

}  // namespace drywall::perf
