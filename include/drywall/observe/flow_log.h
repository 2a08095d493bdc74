// FlowLog: connections as people ask for them. Events become groups (same source, destination, protocol, destination
// port, and same decisions in both worlds), bounded in number, with what was lost always beside them. What every group
// counted in every second is kept too: the last ones here, older ones in an archive.
//
// Threads: the stats core writes through on_event(), a recorder takes intervals; any thread reads. One mutex, held for
//          short. Nothing here touches a disk while it is held.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drywall/observe/flow_filter.h"
#include "drywall/observe/flow_group.h"
#include "drywall/observe/flow_interval.h"
#include "drywall/observe/flow_page.h"
#include "drywall/observe/request_log.h"
#include "drywall/runtime/dataplane.h"

namespace drywall::observe {

struct FlowQuery {
    std::optional<Verdict> enforced = {};
    std::optional<Verdict> pending = {};
    bool only_differing = false;
    std::uint64_t after_sequence = 0;  // groups that changed since; not with a span
    std::size_t limit = 1000;
    bool latest =
        false;  // of more than `limit` groups those that changed last; otherwise the first ones, to go on from
    FlowFilter filter = {};
    // With one of them the answer counts what happened in this span alone, out of memory and archive, to the second
    // (older than an hour: to the minute). Without, what happened since a group was first seen.
    std::optional<WallTime> since = {};
    std::optional<WallTime> until = {};
    // A page of `limit` groups of the span that stands in the cursor.
    std::optional<PageCursor> page = {};
};

struct FlowAnswer {
    std::vector<FlowGroup> groups;  // by sequence, ascending; of a span: by last_seen; of a page: by place
    std::uint64_t next_sequence = 0;
    std::uint64_t lost = 0;     // event records that found a ring full; of a span: those in it
    std::uint64_t evicted = 0;  // groups forgotten to make room
    // Of a follower: groups that changed after its cursor and were forgotten before it asked, at most so many.
    std::uint64_t missed = 0;
    std::uint64_t unrecorded = 0;                  // records that no archive took, ever
    std::uint64_t left_out = 0;                    // of a span: records that did not fit in one answer
    std::optional<WallTime> reaches_back_to = {};  // of a span that begins before what is still known
    std::optional<PageCursor> next_page = {};      // of a page that is not the last one
    std::string archive_trouble = {};              // why the archive is not read or written; empty when all is well
};

// Where records go that memory does not hold any more.
class FlowArchive {
public:
    virtual ~FlowArchive() = default;
    // Hands every stored interval that overlaps [since, until) to `take`, oldest first, except those that this run
    // wrote under a number of `first_in_memory` or more. False from `take` ends it.
    virtual void read(WallTime since, WallTime until, std::uint64_t first_in_memory,
                      const std::function<bool(const FlowInterval&)>& take) const = 0;
    virtual std::optional<WallTime> oldest() const = 0;
    virtual std::string trouble() const = 0;  // empty when all is well
};

struct FlowLogSettings {
    // Beyond `max_groups` the group that has been quiet for longest is forgotten (counted as evicted); beyond
    // `max_connections` the oldest connection is no longer counted as live.
    std::size_t max_groups = 65536;
    std::size_t max_connections = 262144;
    std::size_t max_recent_records = 131072;  // of the last seconds, in memory
    std::chrono::milliseconds grain{1000};    // length of an interval
};

class FlowLog final : public runtime::EventSink {
public:
    using WallClock = std::function<WallTime()>;

    explicit FlowLog(std::size_t max_groups = 65536, std::size_t max_connections = 262144, WallClock now = {});
    explicit FlowLog(const FlowLogSettings& settings, WallClock now = {});
    ~FlowLog() override;

    void on_event(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset) override;
    void on_request(const telemetry::Request& request, const ruleset::Ruleset* ruleset) override;
    void on_lost(std::uint64_t records) override;

    // What was asked for inside of connections.
    [[nodiscard]] const RequestLog& requests() const noexcept { return requests_; }

    [[nodiscard]] FlowAnswer query(const FlowQuery& query) const;
    // Waits until something changed after `query.after_sequence`, or `timeout` passed; then as query(). Not for spans.
    [[nodiscard]] FlowAnswer wait(const FlowQuery& query, std::chrono::milliseconds timeout) const;

    // From now on spans are read from there too. Null: from memory alone. `archive` outlives its use here.
    void set_archive(const FlowArchive* archive);

    // The recorder's: closes the interval in the making if its time has come (or `anyway`), and hands over what it has
    // not taken yet, oldest first. What memory had to let go before it was taken is counted as unrecorded.
    [[nodiscard]] std::vector<std::shared_ptr<const FlowInterval>> take_intervals(bool anyway = false);
    void not_recorded(std::uint64_t records);  // taken, but nobody could keep them
    [[nodiscard]] std::uint64_t first_interval_in_memory() const;

    // Likewise, of what was asked for inside of connections; kept for somebody who takes it as long as it is held.
    void hold_requests(bool hold) { requests_.hold_for_recorder(hold); }
    [[nodiscard]] RequestLog::Taken take_requests();

private:
    [[nodiscard]] FlowAnswer query_span(const FlowQuery& query) const;

    WallClock clock_;
    RequestLog requests_;

    class State;
    std::unique_ptr<State> state_;
};

// Marks groups that `current` would decide otherwise than the generation that judged them: Doubt::kPolicyChanged.
void mark_changed(std::vector<FlowGroup>& groups, const ruleset::Ruleset& current);

}  // namespace drywall::observe
