// Replay: recorded packets through one generation, by the engine that the appliance runs: flow table, fragments,
// limits, both worlds. The recording's time is the engine's clock. No device, no daemon.
//
// Threads: one per object.
// Memory:  the engine's tables, and what is told of at most kMaxFlows groups of connections and kMaxDenied denied ones;
//          what is left out is counted.
// What a connection is: one that the enforced world opened; or denied packets of one 5-tuple. Packets that answer a
//          denied connection were recorded because something let it pass then; they count as its other direction. (An
//          ICMP query is told from another by its addresses alone.)
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/engine/engine.h"
#include "drywall/net/address.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/runtime/dataplane.h"
#include "drywall/telemetry/counters.h"
#include "drywall/telemetry/request.h"
#include "drywall/whatif/chunks.h"

namespace drywall::whatif {

struct Amount {
    std::uint64_t connections = 0;
    telemetry::PacketsBytes traffic;
    Amount& operator+=(const Amount& other) noexcept {
        connections += other.connections;
        traffic += other.traffic;
        return *this;
    }
    bool operator==(const Amount&) const = default;
};

// What both worlds say about the same traffic.
struct Comparison {
    Amount enforced_allowed;
    Amount enforced_denied;
    Amount pending_allowed;
    Amount pending_denied;
    Amount newly_denied;   // enforced allows, pending denies
    Amount newly_allowed;  // enforced denies, pending allows

    void add(Verdict enforced, Verdict pending, const Amount& amount) noexcept;
};

// A group of connections of the same source, destination, service and decisions.
struct ReplayedFlow {
    net::Address source;
    net::Address destination;
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;  // ICMP: type << 8 | code
    TraceId trace{};
    std::uint64_t connections = 0;
    telemetry::PacketsBytes forward;
    telemetry::PacketsBytes reverse;
    Nanos first{0};  // since 1970: when the first of these connections began,
    Nanos last{0};   // and the last (of denied ones: their last packet)
};

using ReplayedFlows = Chunks<ReplayedFlow>;

// A request, a TLS greeting, or a stream that could not be read. Texts are printable ASCII: other bytes became "?".
struct ReplayedRequest {
    telemetry::RequestKind kind = telemetry::RequestKind::kHttp;
    std::string method;
    std::string host;  // HTTP: what it names; TLS: the server name
    std::string path;  // normalised
    net::Address source;
    net::Address destination;
    std::uint16_t destination_port = 0;
    bool operator==(const ReplayedRequest&) const = default;
};

// Requests on which the same rules decided.
struct ReplayedRequests {
    TraceId trace{};
    std::uint64_t count = 0;
    std::vector<ReplayedRequest> examples;  // the first different ones, at most kMostExamples
    static constexpr std::size_t kMostExamples = 5;
};

struct ReplayReport {
    // As /v1/stats has them: rules, staged policies, disagreements, drops, and what passed without policy.
    runtime::Snapshot counted;
    Comparison judged;                 // what policy decided; the rest is in `counted`
    bool connections_exact = true;     // false: too many denied ones to tell repeated packets from new connections
    ReplayedFlows flows;               // in the order in which they were first seen
    std::uint64_t flows_left_out = 0;  // connections of groups that found no room in `flows`
    std::vector<ReplayedRequests> requests;  // what was asked for inside of connections, by what decided
    std::uint64_t cut = 0;                   // packets that the recording holds only the beginning of
    std::uint64_t cut_unjudged = 0;    // of them those without the headers that a decision needs: dropped as truncated
    std::uint64_t time_went_back = 0;  // packets older than one before them; judged at the time of that one
    Nanos first{0};                    // since 1970
    Nanos last{0};
};

class Replay {
public:
    static constexpr std::size_t kMaxFlows = 1'000'000;
    static constexpr std::size_t kMaxDenied = 4'000'000;

    Replay(std::shared_ptr<const ruleset::Ruleset> ruleset, const engine::EngineSettings& settings);
    ~Replay();
    Replay(Replay&&) noexcept;
    Replay& operator=(Replay&&) noexcept;

    // Decides a burst of packets that were recorded at `time` or at most kBurstTime later; a decision for each, valid
    // until the next call.
    // REQUIRES: 0 < frames.size() <= kMaxBurst, ingress ports that the ruleset has
    std::span<const engine::Decision> take(std::span<const net::FrameView> frames, Nanos time);

    // Connections are timed out, counters added up. Take nothing afterwards.
    [[nodiscard]] ReplayReport finish();

    // Far below every timeout of the flow table, so that a burst may have one time.
    static constexpr Nanos kBurstTime = std::chrono::milliseconds(1);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drywall::whatif
