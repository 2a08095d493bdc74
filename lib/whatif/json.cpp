#include "drywall/whatif/json.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amount_json.h"
#include "drywall/explain/protocols.h"
#include "drywall/runtime/counts_json.h"

namespace drywall::whatif {

namespace {

Json world_json(const Amount& allowed, const Amount& denied) {
    return {{"allowed", amount_json(allowed)}, {"denied", amount_json(denied)}};
}

Json time_json(Nanos since_1970) {
    return time_text(WallTime(std::chrono::floor<std::chrono::milliseconds>(since_1970)));
}

Json hits_json(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits) {
    Json out = Json::array();
    for (const HitId hit : hits)
        out.push_back({{"text", std::to_string(out.size()) + '|' + ruleset.hit(hit).text()},
                       {"kind", ruleset::name(ruleset.hit(hit).kind)},
                       {"direction", name(ruleset.hit(hit).direction)}});
    return out;
}

void add_party(Json& flow, const std::string& side, const net::Address& address, const ruleset::Ruleset& ruleset) {
    const ruleset::EndpointInfo* endpoint = ruleset.endpoint_of(address);
    flow[side + "_name"] = endpoint == nullptr ? std::string() : endpoint->id.name;
    flow[side + "_namespace"] = endpoint == nullptr ? std::string() : endpoint->id.ns;
    flow[side + "_ip"] = address.text();
}

Json flow_json(const ruleset::Ruleset& ruleset, const net::Address& source, const net::Address& destination,
               std::uint8_t protocol, std::uint16_t port, TraceId trace) {
    const ruleset::TraceVerdict& verdict = ruleset.verdict(trace);
    Json out;
    out["action"] = name(verdict.enforced);
    out["pending_action"] = name(verdict.pending);
    add_party(out, "source", source, ruleset);
    add_party(out, "dest", destination, ruleset);
    out["protocol"] = explain::protocol_name(protocol);
    out["dest_port"] = net::has_ports(protocol) ? port : std::uint16_t{0};
    if (net::is_icmp(protocol)) {
        out["icmp_type"] = port >> 8U;
        out["icmp_code"] = port & 0xffU;
    }
    out["policies"] = {{"enforced", hits_json(ruleset, ruleset.trace(trace).enforced_hits)},
                       {"pending", hits_json(ruleset, ruleset.trace(trace).pending_hits)}};
    Json responsible = Json::array();
    for (const ruleset::PolicyRef& policy : ruleset.responsible(trace)) responsible.push_back(policy.text());
    out["responsible"] = std::move(responsible);
    return out;
}

void add_traffic(Json& flow, std::uint64_t connections, const telemetry::PacketsBytes& forward,
                 const telemetry::PacketsBytes& reverse) {
    flow["num_connections_started"] = connections;
    flow["packets_out"] = forward.packets;
    flow["bytes_out"] = forward.bytes;
    flow["packets_in"] = reverse.packets;
    flow["bytes_in"] = reverse.bytes;
}

Json flows_json(const ReplayReport& report, const ruleset::Ruleset& ruleset, Listed listed) {
    Json out = Json::array();
    for (const ReplayedFlow& flow : report.flows) {
        const ruleset::TraceVerdict& verdict = ruleset.verdict(flow.trace);
        if (listed == Listed::kDiffering && verdict.enforced == verdict.pending) continue;
        Json one = flow_json(ruleset, flow.source, flow.destination, flow.protocol, flow.destination_port, flow.trace);
        one["start_time"] = time_json(flow.first);
        one["last_start_time"] = time_json(flow.last);
        add_traffic(one, flow.connections, flow.forward, flow.reverse);
        out.push_back(std::move(one));
    }
    return out;
}

// Of a record in which nothing stands of what the connection said.
std::string_view outcome_name(explain::Outcome outcome) {
    return outcome == explain::Outcome::kDepends ? "undecided" : name(outcome);
}

Json example_json(const ReplayedRequest& request) {
    return {{"kind", name(request.kind)},
            {"method", request.method},
            {"host", request.host},
            {"path", request.path},
            {"source_ip", request.source.text()},
            {"dest_ip", request.destination.text()},
            {"dest_port", request.destination_port}};
}

std::string decider(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits) {
    return hits.empty() ? std::string() : ruleset.hit(hits.back()).text();
}

// Denied ones and those on which the worlds differ, or all; all are counted.
Json requests_json(const ReplayReport& report, const ruleset::Ruleset& ruleset, Listed listed) {
    std::map<std::string, std::uint64_t> counts{{"enforced_allowed", 0}, {"enforced_denied", 0}, {"pending_allowed", 0},
                                                {"pending_denied", 0},   {"newly_denied", 0},    {"newly_allowed", 0}};
    Json groups = Json::array();
    for (const ReplayedRequests& group : report.requests) {
        const ruleset::TraceVerdict& verdict = ruleset.verdict(group.trace);
        const bool differs = verdict.enforced != verdict.pending;
        counts[verdict.enforced == Verdict::kAllow ? "enforced_allowed" : "enforced_denied"] += group.count;
        counts[verdict.pending == Verdict::kAllow ? "pending_allowed" : "pending_denied"] += group.count;
        if (differs) counts[verdict.pending == Verdict::kDeny ? "newly_denied" : "newly_allowed"] += group.count;
        if (listed == Listed::kDiffering && !differs && verdict.enforced == Verdict::kAllow) continue;
        const classify::Trace& trace = ruleset.trace(group.trace);
        Json responsible = Json::array();
        for (const ruleset::PolicyRef& policy : ruleset.responsible(group.trace)) responsible.push_back(policy.text());
        Json examples = Json::array();
        for (const ReplayedRequest& request : group.examples) examples.push_back(example_json(request));
        groups.push_back({{"action", name(verdict.enforced)},
                          {"pending_action", name(verdict.pending)},
                          {"enforced_by", decider(ruleset, trace.enforced_hits)},
                          {"pending_by", decider(ruleset, trace.pending_hits)},
                          {"responsible", std::move(responsible)},
                          {"requests", group.count},
                          {"examples", std::move(examples)}});
    }
    Json out = counts;
    out["groups"] = std::move(groups);
    return out;
}

Json captures_json(const std::vector<ReplayedCapture>& captures) {
    Json out = Json::array();
    for (const ReplayedCapture& capture : captures)
        out.push_back({{"name", capture.name},
                       {"link_type", capture.link_type},
                       {"packets", capture.packets},
                       {"damage", capture.damage ? capture.damage->text() : std::string()}});
    return out;
}

Json recording_json(const CaptureReplay& replay) {
    const ReplayReport& report = replay.report;
    return {{"captures", captures_json(replay.captures)},
            {"tap", replay.tap},
            {"first", time_json(report.first)},
            {"last", time_json(report.last)},
            {"cut", report.cut},
            {"cut_unjudged", report.cut_unjudged},
            {"time_went_back", report.time_went_back}};
}

}  // namespace

Json json_of(const CaptureReplay& replay, const ruleset::Ruleset& ruleset, Listed listed) {
    const ReplayReport& report = replay.report;
    const Comparison& judged = report.judged;
    const runtime::Snapshot& counted = report.counted;
    return {{"compared_with", "enforced"},
            {"recording", recording_json(replay)},
            {"enforced", world_json(judged.enforced_allowed, judged.enforced_denied)},
            {"pending", world_json(judged.pending_allowed, judged.pending_denied)},
            {"newly_denied", amount_json(judged.newly_denied)},
            {"newly_allowed", amount_json(judged.newly_allowed)},
            {"connections_exact", report.connections_exact},
            {"received", runtime::json_of(counted.received)},
            {"transmitted", runtime::json_of(counted.transmitted)},
            {"non_ip_passed", runtime::json_of(counted.non_ip_passed)},
            {"neighbour_discovery_passed", runtime::json_of(counted.neighbour_discovery_passed)},
            {"related_passed", runtime::json_of(counted.related_passed)},
            {"judged", runtime::json_of(counted.judged)},
            {"enforced_allowed", runtime::json_of(counted.enforced_allowed)},
            {"enforced_denied", runtime::json_of(counted.enforced_denied)},
            {"unmatched", runtime::json_of(counted.unmatched)},
            {"drops", runtime::json_of(counted.drops)},
            {"rules", runtime::json_of(counted.rules)},
            {"staged", runtime::json_of(counted.staged)},
            {"disagreements", runtime::json_of(counted.disagreements)},
            {"requests", requests_json(report, ruleset, listed)},
            {"flows", flows_json(report, ruleset, listed)},
            {"flows_left_out", report.flows_left_out}};
}

Json json_of(const FlowReplay& replay, const ruleset::Ruleset& ruleset, Listed listed) {
    Json flows = Json::array();
    for (const RejudgedFlow& flow : replay.flows) {
        const RecordedFlow& recorded = flow.recorded;
        if (listed == Listed::kDiffering && !flow.differs()) continue;
        Json one = flow_json(ruleset, recorded.source, recorded.destination, recorded.protocol,
                             recorded.destination_port, flow.trace);
        one["action"] = outcome_name(flow.enforced);
        one["pending_action"] = outcome_name(flow.pending);
        one["recorded_action"] = name(recorded.action);
        one["uncertain"] = flow.uncertain;
        one["start_time"] = recorded.first ? time_text(*recorded.first) : std::string();
        one["end_time"] = recorded.last ? time_text(*recorded.last) : std::string();
        add_traffic(one, recorded.connections, recorded.forward, recorded.reverse);
        flows.push_back(std::move(one));
    }
    const Comparison& judged = replay.judged;
    return {{"compared_with", "recorded"},
            {"recorded", world_json(replay.recorded_allowed, replay.recorded_denied)},
            {"enforced", world_json(judged.enforced_allowed, judged.enforced_denied)},
            {"pending", world_json(judged.pending_allowed, judged.pending_denied)},
            {"newly_denied", amount_json(replay.pending_newly_denied)},
            {"newly_allowed", amount_json(replay.pending_newly_allowed)},
            {"enforced_newly_denied", amount_json(replay.enforced_newly_denied)},
            {"enforced_newly_allowed", amount_json(replay.enforced_newly_allowed)},
            {"uncertain", amount_json(replay.uncertain)},
            {"undecided", amount_json(replay.undecided)},
            {"flows", std::move(flows)},
            {"flows_left_out", replay.flows_left_out}};
}

}  // namespace drywall::whatif
