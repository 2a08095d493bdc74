// FlowIntake: event records in, groups, connections and intervals out. The whole of what FlowLog keeps, without its
// lock.
//
// Threads: none of its own; FlowLog's mutex guards it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "connections.h"
#include "decisions.h"
#include "drywall/observe/flow_log.h"
#include "flow_groups.h"
#include "losses.h"

namespace drywall::observe {

class FlowIntake {
public:
    FlowIntake(const FlowLogSettings& settings, FlowLog::WallClock now);

    void take(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);
    void lose(std::uint64_t records);

    [[nodiscard]] const FlowGroups& groups() const noexcept { return groups_; }
    [[nodiscard]] const Connections& connections() const noexcept { return connections_; }
    [[nodiscard]] const Losses& losses() const noexcept { return losses_; }
    [[nodiscard]] const std::string& port_name(std::uint16_t port) const;
    [[nodiscard]] WallTime began() const noexcept { return began_; }

    // Intervals in memory, oldest first; the last one is the interval in the making, as far as it has come.
    [[nodiscard]] std::vector<std::shared_ptr<const FlowInterval>> recent() const;
    [[nodiscard]] std::uint64_t first_in_memory() const noexcept;
    [[nodiscard]] std::uint64_t unrecorded() const noexcept { return unrecorded_; }

    void hold_for_recorder(bool hold) noexcept { recorded_ = hold; }
    [[nodiscard]] std::vector<std::shared_ptr<const FlowInterval>> take_intervals(bool anyway);
    void not_recorded(std::uint64_t records) noexcept { unrecorded_ += records; }

private:
    using Group = FlowGroups::Group;

    void opened(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);
    void denied(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);
    void rejudged(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);
    void progressed(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);
    void ended(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);
    void cut(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);

    // The group in which the event counts, by the trace that it names.
    Group& group_of(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);
    // The group in which the connection is counted; made again where it was forgotten.
    Group& group_of(Connection& connection);
    Group& add_group(GroupKey key, std::shared_ptr<const Party> source, std::shared_ptr<const Party> destination);
    void describe(Group& group, const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset);

    Connection& track(const telemetry::FlowEvent& event, Group& group);
    // Counts what the connection's counters grew by since its last record; completed: it is over.
    void count_growth(Connection& connection, const telemetry::FlowEvent& event, bool completed);
    void leave(const Connection& connection);
    void forget_oldest_connections();

    [[nodiscard]] WallTime time() const { return now_; }
    void close_interval_when_due();
    void close_interval();
    void make_room_for_intervals();

    const FlowLogSettings settings_;
    FlowLog::WallClock clock_;
    WallTime now_;  // of the event at hand
    WallTime began_;
    Decisions decisions_;
    Parties parties_;
    FlowGroups groups_;
    Connections connections_;
    Losses losses_;
    std::vector<std::string> port_names_;

    std::deque<std::shared_ptr<const FlowInterval>> intervals_;
    std::size_t interval_records_ = 0;  // in intervals_
    std::uint64_t last_number_ = 0;
    WallTime interval_begin_;  // of the one in the making
    std::uint64_t interval_lost_ = 0;
    bool recorded_ = false;    // somebody takes intervals
    std::uint64_t taken_ = 0;  // number of the last one taken
    std::uint64_t unrecorded_ = 0;
};

}  // namespace drywall::observe
