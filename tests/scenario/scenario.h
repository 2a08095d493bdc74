// A scenario: a folder that says what comes in and what has to come of it.
//
//   resources.yaml    the policies and endpoints (absent: nothing is declared)
//   drywall.yaml      the appliance's configuration (absent: two ports, inside and outside, paired; all else default)
//   in-<port>.pcap    what the wire delivers at that port
//   out-<port>.pcap   what must leave by that port: every byte, in order, at the time it came in (absent: nothing)
//   counters.yaml     what must be counted (counts.h)
//
// Time is the captures': frames of all ports are processed in the order of their timestamps, and frames of one
// timestamp are one burst.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "counts.h"
#include "drywall/base/result.h"
#include "drywall/io/pcap_file.h"

namespace drywall::test {

struct Outcome {
    std::map<std::string, std::vector<io::CapturedFrame>> out;  // by port name; ports that sent nothing are absent
    Counts counts;

    bool operator==(const Outcome&) const = default;
};

// What the engine makes of the folder's packets.
[[nodiscard]] Result<Outcome> run_scenario(const std::filesystem::path& folder);

// What the folder demands.
[[nodiscard]] Result<Outcome> expected_outcome(const std::filesystem::path& folder);

}  // namespace drywall::test
