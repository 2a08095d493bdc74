// Recorded flows: what /v1/flows and `drywall flows -o jsonl` wrote, read back, and judged by a candidate generation.
//
// Threads: pure functions.
// Reading: a JSON object per line, or one answer of /v1/flows. Fields that are not known here are skipped: a newer
//          version may have written them.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/explain/json.h"
#include "drywall/explain/semantic_diff.h"
#include "drywall/net/address.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/whatif/replay.h"

namespace drywall::whatif {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// A group of connections, as it was recorded.
struct RecordedFlow {
    net::Address source;
    net::Address destination;
    std::uint8_t protocol = 0;
    std::uint16_t source_port = 0;       // 0: not recorded, or different ones
    std::uint16_t destination_port = 0;  // ICMP: type << 8 | code
    std::string ingress_port;            // of the appliance, by which the last of them entered; empty: not recorded
    Verdict action = Verdict::kAllow;    // what happened
    std::uint64_t connections = 0;
    telemetry::PacketsBytes forward;
    telemetry::PacketsBytes reverse;
    std::optional<WallTime> first;
    std::optional<WallTime> last;

    [[nodiscard]] Amount amount() const noexcept;
};

// Every complaint of the first kMostComplaints, with its line. `name` is what they call the input.
[[nodiscard]] Result<std::vector<RecordedFlow>> read_recorded_flows(std::istream& in, const std::string& name);
inline constexpr std::size_t kMostComplaints = 20;

// One record; the complaint's place is the caller's to say.
[[nodiscard]] Result<RecordedFlow> recorded_flow(const explain::Json& record);

// "2026-11-22T12:15:07.123Z", with or without the fraction.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);
[[nodiscard]] std::string time_text(WallTime time);
// Such a time, or how long ago: "90s", "15m", "24h", "7d".
[[nodiscard]] std::optional<WallTime> parse_since(std::string_view text, WallTime now);

struct RejudgedFlow {
    RecordedFlow recorded;
    TraceId trace{};         // by the port that was recorded, or the appliance's first
    bool uncertain = false;  // the verdict depends on the port by which it came in, which was not recorded
    // kDepends: on what it said, of which nothing was recorded.
    explain::Outcome enforced = explain::Outcome::kDeny;
    explain::Outcome pending = explain::Outcome::kDeny;

    // From what was recorded: also where it may.
    [[nodiscard]] bool differs() const noexcept;
    [[nodiscard]] bool undecided() const noexcept {
        return enforced == explain::Outcome::kDepends || pending == explain::Outcome::kDepends;
    }
};

struct FlowReplay {
    Amount recorded_allowed;
    Amount recorded_denied;
    Comparison judged;  // by the candidate, without the uncertain and the undecided ones
    // Against what was recorded: in the enforced and in the pending world of the candidate.
    Amount enforced_newly_denied;
    Amount enforced_newly_allowed;
    Amount pending_newly_denied;
    Amount pending_newly_allowed;
    Amount uncertain;
    Amount undecided;  // in one world at least; where the other one decides, it is said above what that comes to
    std::vector<RejudgedFlow> flows;   // that were kept, as they came
    std::uint64_t flows_left_out = 0;  // connections of those that found no room; the amounts have them
};

// Recorded flows that come one after the other.
class FlowRejudge {
public:
    enum class Keep { kDiffering, kAll };  // which flows are told of, at most kMostKept
    static constexpr std::size_t kMostKept = 1'000'000;

    // `ruleset` outlives this.
    FlowRejudge(const ruleset::Ruleset& ruleset, Keep keep, std::size_t most_kept = kMostKept)
        : ruleset_(ruleset), keep_(keep), most_kept_(most_kept) {}
    void add(RecordedFlow flow);
    [[nodiscard]] FlowReplay take() { return std::move(replay_); }

private:
    const ruleset::Ruleset& ruleset_;
    Keep keep_;
    std::size_t most_kept_;
    FlowReplay replay_;
};

[[nodiscard]] FlowReplay rejudge(const ruleset::Ruleset& ruleset, std::vector<RecordedFlow> flows);

// The flow's first packet, as classified. What was not recorded of it: a source port that systems choose by themselves.
[[nodiscard]] net::Tuple first_packet(const RecordedFlow& flow, PortId ingress);

}  // namespace drywall::whatif
