// FlowLog: connections as people ask for them. Events become groups (same source, destination, protocol, destination
// port, and same decisions in both worlds), bounded in number, with what was lost always beside them.
//
// Threads: the stats core writes through on_event(); any thread reads. One mutex, held for short.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drywall/runtime/dataplane.h"

namespace drywall::observe {

struct FlowGroup {
    std::uint64_t id = 0;        // stays while the group lives; never used again
    std::uint64_t sequence = 0;  // grows with every change of any group: the cursor for following
    net::Address source;
    net::Address destination;
    std::string source_name;  // endpoint's text, or empty
    std::string destination_name;
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;  // ICMP: type << 8 | code
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    std::vector<std::string> enforced_hits;  // HitDescriptor::text, position in front: "0|default|gnp:web|allow|0"
    std::vector<std::string> pending_hits;
    Generation generation{};                // that judged it last
    std::uint64_t connections_started = 0;  // for denied groups: denied packets
    std::uint64_t connections_completed = 0;
    std::uint64_t connections_live = 0;
    telemetry::PacketsBytes forward;  // initiator -> responder, of ended connections
    telemetry::PacketsBytes reverse;
    std::chrono::system_clock::time_point first_seen;
    std::chrono::system_clock::time_point last_seen;
};

struct FlowQuery {
    std::optional<Verdict> enforced = {};
    std::optional<Verdict> pending = {};
    bool only_differing = false;
    std::uint64_t after_sequence = 0;  // groups that changed since
    std::size_t limit = 1000;
    bool latest =
        false;  // of more than `limit` groups those that changed last; otherwise the first ones, to go on from
};

struct FlowAnswer {
    std::vector<FlowGroup> groups;  // by sequence, ascending
    std::uint64_t next_sequence = 0;
    std::uint64_t lost = 0;     // event records that found a ring full
    std::uint64_t evicted = 0;  // groups forgotten to make room
};

class FlowLog final : public runtime::EventSink {
public:
    using WallClock = std::function<std::chrono::system_clock::time_point()>;

    // Beyond `max_groups` the group that has been quiet for longest is forgotten (counted as evicted); beyond
    // `max_connections` the oldest connection is no longer counted as live.
    explicit FlowLog(std::size_t max_groups = 65536, std::size_t max_connections = 262144, WallClock now = {});
    ~FlowLog() override;

    void on_event(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset) override;
    void on_lost(std::uint64_t records) override;

    [[nodiscard]] FlowAnswer query(const FlowQuery& query) const;
    // Waits until something changed after `query.after_sequence`, or `timeout` passed; then as query().
    [[nodiscard]] FlowAnswer wait(const FlowQuery& query, std::chrono::milliseconds timeout) const;

private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace drywall::observe
