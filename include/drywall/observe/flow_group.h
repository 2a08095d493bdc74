// FlowGroup: connections with the same parties, the same service and the same decisions in both worlds, as one record.
// The names and meanings are those of Calico's flow logs, plus what an appliance on the wire knows besides.
//
// Threads: values; what they share (parties, decisions) never changes.
// Source:  Calico's flow log record, Goldmane's Flow and PolicyHit.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/drop_reason.h"
#include "drywall/base/ids.h"
#include "drywall/base/verdict.h"
#include "drywall/net/address.h"
#include "drywall/net/packet_meta.h"
#include "drywall/policy/metadata.h"
#include "drywall/telemetry/counters.h"

namespace drywall::observe {

using WallTime = std::chrono::system_clock::time_point;

enum class PartyType : std::uint8_t {
    kWorkload,  // "wep": a WorkloadEndpoint or Pod
    kHost,      // "hep"
    kNetwork,   // "net": an address that nobody declared
};
[[nodiscard]] std::string_view name(PartyType type) noexcept;

// Who an address was when the connection was judged.
struct Party {
    PartyType type = PartyType::kNetwork;
    std::string id;  // "workloadendpoint/prod/web-1"; empty for kNetwork, as are the next three
    std::string ns;
    std::string name;
    policy::Labels labels;
    bool operator==(const Party&) const = default;
};

// A policy as hits name it: Goldmane's kinds ("GlobalNetworkPolicy", "CalicoNetworkPolicy", "Profile").
struct HitPolicy {
    std::string kind;
    std::string ns;
    std::string name;
    std::string tier;
    bool operator==(const HitPolicy&) const = default;
};

// One rule or default that took part, taken apart.
struct Hit {
    HitPolicy policy;  // the end of a tier has kind "EndOfTier" and no name: `trigger` is what it is attributed to
    std::string action;
    int policy_index = 0;
    int rule_index = -1;
    std::optional<HitPolicy> trigger;
    std::string text;  // Calico's string: "0|default|gnp:web|allow|0"
    bool operator==(const Hit&) const = default;
};

// A hit by its string. One that is no such string has nothing but its text.
[[nodiscard]] Hit hit_of(std::string text);

// How a connection was decided in both worlds.
struct Decided {
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    DropReason drop_reason = DropReason::kNone;  // kNone when the enforced verdict is allow
    bool known = true;                           // false: the generation that judged was gone, and the hits with it
    std::vector<Hit> enforced_hits;
    std::vector<Hit> pending_hits;
    std::vector<std::string> responsible;  // staged policies to which a difference is owed: "sgnp:web-to-db"
    bool operator==(const Decided&) const = default;
};
using Decision = std::shared_ptr<const Decided>;

// What is counted of one group in one span of time. Cheap to copy: texts are shared.
struct FlowRecord {
    net::Address source;
    net::Address destination;
    std::shared_ptr<const Party> source_party;  // never null; likewise the next two
    std::shared_ptr<const Party> destination_party;
    Decision decision;
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;     // ICMP: type << 8 | code
    std::uint16_t source_port = 0;          // of the last connection
    std::string ingress_port;               // of the appliance, by which the last connection entered
    Generation generation{};                // that judged it last
    std::uint64_t connections_started = 0;  // for denied groups: denied packets
    std::uint64_t connections_completed = 0;
    std::uint64_t connections_live = 0;  // at the end of the span
    telemetry::PacketsBytes forward;     // initiator -> responder
    telemetry::PacketsBytes reverse;
    WallTime first_seen;
    WallTime last_seen;

    FlowRecord();
};

// Why a record may not be what a new connection would meet, or not all that there was.
enum class Doubt : std::uint8_t {
    kNone = 0,
    kHitsUnknown = 1,    // the generation that judged was gone when the record arrived
    kRecordsLost = 2,    // records were lost while this group was seen: its numbers are lower bounds
    kPolicyChanged = 4,  // the generation in force now decides otherwise
};
[[nodiscard]] constexpr Doubt operator|(Doubt a, Doubt b) noexcept {
    return static_cast<Doubt>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(Doubt all, Doubt one) noexcept {
    return (static_cast<unsigned>(all) & static_cast<unsigned>(one)) != 0;
}

struct FlowGroup : FlowRecord {
    std::uint64_t id = 0;  // made of its parties' addresses, its service and its decisions: the same after a restart
    std::uint64_t sequence = 0;  // grows with every change of any group: the cursor for following; 0 in a span's answer
    std::string source_name;     // Party::id
    std::string destination_name;
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    std::vector<std::string> enforced_hits;  // Hit::text
    std::vector<std::string> pending_hits;
    std::uint64_t lost = 0;  // event records of any group, lost while this one was seen
    Doubt doubt = Doubt::kNone;

    FlowGroup() = default;
    explicit FlowGroup(FlowRecord record);  // and what follows from it

    [[nodiscard]] bool uncertain() const noexcept { return doubt != Doubt::kNone; }
};

// What its initiator sends first; of the source ports that of the last connection.
[[nodiscard]] net::Tuple first_packet(const FlowRecord& flow, PortId ingress = {}) noexcept;

// Below 2^53, so that it survives in JSON.
[[nodiscard]] std::uint64_t flow_id(const FlowRecord& record) noexcept;

}  // namespace drywall::observe
