// RequestImpact: what promoting staged policies would do to what was asked for inside of connections: every recorded
// request is put to the ruleset as it is and to the ruleset as it would be.
//
// Threads: a RequestEvidence never changes once made; a RequestRehearser is one thread's.
// Exact:   for what was recorded, verbatim. By which names an address was known when a request was made is not
// recorded:
//          where it could make a difference, and where a text was cut or a stream not readable, it is uncertain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/explain/semantic_diff.h"
#include "drywall/inspect/name_cache.h"
#include "drywall/net/address.h"
#include "drywall/observe/request_log.h"
#include "drywall/reference/connection_facts.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::observe {

enum class Effect : std::uint8_t { kNewlyDenied, kNewlyAllowed, kUncertain };
[[nodiscard]] std::string_view name(Effect effect) noexcept;

// What is compared: what is enforced now, and what would be.
struct Rehearsal {
    explain::Regime now;
    explain::Regime then;
    // In combination with other staged policies: only what is owed to this one. Absent: every difference.
    std::optional<ruleset::PolicyRef> owed_to;
    // Whose decisions are counted as matched: the staged policy, and the enforced one that it becomes.
    std::vector<ruleset::PolicyRef> matched_by;
};

// What a connection has shown that asked for this, so that it is put to a ruleset as it was sent: `path` is normalised.
[[nodiscard]] reference::ConnectionFacts facts_of(telemetry::RequestKind kind, std::string_view method,
                                                  std::string_view host, std::string_view path);

// What was asked for, and what is known of it besides.
struct RequestEvidence {
    std::vector<RequestRecord> requests;     // in the order in which they were recorded
    std::vector<inspect::KnownName> names;   // by which addresses are known now
    std::optional<WallTime> complete_since;  // every request since then is among them; absent: of none that is known
};

struct ImpactRequest {
    RequestRecord request;
    Effect effect = Effect::kUncertain;
    std::string now_by;  // the hit that decides
    std::string then_by;
};

struct RequestImpact {
    std::uint64_t observed = 0;  // that were looked at; the next three are among them
    std::uint64_t newly_denied = 0;
    std::uint64_t newly_allowed = 0;
    std::uint64_t uncertain = 0;
    bool complete = false;                // nothing that was asked is missing
    std::vector<ImpactRequest> affected;  // newly denied first, then the newest
};

class RequestRehearser {
public:
    // Both outlive it.
    RequestRehearser(const Rehearsal& rehearsal, const RequestEvidence& evidence);
    ~RequestRehearser();

    // Absent: it is decided as it is now.
    [[nodiscard]] std::optional<ImpactRequest> look_at(const RequestRecord& request);

    // What requests tell of a group of connections whose addresses and ports do not: the worst that would happen to any
    // of them, kUncertain where not all connections are known to have asked. Absent: nothing would.
    [[nodiscard]] std::optional<ImpactRequest> look_at(const FlowRecord& group);

    [[nodiscard]] RequestImpact impact();

private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace drywall::observe
