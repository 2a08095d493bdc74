#include "drywall/explain/trace.h"

#include <algorithm>

#include "conditions.h"
#include "names.h"

namespace drywall::explain {

namespace {

using ruleset::HitDescriptor;
using ruleset::Ruleset;

Result<std::vector<std::size_t>> lanes_of(const Ruleset& ruleset, const std::string& port) {
    const std::vector<std::string>& names = ruleset.surroundings().port_names;
    std::vector<std::size_t> lanes;
    std::string known;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (port.empty() || names[i] == port) lanes.push_back(i);
        known += (known.empty() ? "" : ", ") + names[i];
    }
    if (lanes.empty())
        return Error::of(ErrorKind::kNotFound, "the appliance has no port '" + port + "'", "its ports are: " + known);
    return lanes;
}

// Calico numbers the hits of one endpoint and direction, and has no Log among them: a Log stands with the number of
// what comes behind it.
std::vector<TraceHit> hits_of(const Ruleset& ruleset, const std::vector<HitId>& ids) {
    std::vector<TraceHit> out;
    std::size_t position = 0;
    for (const HitId id : ids) {
        const HitDescriptor& hit = ruleset.hit(id);
        std::string step = step_of(hit);
        if (!out.empty() && out.back().step != step) position = 0;
        TraceHit shown{.step = std::move(step),
                       .text = std::to_string(position) + '|' + hit.text(),
                       .kind = std::string(ruleset::name(hit.kind)),
                       .action = std::string(name(hit.action)),
                       .staged = hit.policy && hit.policy->staged,
                       .armed_by = {}};
        for (const ruleset::PolicyRef& policy : hit.armed_by) shown.armed_by.push_back(policy.text());
        out.push_back(std::move(shown));
        if (hit.action != Action::kLog) ++position;
    }
    return out;
}

TraceDecision decision_of(const Ruleset& ruleset, TraceId id) {
    const classify::Trace& trace = ruleset.trace(id);
    TraceDecision out;
    out.enforced = trace.enforced;
    out.pending = trace.pending;
    out.reason = ruleset.verdict(id).reason;
    out.unmatched = trace.unmatched;
    out.enforced_hits = hits_of(ruleset, trace.enforced_hits);
    out.pending_hits = hits_of(ruleset, trace.pending_hits);
    for (const ruleset::PolicyRef& policy : ruleset.responsible(id)) out.responsible.push_back(policy.text());
    return out;
}

// Of both worlds, in the order in which they are asked.
std::vector<std::string> conditions_of(const Ruleset& ruleset, TraceId undecided) {
    std::vector<std::string> out;
    const classify::Trace& trace = ruleset.undecided_trace(undecided);
    for (const auto* hits : {&trace.enforced_hits, &trace.pending_hits})
        for (const HitId id : *hits) {
            if (!classify::is_conditional(id)) continue;
            const HitDescriptor& hit = ruleset.hit(id);
            std::string text = hit.text() + ": " + condition_text(ruleset.condition(*hit.condition));
            if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
        }
    return out;
}

Result<net::Tuple> tuple_of(const TraceQuery& query, const net::Address& from, const net::Address& to) {
    net::Tuple tuple;
    tuple.source = from.bytes;
    tuple.destination = to.bytes;
    tuple.family = from.family;
    tuple.protocol = query.protocol;
    if (tuple.protocol == net::protocol::kIcmp && tuple.family == net::Family::kIPv6)
        tuple.protocol = net::protocol::kIcmpv6;
    if (tuple.protocol == net::protocol::kIcmpv6 && tuple.family == net::Family::kIPv4)
        return Error::of(ErrorKind::kInvalid, "ICMPv6 travels over IPv6 only", "ask for icmp");
    if (net::has_ports(tuple.protocol)) {
        if (query.destination_port == 0)
            return Error::of(ErrorKind::kInvalid, "a destination port is needed for this protocol",
                             "write it after the destination: 10.1.0.9:443, [2001:db8::1]:443");
        tuple.source_port = query.source_port;
        tuple.destination_port = query.destination_port;
    }
    if (net::is_icmp(tuple.protocol)) tuple.destination_port = query.destination_port;
    return tuple;
}

}  // namespace

Result<TraceAnswer> explain(const Ruleset& ruleset, const TraceQuery& query, const policy::Inventory* inventory) {
    const EndpointNames names(ruleset, inventory);
    const Result<Side> source = side_of(ruleset, names, query.source);
    if (!source) return source.error();
    const Result<Side> destination = side_of(ruleset, names, query.destination);
    if (!destination) return destination.error();
    const auto pair = common_family(*source, *destination);
    if (!pair) return pair.error();
    const Result<std::vector<std::size_t>> lanes = lanes_of(ruleset, query.ingress_port);
    if (!lanes) return lanes.error();
    Result<net::Tuple> tuple = tuple_of(query, pair->first, pair->second);
    if (!tuple) return tuple.error();

    TraceAnswer answer{ruleset.generation(), *tuple, source->name, destination->name, {}};
    std::optional<policy::CalicoView> view;
    if (inventory != nullptr) view = policy::calico_view(*inventory);
    inspect::ConditionWorkspace workspace;
    if (ruleset.inspects())
        if (Status status = workspace.grow_for(ruleset.conditions()); !status) return status.error();
    std::vector<TraceId> seen;
    for (const std::size_t lane : *lanes) {
        tuple->ingress_port = static_cast<std::uint16_t>(lane);
        const TraceId classified = ruleset.classify(*tuple);
        const bool depends = ruleset.verdict(classified).inspection != ruleset::Inspection::kNone;
        const TraceId id = depends ? ruleset.resolve(classified, query.facts, workspace) : classified;
        const auto same = std::find_if(seen.begin(), seen.end(),
                                       [&](TraceId other) { return ruleset.trace(other) == ruleset.trace(id); });
        const auto place = static_cast<std::size_t>(same - seen.begin());
        if (same == seen.end()) {
            seen.push_back(id);
            answer.decisions.push_back(decision_of(ruleset, id));
            TraceDecision& decision = answer.decisions.back();
            if (depends) decision.depends_on = conditions_of(ruleset, classified);
            if (view) {
                const classify::Trace& trace = ruleset.trace(id);
                decision.enforced_walk = walked(ruleset, *view, *tuple, false, trace.enforced_hits);
                decision.pending_walk = walked(ruleset, *view, *tuple, true, trace.pending_hits);
            }
        }
        answer.decisions[place].ingress_ports.push_back(ruleset.surroundings().port_names[lane]);
    }
    return answer;
}

}  // namespace drywall::explain
