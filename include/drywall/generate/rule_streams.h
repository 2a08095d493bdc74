// Streams that hit the rules of policies: the same files that the appliance takes, compiled as it compiles them.
//
// Threads: pure functions, but for the files that they read.
#pragma once

#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/loader/traffic_profile.h"

namespace drywall::generate {

struct RuleWithoutTraffic {
    std::string rule;  // "default|gnp:web|allow|0 ingress"
    std::string why;
};

// The profile's `policies` become streams, one for each rule, verdict, protocol and address family: `allow` is expected
// of those that pass in the end, `deny` of the others. Every flow was evaluated beforehand, and is found to hit its
// rule and to meet that verdict. Nothing to do: the profile has none. Returns the rules that no packet can be made for.
// kInvalid: what is wrong with the files, or a rule that is not there.
[[nodiscard]] Result<std::vector<RuleWithoutTraffic>> add_rule_streams(loader::TrafficProfile& profile);

}  // namespace drywall::generate
