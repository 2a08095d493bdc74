// Endpoints: who can be selected, by which labels, and where policies judge them; and the addresses that rule selectors
// can name (endpoints and network sets).
//
// Threads: values, made and read by the builder of one generation.
// Source:  Calico's scope rules; design, section 2.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/net/address.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

enum class Role : std::uint8_t {
    kWorkload,  // judged at its addresses: tiers, then profiles
    kHost,      // as a workload, with Calico's failsafe ports in front
    kPort,      // one of the appliance's ports: forward policies judge what crosses it
};

// Endpoints and sets with equal labels can't be told apart by a selector.
enum class LabelsId : std::uint32_t {};

struct Subject {
    EndpointInfo info;
    Role role = Role::kWorkload;
    LabelsId labels{};
    std::vector<std::string> profiles;
    std::optional<PortId> port;  // Role::kPort
};

struct Population {
    std::vector<Subject> subjects;                // those that policies judge
    std::vector<policy::Labels> labels;           // by LabelsId
    std::vector<std::vector<net::Prefix>> named;  // by LabelsId: the addresses that a rule selector finds
};

// Complaints: a HostEndpoint that is neither one of the ports nor a host with expectedIPs.
[[nodiscard]] Result<Population> populate(const policy::Inventory& inventory, const Surroundings& surroundings);

}  // namespace drywall::ruleset
