// Options: what stands on the command line of drywall-gen, and the profile that comes of it.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "drywall/base/result.h"
#include "drywall/loader/traffic_profile.h"

namespace drywall::gen {

struct Options {
    std::string profile;             // a file; empty: the stream options describe the traffic
    std::vector<std::string> ports;  // NAME=DEVICE
    std::vector<unsigned> cores;
    std::optional<std::uint64_t> seed;
    std::string rate;
    std::string ramp_from;
    std::string ramp_over;
    std::string duration;
    std::string warm_up;
    std::string drain;
    // Of the one stream that needs no profile.
    std::string from;
    std::string to;
    bool both_ways = false;
    std::string size;
    std::string source;
    std::string destination;
    std::string protocol;
    std::string source_port;
    std::string destination_port;
    std::string vlan;
    std::string expect;
    std::optional<std::uint64_t> flows;
    std::optional<std::uint64_t> packets;
    // What is done with the result.
    std::string report;     // a file, or "-"
    std::string appliance;  // its control socket
    bool strict = false;
    bool json = false;
    bool no_color = false;
    bool quiet = false;
    std::string log_level = "warn";
};

// An option that can't be read, and how it is written.
[[nodiscard]] Error wrong_option(const std::string& option, const std::string& text, const std::string& hint);

void declare_run(CLI::App& command, Options& options);

// kInvalid, with the option or the place in the profile.
[[nodiscard]] Result<loader::TrafficProfile> profile_of(const Options& options);

}  // namespace drywall::gen
