// Engine: a burst in, decisions out. Parse, flow table, fragments, classification, counters, events: the whole decision
// path of one worker. It touches no device, no file, no clock.
//
// Threads: one worker owns an Engine; nothing here locks or is shared, except counters, which others may read.
// Memory:  everything is allocated by the constructor. process() and sweep() allocate nothing.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/base/drop_reason.h"
#include "drywall/base/ids.h"
#include "drywall/base/verdict.h"
#include "drywall/flow/census.h"
#include "drywall/flow/state.h"
#include "drywall/inspect/conditions.h"
#include "drywall/inspect/dns_watch.h"
#include "drywall/inspect/inspector.h"
#include "drywall/inspect/name_cache.h"
#include "drywall/net/address_check.h"
#include "drywall/net/packet_meta.h"
#include "drywall/net/prefix_set.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/telemetry/counters.h"
#include "drywall/telemetry/event.h"
#include "drywall/telemetry/request.h"

namespace drywall::engine {

struct NonIpRule {
    std::uint16_t name = 0;  // an ether type, or net::non_ip::kSpanningTree
    Verdict verdict = Verdict::kAllow;
};

using FlowTimeouts = flow::Timeouts;

// Which sources may enter by a port.
struct SourceRule {
    net::PrefixSet only;  // empty: any,
    net::PrefixSet none;  // but these
};

// A TCP segment of no known connection that is not a SYN: the middle of one that was there before.
enum class MidStream : std::uint8_t {
    kAllow,    // policy judges it, and the connection is followed from there
    kObserve,  // likewise, and what kDrop would have dropped is counted
    kDrop,
};

// A TCP segment that its connection's sequence numbers do not confirm.
enum class TcpWindow : std::uint8_t {
    kStrict,   // dropped
    kObserve,  // passes, moves nothing, and is counted
};

// What shows that a connection goes to a name.
enum class NameEvidence : std::uint8_t {
    kAddress,        // its destination was learned from DNS by that name
    kAddressAndSni,  // that, and where it is TLS its ClientHello names it too
    kAddressOrSni,   // one of the two
};

// Rules with conditions on what connections say. A condition that can't be evaluated counts as declared here: kDeny, it
// does not hold; kAllow, it holds.
struct Layer7Settings {
    Verdict http2 = Verdict::kDeny;
    Verdict not_http = Verdict::kDeny;
    Verdict malformed = Verdict::kDeny;
    Verdict upgraded = Verdict::kDeny;
    Verdict unseen = Verdict::kDeny;  // its beginning was not seen
    Verdict over_limit = Verdict::kDeny;
    Verdict missing_sni = Verdict::kDeny;
    Verdict ech = Verdict::kDeny;
    NameEvidence evidence = NameEvidence::kAddressAndSni;
    std::shared_ptr<inspect::NameCache> names;  // one for all engines; null: no address is known by any name
    std::vector<net::Prefix> dns_servers;       // whose answers are believed; empty: nothing is learned
    std::size_t dns_questions = 4096;           // that wait for their answers
    bool reset_denied = true;  // both ends are told; else only the segment is dropped, and all that follow
    inspect::InspectorSettings inspector{
        .connections = 256, .buffers = 1 << 20, .per_connection = 64 << 10, .max_head = 16 << 10};
};

struct EngineSettings {
    WorkerId worker{};
    std::vector<std::optional<PortId>> peer_of;  // by ingress PortId: the egress port
    std::vector<SourceRule> sources;             // by ingress PortId; empty: any by every port
    net::AddressCheck addresses = net::AddressCheck::kUsual;
    bool verify_checksums = true;  // of IPv4 headers
    std::vector<NonIpRule> non_ip;
    Verdict non_ip_default = Verdict::kDeny;
    bool neighbour_discovery = true;
    std::uint32_t flow_capacity = 65536;
    std::uint32_t fragment_capacity = 4096;
    FlowTimeouts timeouts;
    MidStream mid_stream = MidStream::kAllow;
    TcpWindow tcp_window = TcpWindow::kStrict;
    std::uint32_t half_open_limit = 0;   // TCP connections whose handshake is not complete; 0: as many as there is room
    std::uint32_t per_source_limit = 0;  // connections that one address opened; 0: as many as there is room
    Nanos report_interval{0};            // how often live connections report what they counted; 0: never
    std::uint64_t hash_seed = 0;         // random per start, so that nobody can choose colliding flows
    Layer7Settings layer7;
};

// What becomes of connections that an older generation judged, at their next packet. Without more, each is judged
// again.
struct Existing {
    static constexpr Generation kNone{std::numeric_limits<std::uint64_t>::max()};
    // Judged by this one or a later one: kept, also where policy denies them now (counted as kept_passed). It may rise
    // while a generation is in force: what is older is judged again then, also if it was kept until now.
    Generation keep_from = kNone;
    // Judged before this one: cut where other rules decide them now, also where these allow them.
    Generation reset_before{};
    // By TraceId: a fingerprint of the enforced hits, equal across generations. Empty: nothing is ever reset.
    std::span<const std::uint32_t> paths{};

    // Does what `judged` allowed go on under `current`, whatever that one says? A later generation's judgement is one
    // that was put back: it stands for nothing.
    [[nodiscard]] bool keeps(Generation judged, Generation current) const noexcept {
        return judged >= keep_from && judged < current;
    }
};

struct Decision {
    static constexpr TraceId kUnjudged{std::numeric_limits<std::uint32_t>::max()};
    DropReason drop = DropReason::kNone;  // kNone: forward to `egress`
    PortId egress{};
    TraceId trace = kUnjudged;  // of a dropped packet that policy judged: by the ruleset that decided the burst
    bool reset = false;         // of a dropped TCP segment: its sender and its receiver are to be told, by a reset
};

class Engine {
public:
    Engine(const EngineSettings& settings, telemetry::WorkerCounters& counters);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Decides a burst wholly by `ruleset`, and counts it: receive and drop counters in WorkerCounters, traces in
    // `traces` (transmit counters and kTxRefused are the caller's, who knows what the device took).
    // REQUIRES: frames.size() <= kMaxBurst, decisions.size() >= frames.size(), traces.size() == ruleset.trace_count(),
    //           time does not go backwards; `workspace` was grown for ruleset.conditions() if the ruleset inspects.
    void process(std::span<const net::FrameView> frames, const ruleset::Ruleset& ruleset,
                 telemetry::TraceCounters& traces, Instant now, std::span<Decision> decisions,
                 telemetry::EventBatch& events, const Existing& existing = {},
                 inspect::ConditionWorkspace* workspace = nullptr) noexcept;

    // What was asked for inside of connections since they were forgotten last; those that found no room are counted
    // (requests_untold).
    [[nodiscard]] std::span<const telemetry::Request> requests() const noexcept;
    void forget_requests() noexcept;

    // Looks at the next part of the flow and fragment tables, ends what timed out, and reports what live connections
    // counted. Call it between bursts; a whole round takes capacity / kSweepStep calls, a round of reports the
    // settings' report_interval, or capacity / kReportStep calls if that is longer.
    void sweep(Instant now, telemetry::EventBatch& events) noexcept;

    static constexpr std::size_t kSweepStep = 64;   // entries looked at per sweep(), for those that timed out,
    static constexpr std::size_t kReportStep = 32;  // and at most so many for those that progressed

    // A census of the connections, a few at a time: begin_census() once, then census() until it says that it is done.
    // Copies what it finds among the next `entries` entries of the flow table into `found`; true: that was the last
    // part. Connections that live from begin to end are found exactly once. `current`: the generation in force.
    // REQUIRES: entries <= kCensusStep, `found` is empty
    void begin_census() noexcept;
    [[nodiscard]] bool census(Instant now, Generation current, const Existing& existing, std::size_t entries,
                              flow::CensusBatch& found) noexcept;

    [[nodiscard]] std::size_t flow_count() const noexcept;
    [[nodiscard]] const flow::StateCounts& flow_counts() const noexcept;
    [[nodiscard]] inspect::InspectorUsage inspection() const noexcept;
    [[nodiscard]] inspect::DnsWatchCounts dns() const noexcept;  // any thread
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drywall::engine
