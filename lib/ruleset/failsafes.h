// FelixLists: the failsafe ports of each node's hosts: Calico's defaults, what FelixConfiguration `default` says
// instead, and what `node.<name>` says instead of that.
//
// Threads: the builder of one generation only.
// Source:  Calico's failsafeInboundHostPorts and failsafeOutboundHostPorts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "drywall/policy/convert.h"
#include "endpoints.h"

namespace drywall::ruleset {

class FelixLists {
public:
    // Appends the lists that it is asked for to `lists`, equal ones once.
    FelixLists(const policy::CalicoView& view, std::vector<Failsafes>& lists);

    FailsafesId of_node(const std::string& node);

private:
    [[nodiscard]] Failsafes resolve(const std::string& node) const;

    std::map<std::string, const policy::FelixConfiguration*> configurations_;  // by resource name
    std::vector<Failsafes>& lists_;
    std::map<std::string, FailsafesId> by_node_;
};

}  // namespace drywall::ruleset
