// Trace query: what would happen to a connection, answered by the classifier that the packets use, in both worlds.
//
// Threads: pure functions over an immutable ruleset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/explain/walk.h"
#include "drywall/net/packet_meta.h"
#include "drywall/reference/connection_facts.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

// The source port of questions that name none: the first one that systems choose by themselves (RFC 6335).
inline constexpr std::uint16_t kEphemeralPort = 49152;

// Source and destination are addresses or names of endpoints: "10.0.0.5", "web-1", "workloadendpoint/prod/web-1".
struct TraceQuery {
    std::uint8_t protocol = net::protocol::kTcp;
    std::string source;
    std::string destination;
    std::uint16_t source_port = kEphemeralPort;
    std::uint16_t destination_port = 0;  // ICMP: type << 8 | code
    std::string ingress_port;            // empty: every port of the appliance
    reference::ConnectionFacts facts;    // what it shows of itself; rules that ask for more do not match
};

struct TraceHit {
    std::string step;  // "ingress port", "egress of the source", "ingress of the destination", "egress port", ...
    std::string text;  // "0|default|gnp:web|allow|0"; counted from 0 in each step
    std::string kind;  // name(HitKind)
    std::string action;
    bool staged = false;
    std::vector<std::string> armed_by;  // of an end-of-tier default: the policies that made the tier answer
};

// One decision, and the ports of entry for which it is the answer.
struct TraceDecision {
    std::vector<std::string> ingress_ports;
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    DropReason reason = DropReason::kNone;
    bool unmatched = false;
    std::vector<TraceHit> enforced_hits;
    std::vector<TraceHit> pending_hits;
    std::vector<WalkedStep> enforced_walk;  // empty when explain() was given no inventory
    std::vector<WalkedStep> pending_walk;
    std::vector<std::string> responsible;  // staged policies to which the difference is owed
    // Rules that match only if the connection shows what they ask for: "default|gnp:web|allow|0: GET of /shop/..."
    std::vector<std::string> depends_on;
};

struct TraceAnswer {
    Generation generation{};
    net::Tuple tuple;  // ingress_port is meaningless
    std::string source_name;
    std::string destination_name;
    std::vector<TraceDecision> decisions;  // one, unless the port of entry makes a difference
};

// kInvalid: an address or port that is none; kNotFound: an endpoint or appliance port that is not declared.
// `inventory`: what the ruleset was built from; with it, the answer tells every rule that was walked.
[[nodiscard]] Result<TraceAnswer> explain(const ruleset::Ruleset& ruleset, const TraceQuery& query,
                                          const policy::Inventory* inventory = nullptr);

}  // namespace drywall::explain
