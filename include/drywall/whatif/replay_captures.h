// Capture files through a candidate generation: read, merged by time, decided, and what passes written if wanted.
//
// Threads: one.
// Ports:   who says by which port the packets came in gets the decisions of that port. Who does not has a tap: one
// place
//          that saw both directions; it is judged as one port that is its own peer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/io/capture.h"
#include "drywall/loader/settings.h"
#include "drywall/whatif/replay.h"

namespace drywall::whatif {

// Which port of the appliance the packets of a capture came in by. Nothing of both: a tap.
struct Entry {
    std::optional<PortId> port;                // all of them
    std::map<std::string, PortId> interfaces;  // pcapng: by the interface's name, or its number in the file
};

struct CaptureInput {
    io::CaptureReader reader;
    Entry entry;
};

struct CaptureOptions {
    std::string write_to;       // a file for the packets that pass; empty: none
    bool until_damage = false;  // a damaged file counts up to its last whole packet
};

struct ReplayedCapture {
    std::string name;
    std::string link_type;
    std::uint64_t packets = 0;
    std::optional<Error> damage;  // only with `until_damage`
};

struct CaptureReplay {
    ReplayReport report;
    std::vector<ReplayedCapture> captures;
    bool tap = false;
};

// kInvalid: a damaged capture, an interface without a port, or a tap although policies judge at ports.
// REQUIRES: `ruleset` was built with `settings`; at least one input; all of them taps, or none.
[[nodiscard]] Result<CaptureReplay> replay_captures(std::shared_ptr<const ruleset::Ruleset> ruleset,
                                                    const loader::Settings& settings, std::vector<CaptureInput> inputs,
                                                    const CaptureOptions& options);

}  // namespace drywall::whatif
