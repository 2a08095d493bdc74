// Dataplane: workers on their cores, the stats core, and the hand-over of rulesets by RCU.
//
// Threads: start(), publish() and stop() are the control thread's. Snapshots and censuses may be taken by any thread.
// RCU:     a generation is published with one pointer. Every worker passes a quiescent state once per turn of its loop
//          (rte_rcu_qsbr); the old generation's counters are collected after that and before it is freed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/engine/engine.h"
#include "drywall/flow/census.h"
#include "drywall/flow/state.h"
#include "drywall/inspect/name_cache.h"
#include "drywall/io/frame_pool.h"
#include "drywall/io/port.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/runtime/drop_watch.h"
#include "drywall/runtime/launcher.h"
#include "drywall/telemetry/counters.h"
#include "drywall/telemetry/event.h"
#include "drywall/telemetry/request.h"

namespace drywall::runtime {

// Receives what the stats core learned. Called by the stats core only, one call at a time.
class EventSink {
public:
    virtual ~EventSink() = default;
    // `ruleset` is the generation by which event.trace is to be read; null when it was freed long ago.
    virtual void on_event(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset) = 0;
    // Likewise, of what was asked for inside of a connection.
    virtual void on_request(const telemetry::Request&, const ruleset::Ruleset*) {}
    virtual void on_lost(std::uint64_t records) = 0;  // that many records found the ring full
};

// What a publication does to the connections that are there, each at its next packet.
enum class Existing : std::uint8_t {
    kRecheck,  // judged again with the initiator's tuple; what is denied now is cut
    kKeep,     // what is denied now passes until it ends, or its grace does, or a later publication judges it again
    kReset,    // as kRecheck, and what other rules decide now is cut too: its client has to open it anew
};

[[nodiscard]] constexpr std::string_view name(Existing existing) noexcept {
    switch (existing) {
        case Existing::kRecheck: return "recheck";
        case Existing::kKeep: return "keep";
        case Existing::kReset: return "reset";
    }
    return "recheck";
}

// One rule, default or profile and what hit it. Survives generations: the key is HitDescriptor::identity.
struct RuleCounts {
    ruleset::HitDescriptor hit;           // as of the last generation that had it
    telemetry::PacketsBytes enforced;     // took part in the enforced decision of that many
    telemetry::PacketsBytes pending;      // took part in the pending decision of that many
    telemetry::PacketsBytes would_deny;   // decided: enforced allow, pending deny
    telemetry::PacketsBytes would_allow;  // decided: enforced deny, pending allow
    // What was asked for inside of connections (HTTP requests, TLS greetings, streams that could not be read), in whose
    // decision it took part in the world that it belongs to.
    std::uint64_t requests = 0;
    std::uint64_t would_deny_requests = 0;   // decided: enforced allow, pending deny
    std::uint64_t would_allow_requests = 0;  // decided: enforced deny, pending allow
    // Connections that opened (so the enforced world allowed them) and in whose decision it took part in the world that
    // it belongs to: a staged policy's in the pending one. A lower bound where events were lost.
    std::uint64_t connections = 0;
    // When it was last seen to have counted in that world, to the stats interval; the epoch: not by this process.
    std::chrono::system_clock::time_point last_hit{};
    bool in_current_generation = false;
    Generation since{};  // the first generation, of those that this process published, in which it was counted
};

struct PolicyCounts {
    ruleset::PolicyRef policy;           // a staged policy
    telemetry::PacketsBytes would_deny;  // responsible() for enforced allow, pending deny
    telemetry::PacketsBytes would_allow;
    std::uint64_t would_deny_connections = 0;  // that opened; a lower bound where events were lost
    std::uint64_t would_deny_requests = 0;
    std::uint64_t would_allow_requests = 0;
};

// Enforced rule x pending rule: packets of traces whose deciding hits are these and whose verdicts differ.
struct Disagreement {
    std::string enforced_identity;
    std::string pending_identity;
    std::string enforced_text;
    std::string pending_text;
    telemetry::PacketsBytes count;
};

using Drops = std::map<DropReason, telemetry::PacketsBytes>;  // every reason is there, also with nothing

// received = forwarded + the sum of drops, once the workers have finished what they hold.
struct PortTotals {
    std::string name;
    std::string peer;  // the other port of its pair; empty: it has none
    telemetry::PacketsBytes received;
    telemetry::PacketsBytes forwarded;    // of what came in here: left by another port
    telemetry::PacketsBytes transmitted;  // left by this one
    Drops drops;                          // of what came in here
    io::DeviceStatistics device;
    bool link_up = false;
    std::uint16_t mtu = 0;  // 0: the device does not say
};

struct Snapshot {
    Generation generation{};
    // Current ones in evaluation order, then those of earlier generations that ever counted.
    std::vector<RuleCounts> rules;
    std::vector<PolicyCounts> staged;
    std::vector<Disagreement> disagreements;
    telemetry::PacketsBytes judged;  // sum over all traces of all generations
    telemetry::PacketsBytes enforced_allowed;
    telemetry::PacketsBytes enforced_denied;
    telemetry::PacketsBytes only_observed;  // allowed because nothing was enforced: policy denied them
    telemetry::PacketsBytes unmatched;      // traces without any step
    std::vector<PortTotals> ports;
    Drops drops;
    Drops observed;                    // passed, and would have died where a setting only observes; what there is of it
    telemetry::PacketsBytes received;  // all ports
    telemetry::PacketsBytes transmitted;
    telemetry::PacketsBytes non_ip_passed;
    telemetry::PacketsBytes neighbour_discovery_passed;
    telemetry::PacketsBytes related_passed;
    telemetry::PacketsBytes kept_passed;
    telemetry::PacketsBytes reset_dropped;  // of connections that a change reset, or that asked for what is denied
    std::uint64_t flows_live = 0;
    std::array<std::uint64_t, flow::kFlowStates> flows_by_state{};  // kFree: 0
    std::uint64_t flows_half_open = 0;                              // TCP whose responder has not been heard
    std::uint64_t flows_opened = 0;
    std::uint64_t flows_ended = 0;
    std::uint64_t flows_rejudged = 0;
    std::uint64_t flows_kept = 0;
    std::uint64_t flows_reset = 0;
    std::uint64_t events_lost = 0;
    std::uint64_t requests_untold = 0;  // of what was asked for inside of connections: counted, and recorded nowhere
    std::uint64_t resets_sent = 0;      // frames of the appliance's own; among those that were transmitted
    std::uint64_t inspected = 0;        // connections that are being read
    std::uint64_t swaps = 0;
    std::size_t rulesets_alive = 0;  // published and not yet freed
    struct Worker {
        unsigned core = 0;
        std::uint64_t loops = 0;
        std::uint64_t bursts = 0;
        std::uint64_t packets = 0;
        Nanos heartbeat_age{0};
        std::size_t flows = 0;
        std::size_t table_bytes = 0;  // of its tables of connections and fragments, taken at start
        Nanos busy{0};                // in turns that found something to do, since the start
        double busy_ratio = 0;        // the share of the last whole second that was busy
        Drops drops;
    };
    std::vector<Worker> workers;
    telemetry::ResidenceHistogram::Reading residence;  // of all workers
};

// The connections of all workers, as a walk through their tables found them. What lived through the whole walk is there
// exactly once; what opened or ended meanwhile may be there or not.
struct Census {
    std::vector<flow::CensusEntry> connections;
    std::chrono::system_clock::time_point began{};
    std::string missing;  // whose connections are not among them, and why; empty: nobody's
};

// What the threads show of themselves, without asking them: signs of life.
struct Vitals {
    struct Worker {
        unsigned core = 0;
        Instant heartbeat{};      // when its last turn began; before the first: when it was made
        std::uint64_t turns = 0;  // of its loop
    };
    std::vector<Worker> workers;
    Instant stats_heartbeat{};  // likewise, the stats core's rounds
    std::uint64_t stats_rounds = 0;
};

struct DataplaneSettings {
    std::vector<std::shared_ptr<io::Port>> ports;  // by PortId
    std::vector<unsigned> worker_cores;            // worker w uses queue w of every port
    unsigned stats_core = 0;
    bool busy = false;                  // poll without ever sleeping
    engine::EngineSettings engine;      // `worker` is filled in per worker
    std::uint32_t event_ring = 8192;    // records per worker
    std::uint32_t request_ring = 1024;  // likewise, of what was asked for inside of connections
    io::FramePool* frames = nullptr;    // for resets; null: none are sent. Outlives the dataplane
    std::uint32_t census_ring = 512;    // connections per worker that were found and not yet taken
    std::uint32_t drop_ring = 1024;     // copies of dropped packets per worker that were not yet taken
    std::chrono::milliseconds swap_timeout{500};
    // How long a connection is kept (Existing::kKeep) by the judgement of a generation that was superseded, from that
    // moment on; absent: for as long as it lives.
    std::optional<Nanos> existing_grace = std::chrono::hours(24);
    std::chrono::milliseconds stats_interval{100};
};

class Dataplane {
public:
    // `first` is in force before the first packet is polled.
    [[nodiscard]] static Result<std::unique_ptr<Dataplane>> start(DataplaneSettings settings,
                                                                  std::shared_ptr<const ruleset::Ruleset> first,
                                                                  Launcher& launcher, EventSink& sink);
    virtual ~Dataplane() = default;

    // Returns when every worker uses `next` and the old generation's counters are collected. kUnavailable when a worker
    // did not answer within swap_timeout: then the worker is named, the previous generation is put back in force for
    // everyone, and nothing was freed that anyone may still read.
    // Every `next` needs a greater generation number than any handed in before, failed ones included (kConflict): flows
    // remember by its number which generation judged them.
    [[nodiscard]] virtual Status publish(std::shared_ptr<const ruleset::Ruleset> next,
                                         Existing existing = Existing::kRecheck) = 0;

    [[nodiscard]] virtual std::shared_ptr<const ruleset::Ruleset> current() const = 0;

    // Counters as of now: they are collected once more for the answer.
    [[nodiscard]] virtual Snapshot snapshot() = 0;

    // Signs of life; waits for nobody.
    [[nodiscard]] virtual Vitals vitals() const = 0;

    // Walks through the connections of every worker, who look at some of them in each turn, whatever the traffic. Takes
    // as long as the tables are large; whoever asks meanwhile waits for a walk of his own. A worker that makes no step
    // within swap_timeout is named as missing.
    [[nodiscard]] virtual Census census() = 0;

    // By which names addresses are known now, from DNS.
    [[nodiscard]] virtual std::vector<inspect::KnownName> names() const = 0;

    // From now on until the watch is gone the workers hand over copies of what they drop, the first `bytes` of each.
    // kUnavailable when too many look already, or the dataplane has stopped. A watch may outlive the dataplane; then it
    // has ended.
    [[nodiscard]] virtual Result<std::unique_ptr<DropWatch>> watch_drops(std::size_t bytes) = 0;

    // Workers finish the burst in hand and stop polling; the stats core drains every ring. Idempotent.
    virtual void stop() = 0;
};

}  // namespace drywall::runtime
