// Lock-outs: what a generation that is not yet in force would cut off of what was seen lately: the paths by which the
// machines are managed, and endpoints that would lose every connection they had.
//
// Threads: pure functions. Both rulesets are asked for what policy decides, whether it is enforced or only observed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/net/address.h"
#include "drywall/observe/flow_log.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::control {

// Connections that people and machines manage the site by.
struct ManagementService {
    std::uint8_t protocol = 6;
    std::uint16_t port = 0;         // destination
    std::vector<net::Prefix> to{};  // empty: anywhere
};
// SSH, BGP and the Kubernetes API: of Calico's failsafe ports those that carry an operator or the routes to one.
[[nodiscard]] std::vector<ManagementService> default_management();

// "tcp/22", "icmp/8", or the protocol alone.
[[nodiscard]] std::string service_text(const observe::FlowGroup& group);

// A group of connections that would newly be denied.
struct LostFlow {
    std::string source;       // the endpoint's name, or the address
    std::string destination;  // likewise
    std::string service;      // "tcp/22"
    std::string denied_by;    // the hit that would deny it
    std::uint64_t connections = 0;

    // "bastion -> prod/web tcp/22 (12 connections), denied by default|gnp:closed|deny|0"
    [[nodiscard]] std::string text() const;
};

// An endpoint of which every connection would newly be denied, whatever it asks for.
struct LostEndpoint {
    std::string name;
    std::uint64_t connections = 0;
    [[nodiscard]] std::string text() const;
};

struct Lockouts {
    std::vector<LostFlow> management;
    std::vector<LostEndpoint> endpoints;
    std::vector<LostFlow> others;  // the rest of what would newly be denied
    std::size_t groups_seen = 0;   // allowed now, and looked at

    std::uint64_t management_seen = 0;  // groups on management services, allowed now

    [[nodiscard]] bool any() const noexcept { return !management.empty() || !endpoints.empty(); }
};

// `seen`: groups of connections, as the flow log has them. Where it is not known by which port a group entered, it
// counts as lost when it is at any port.
[[nodiscard]] Lockouts find_lockouts(const ruleset::Ruleset& current, const ruleset::Ruleset& candidate,
                                     std::span<const observe::FlowGroup> seen,
                                     std::span<const ManagementService> management);

// kRefused, naming them. REQUIRES: lockouts.any()
[[nodiscard]] Error refusal(const Lockouts& lockouts);

}  // namespace drywall::control
