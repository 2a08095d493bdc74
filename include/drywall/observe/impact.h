// Impact: what promoting staged policies would do to connections that were recorded. Every recorded group is put to the
// ruleset as it is and to the ruleset as it would be; what they decide otherwise is added up, with who, to whom, since
// when.
//
// Threads: pure functions over values and immutable rulesets.
// Exact:   for what was recorded. Where records were lost or groups forgotten, all numbers are lower bounds; a group
//          whose source port or port of entry would decide is counted as uncertain, and as nothing else. So is one that
//          rules ask what it said, where neither its own record nor those of its requests tell.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/observe/flow_log.h"
#include "drywall/observe/request_impact.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::observe {

struct ImpactCount {
    std::uint64_t groups = 0;
    std::uint64_t connections = 0;  // of denied groups: packets that asked for one
    std::uint64_t live = 0;         // of these, still open as far as records tell
    telemetry::PacketsBytes traffic;
    std::optional<std::chrono::system_clock::time_point> first_seen;
    std::optional<std::chrono::system_clock::time_point> last_seen;
};

struct ImpactGroup {
    FlowGroup flow;
    Effect effect = Effect::kUncertain;
    std::string now_by;  // the hit that decides
    std::string then_by;
};

struct Impact {
    ImpactCount observed;  // everything that was looked at
    ImpactCount matched;   // decided by what `matched_by` names, in one of the two
    ImpactCount newly_denied;
    ImpactCount newly_allowed;
    ImpactCount uncertain;
    std::vector<ImpactGroup> groups;  // newly denied first, then by connections; at most `limit`
    std::size_t left_out = 0;
    RequestImpact requests;  // inside of connections

    [[nodiscard]] const ImpactCount& count(Effect effect) const noexcept;
};

[[nodiscard]] Impact rehearse(std::span<const FlowGroup> groups, const Rehearsal& rehearsal, std::size_t limit,
                              const RequestEvidence& asked = {});

// Groups of `known` with open connections that are not among `seen` join them, their open connections counted as if
// they had been opened now: a promotion meets them, however long ago they were heard of.
void add_open(std::vector<FlowGroup>& seen, std::span<const FlowGroup> known);

// How long there was somebody to look: since then by the wall clock, which the records carry, and never longer than
// `steadily`, by the clock that nobody can set.
[[nodiscard]] std::chrono::seconds observed_for(WallTime since, WallTime now, Nanos steadily);

// What has to be so before a promotion is called safe.
struct CheckLimits {
    std::chrono::seconds min_time = std::chrono::hours(24);
    std::uint64_t min_connections = 1000;
};

enum class Safety : std::uint8_t { kSafe, kNotSafe, kNotEnoughEvidence };
[[nodiscard]] std::string_view name(Safety safety) noexcept;  // "SAFE", "NOT SAFE", "NOT ENOUGH EVIDENCE"

struct Evidence {
    Impact impact;
    std::chrono::seconds observed_for{0};       // since the last edit of the policy or of anything above it
    std::uint64_t lost = 0;                     // records since then
    std::uint64_t forgotten = 0;                // groups
    std::vector<std::uint64_t> acknowledged{};  // ids of groups that may be denied
    // Open connections that would be cut, though no record of theirs foretells it.
    std::uint64_t open_unforeseen = 0;
    std::string open_missing{};  // whose open connections are not known; empty: nobody's
    // What else speaks against it, whatever was seen: "the path by which you manage the appliance would be denied".
    std::vector<std::string> objections{};
};

struct Judgement {
    Safety safety = Safety::kNotEnoughEvidence;
    std::vector<std::string> reasons;  // what speaks against it, or is missing; empty: safe
    std::uint64_t acknowledged = 0;    // groups that would be denied, and may be
    // Requests that would be denied, and are not of an acknowledged group.
    std::uint64_t would_deny_requests = 0;
};

[[nodiscard]] Judgement judge(const Evidence& evidence, const CheckLimits& limits);

}  // namespace drywall::observe
