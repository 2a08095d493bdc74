// Measurement: what a measuring command found, as figures with everything that they depended on: JSON for programs
// (docs/drywall-gen-measurement.schema.json), and from it Markdown for documents and CSV for tables.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drywall/generate/figure.h"
#include "drywall/generate/report.h"
#include "drywall/generate/throughput_search.h"
#include "drywall/generate/trial.h"

namespace drywall::generate {

struct MeasurementHead {
    std::string command;
    std::string started;
    Fingerprint fingerprint;
    std::optional<Json> ruleset;     // of the appliance in the middle: what /v1/status says of it
    double ceiling = 0;              // that one worker makes and receives through memory, in a second
    std::string unit = "packets/s";  // of it; or "connections/s"
    unsigned senders = 1;            // workers that send
    // What the generator can do at most, if more workers do as much more.
    [[nodiscard]] double ceiling_of_all() const noexcept { return ceiling * senders; }
};

// `details`: what the command saw on its way. A rate in the ceiling's unit that is nearer than kHeadroom to the
// generator's ceiling is marked as limited by it.
[[nodiscard]] Json measurement_of(const MeasurementHead& head, const std::vector<Figure>& figures, Json details);

// What a trial lost. Streams that expect to be denied do not count, nor do those without a signature; but what was
// skipped is that of all streams.
[[nodiscard]] Measured measured_of(const TrialResult& result) noexcept;
// Whether there is a stream of which that can be said.
[[nodiscard]] bool can_be_measured(const TrialResult& result) noexcept;
// The same of connections that are to be allowed: due and not opened, or opened and not established in time (its drain
// included), or reset or failed after that.
[[nodiscard]] Measured measured_connections_of(const TrialResult& result) noexcept;
[[nodiscard]] LatencyHistogram latency_of(const TrialResult& result);  // of all streams that are not to be denied

[[nodiscard]] Json json_of(const SearchResult& search);

// REQUIRES: `report` is measurement_of()'s
[[nodiscard]] std::string markdown_of(const Json& report);
[[nodiscard]] std::string csv_of(const Json& report);

}  // namespace drywall::generate
