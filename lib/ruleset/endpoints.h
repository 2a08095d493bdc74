// Endpoints: who can be selected, by which labels, and where policies judge them; and what rules can name: addresses of
// endpoints and network sets, and the ports that endpoints declare.
//
// Threads: values, made and read by the builder of one generation. Pointers reach into the view it was made from.
// Source:  Calico's scope rules and its choice of the HostEndpoint that governs an interface; design, section 2.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/net/address.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

enum class Role : std::uint8_t {
    kWorkload,  // judged at its addresses: tiers, then profiles
    kHost,      // as a workload, with Calico's failsafe ports and the untracked and pre-DNAT policies in front
    kPort,      // one of the appliance's ports: forward policies judge what crosses it
};

// Endpoints and sets with equal labels can't be told apart by a selector.
enum class LabelsId : std::uint32_t {};

// Failsafe ports, as FelixConfiguration gives them for a host; index into Population::failsafes.
enum class FailsafesId : std::uint32_t {};

struct Failsafes {
    std::vector<policy::FailsafePort> inbound;
    std::vector<policy::FailsafePort> outbound;
};

// What decides how an endpoint is judged: those of one group are judged by the same policies.
struct Group {
    Role role = Role::kWorkload;
    LabelsId labels{};
    FailsafesId failsafes{};   // Role::kHost, Role::kPort
    bool untracked = true;     // untracked policies apply; not to a HostEndpoint of all interfaces
    std::size_t profiles = 0;  // index into Population::profile_lists
    auto operator<=>(const Group&) const = default;
};

struct Subject {
    EndpointInfo info;
    std::size_t group = 0;  // index into Population::groups
};

// The ports of one name and one label map: by protocol and number, the addresses that declare them.
using DeclaredPorts = std::map<std::pair<std::uint8_t, std::uint16_t>, std::vector<net::Address>>;

struct Population {
    std::vector<Subject> subjects;                        // workloads and hosts: judged at their addresses
    std::vector<Group> groups;                            // distinct
    std::vector<std::vector<std::string>> profile_lists;  // distinct
    std::vector<Failsafes> failsafes;                     // by FailsafesId
    std::map<PortId, std::size_t> port_groups;            // index into groups, by the port that it governs
    std::vector<policy::Labels> labels;                   // by LabelsId
    std::vector<std::vector<net::Prefix>> named;          // by LabelsId: the addresses that a rule selector finds
    std::vector<std::vector<std::string>> domains;        // by LabelsId: allowedEgressDomains of the sets among them
    std::map<std::string, std::map<LabelsId, DeclaredPorts>, std::less<>> ports;  // by name
};

// Complaints: a HostEndpoint that is neither one of the ports nor a host with expectedIPs.
[[nodiscard]] Result<Population> populate(const policy::CalicoView& view, const Surroundings& surroundings);

}  // namespace drywall::ruleset
