// Generator: a profile's traffic on ports, and trials of it: send at a rate for a time, wait for what is under way,
// count. One trial is what searches, sweeps and a plain run are made of; each has sequence numbers and a magic of its
// own, so that what an earlier one left on the wire is not taken for its packets.
//
// Threads: the main thread's. While a trial runs, workers poll the ports; `go_on` is called on the main thread.
// Errors:  what can't be sent (a frame too small for its signature, a rate that says nothing) is said when the
// generator is
//          made or the trial is asked for, before a packet leaves.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/generate/latency_histogram.h"
#include "drywall/io/frame_pool.h"
#include "drywall/io/port.h"
#include "drywall/loader/traffic_profile.h"
#include "drywall/runtime/launcher.h"
#include "drywall/telemetry/counters.h"

namespace drywall::generate {

using telemetry::PacketsBytes;  // bytes of frames with FCS

struct GeneratorSettings {
    std::vector<std::shared_ptr<io::Port>> ports;  // as the profile names them, in its order
    io::FramePool* frames = nullptr;               // that all the ports take; likewise below: outlives the generator
    runtime::Launcher* launcher = nullptr;
    // CPUs, a worker each. One sends and receives on every port; up to as many as ports share the ports; with more,
    // those behind the first (one a port) only receive.
    std::vector<unsigned> cores;
};

struct TrialRequest {
    loader::TrafficRate rate;  // of all streams together that have none of their own
    std::optional<loader::RampProfile> ramp;
    std::optional<std::chrono::nanoseconds> duration;  // absent: until go_on says no, or every stream has ended
    std::chrono::nanoseconds drain = std::chrono::milliseconds(500);  // after the last packet
    std::optional<double> connections_per_second;  // of all together, in equal parts, whatever the profile says
    bool gaps = false;                             // the longest time for which a flow got nothing is looked for
};
[[nodiscard]] TrialRequest request_of(const loader::TrafficProfile& profile);

struct StreamResult {
    std::string name;
    std::string from;
    std::string to;
    loader::Expect expect = loader::Expect::kAny;
    bool tracked = true;        // its packets carry a signature; otherwise only `sent` and `refused` are known
    PacketsBytes sent;          // what the device took
    std::uint64_t refused = 0;  // times that a packet was not taken by the device; it is offered again
    PacketsBytes received;      // at `to`, each packet once
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;          // RFC 4737, section 3.3
    std::uint64_t greatest_distance = 0;  // in sequence numbers, of a reordered packet to the greatest before it
    std::uint64_t beyond_window = 0;      // arrived too late to tell whether it was a duplicate; not in `received`
    std::uint64_t elsewhere = 0;          // arrived at another port than `to`
    LatencyHistogram latency;             // of received packets
    // Nanoseconds between two packets of one flow, received one after the other. Where it was asked for, and there are
    // at most 2^20 flows; a flow is known by the last 32 bits of the sequence number.
    std::optional<std::uint64_t> longest_gap;

    // Sent, and not received.
    [[nodiscard]] std::uint64_t missing() const noexcept {
        return sent.packets > received.packets ? sent.packets - received.packets : 0;
    }
    // Of those, that did not arrive beyond the window either: what is certain.
    [[nodiscard]] std::uint64_t surely_missing() const noexcept {
        return missing() > beyond_window ? missing() - beyond_window : 0;
    }
};

struct ConnectionsResult {
    std::string name;
    std::string from;
    std::string to;
    loader::Expect expect = loader::Expect::kAny;
    std::uint64_t opened = 0;       // SYN sent
    std::uint64_t established = 0;  // and answered
    std::uint64_t completed = 0;    // every exchange done, closed by both ends
    std::uint64_t refused = 0;      // RST instead of an answer
    std::uint64_t timed_out = 0;    // no answer to SYN
    std::uint64_t reset = 0;        // RST, or an end that was not asked for, once it was established
    std::uint64_t failed = 0;       // no answer, once it was established
    std::uint64_t open_at_end = 0;
    std::uint64_t open_at_most = 0;  // at the same time
    std::uint64_t skipped = 0;       // were due, and not opened: too many were open, or the ends in use
    std::uint64_t exchanges = 0;
    std::uint64_t syn_retransmissions = 0;
    std::uint64_t retransmissions = 0;  // of either end, but for SYN
    std::uint64_t out_of_order = 0;     // segments that either end had to refuse
    LatencyHistogram connect_latency;   // SYN to SYN+ACK
    LatencyHistogram exchange_latency;  // request's first byte to response's last
};

struct PortResult {
    std::string name;
    PacketsBytes sent;
    PacketsBytes received;       // everything that arrived
    std::uint64_t foreign = 0;   // of it, without a signature of this generator
    std::uint64_t stale = 0;     // of an earlier trial
    std::uint64_t segments = 0;  // of connections
    std::uint64_t segments_refused =
        0;  // by the device when they were sent, or for want of a buffer; a timer sends them again
    io::DeviceStatistics device;  // what the device counted meanwhile
};

struct TrialResult {
    loader::TrafficRate rate;   // as it was asked for
    double seconds = 0;         // from the first packet that was due to the end of sending
    bool stopped = false;       // go_on said no before the time was over
    std::uint64_t offered = 0;  // packets that were due by then; at maximum rate: what was sent
    std::uint64_t skipped = 0;  // of those, given up because the generator or the device was late
    std::vector<StreamResult> streams;
    std::vector<ConnectionsResult> connections;
    std::vector<PortResult> ports;
};

// A look at a running trial.
struct TrialView {
    double seconds = 0;    // since the start
    bool sending = false;  // or waiting for what is under way
    struct Stream {
        std::uint64_t sent = 0;
        std::uint64_t sent_bytes = 0;
        std::uint64_t received = 0;
        std::uint64_t received_bytes = 0;
    };
    std::vector<Stream> streams;  // in the profile's order; likewise below
    struct Connections {
        std::uint64_t opened = 0;
        std::uint64_t established = 0;
        std::uint64_t completed = 0;
    };
    std::vector<Connections> connections;
};

class Generator {
public:
    // REQUIRES: the profile's policies are streams by now (add_rule_streams())
    [[nodiscard]] static Result<std::unique_ptr<Generator>> create(const loader::TrafficProfile& profile,
                                                                   GeneratorSettings settings);
    virtual ~Generator() = default;

    // Asks `go_on` some twenty times a second; no ends the sending, not the waiting.
    [[nodiscard]] virtual Result<TrialResult> run(const TrialRequest& request,
                                                  const std::function<bool(const TrialView&)>& go_on) = 0;
};

}  // namespace drywall::generate
