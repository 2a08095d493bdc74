#include "metrics.h"

#include <algorithm>
#include <sstream>

#include <prometheus/text_serializer.h>

#include "drywall/base/drop_reason.h"
#include "drywall/control/safety_net.h"

namespace drywall::control {

namespace {

using runtime::Snapshot;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double timestamp(std::chrono::system_clock::time_point time) { return seconds(time.time_since_epoch()); }

void add_configuration(MetricFamilies& out, const MetricsInput& input) {
    const ruleset::Ruleset& ruleset = *input.state.ruleset;
    out.gauge("drywall_build_info", "What runs; always 1.", 1, {{"version", DRYWALL_VERSION}});
    out.gauge("drywall_uptime_seconds", "Since the control socket was opened.",
              static_cast<double>(input.uptime.count()));
    out.gauge("drywall_dataplane_running", "1 while packets are polled; without it nothing is counted.",
              input.snapshot != nullptr ? 1 : 0);
    out.gauge("drywall_config_generation", "The generation in force.",
              static_cast<double>(index(ruleset.generation())));
    out.gauge("drywall_config_generation_timestamp_seconds", "When it came into force.", timestamp(input.state.since));
    out.counter("drywall_config_load_failures_total",
                "Changes that were asked for over the API and not made: wrong, refused, conflicting, or failed.",
                input.changes_refused);
    out.gauge("drywall_ruleset_bytes", "Memory of its compiled tables.",
              static_cast<double>(ruleset.footprint().table_bytes));
    out.gauge("drywall_ruleset_traces", "Distinct ways of deciding, in both worlds.",
              static_cast<double>(ruleset.footprint().traces));
    std::map<policy::Kind, std::size_t> counts;
    for (const auto& [id, resource] : *input.state.inventory) ++counts[id.kind];
    for (const policy::Kind kind : policy::all_kinds())
        out.gauge("drywall_resources", "Resources by kind.", static_cast<double>(counts[kind]),
                  {{"kind", std::string(policy::name(kind))}});
}

void add_guard(MetricFamilies& out, const GuardView& guard) {
    for (const ConfirmationState why : {ConfirmationState::kExpired, ConfirmationState::kTripped,
                                        ConfirmationState::kWithdrawn, ConfirmationState::kInterrupted}) {
        const auto counted = guard.taken_back.find(why);
        out.counter("drywall_config_rollbacks_total", "Changes that were taken back before they were confirmed.",
                    counted == guard.taken_back.end() ? 0 : counted->second, {{"cause", std::string(name(why))}});
    }
    // Without a change that waits there is no deadline, and no series that an alert could mistake for one.
    if (guard.confirmation == ConfirmationState::kArmed && guard.change)
        out.gauge("drywall_config_confirm_deadline_timestamp_seconds",
                  "When the generation in force is taken back unless it is confirmed.",
                  timestamp(guard.change->deadline.at(guard.now)));
    out.gauge("drywall_safety_open", "1: everything is observed and nothing enforced.", guard.safety ? 1 : 0);
}

void add_health(MetricFamilies& out, const runtime::Health& health) {
    using runtime::ApplianceState, runtime::Trouble;
    for (const auto state :
         {ApplianceState::kInit, ApplianceState::kReady, ApplianceState::kDegraded, ApplianceState::kStopped})
        out.gauge("drywall_state", "1 for the state that the appliance is in.", health.state == state ? 1 : 0,
                  {{"state", std::string(name(state))}});
    for (const auto trouble :
         {Trouble::kWorkerHung, Trouble::kStatsCoreBehind, Trouble::kStore, Trouble::kNothingEnforced})
        out.gauge("drywall_degraded_reasons", "Why it is degraded: how many of each, just now.",
                  static_cast<double>(std::count_if(health.reasons.begin(), health.reasons.end(),
                                                    [&](const auto& reason) { return reason.trouble == trouble; })),
                  {{"trouble", std::string(name(trouble))}});
    out.gauge("drywall_fail_open", "1: configured to forward everything when policies can't be brought back.",
              health.fail_open ? 1 : 0);
}

void add_ports(MetricFamilies& out, const std::vector<runtime::PortTotals>& ports) {
    const auto each = [&](std::string_view name, std::string_view help, auto value) {
        for (const runtime::PortTotals& port : ports) out.counter(name, help, value(port), {{"port", port.name}});
    };
    using Port = runtime::PortTotals;
    each("drywall_port_receive_packets_total", "Packets that workers took from the port.",
         [](const Port& port) { return port.received.packets; });
    each("drywall_port_receive_bytes_total", "Their bytes.", [](const Port& port) { return port.received.bytes; });
    each("drywall_port_transmit_packets_total", "Packets that workers gave to the port.",
         [](const Port& port) { return port.transmitted.packets; });
    each("drywall_port_transmit_bytes_total", "Their bytes.", [](const Port& port) { return port.transmitted.bytes; });
    each("drywall_port_forwarded_packets_total", "Packets that came in by the port and left by another.",
         [](const Port& port) { return port.forwarded.packets; });
    each("drywall_port_drops_total", "Packets that came in by the port and were dropped, whatever the reason.",
         [](const Port& port) {
             std::uint64_t sum = 0;
             for (const auto& [reason, count] : port.drops) sum += count.packets;
             return sum;
         });
    each("drywall_port_receive_missed_packets_total", "Packets that the device dropped because no worker fetched them.",
         [](const Port& port) { return port.device.missed; });
    each("drywall_port_handed_over_packets_total",
         "Packets that came in on a queue of another worker than the one that owns their connection.",
         [](const Port& port) { return port.device.handed_over; });
    each("drywall_port_receive_errors_total", "Frames that the device found damaged.",
         [](const Port& port) { return port.device.errors; });
    each("drywall_port_transmit_errors_total", "Packets that the device could not send.",
         [](const Port& port) { return port.device.transmit_errors; });
    for (const Port& port : ports)
        out.gauge("drywall_port_link_up", "1: the link is up.", port.link_up ? 1 : 0, {{"port", port.name}});
    for (const Port& port : ports)
        if (port.mtu > 0)
            out.gauge("drywall_port_mtu_bytes", "The largest packet that the port takes.", port.mtu,
                      {{"port", port.name}});
}

void add_packets(MetricFamilies& out, const Snapshot& snapshot) {
    const auto verdicts = {std::pair{"allow", &snapshot.enforced_allowed}, {"deny", &snapshot.enforced_denied}};
    for (const auto& [verdict, count] : verdicts)
        out.counter("drywall_judged_packets_total", "Packets that policy judged, by the enforced verdict.",
                    count->packets, {{"verdict", verdict}});
    for (const auto& [verdict, count] : verdicts)
        out.counter("drywall_judged_bytes_total", "Bytes of drywall_judged_packets_total.", count->bytes,
                    {{"verdict", verdict}});
    out.counter("drywall_unmatched_packets_total", "Judged packets with no declared endpoint on either side.",
                snapshot.unmatched.packets);
    const auto passed = {std::pair{"non-ip", &snapshot.non_ip_passed},
                         {"neighbour-discovery", &snapshot.neighbour_discovery_passed},
                         {"related", &snapshot.related_passed}};
    for (const auto& [cause, count] : passed)
        out.counter("drywall_passed_unjudged_packets_total", "Packets that pass without being judged.", count->packets,
                    {{"cause", cause}});
    for (const DropReason reason : {DropReason::kTcpMidStream, DropReason::kTcpWindow, DropReason::kTcpReset}) {
        const auto counted = snapshot.observed.find(reason);
        out.counter("drywall_observed_packets_total",
                    "Packets that passed, and would have been dropped where a setting only observes.",
                    counted == snapshot.observed.end() ? 0 : counted->second.packets,
                    {{"reason", std::string(name(reason))}});
    }
    for (const DropReasonText& reason : kDropReasons) {
        const auto counted = snapshot.drops.find(reason.reason);
        out.counter(
            "drywall_drops_total", "Packets dropped; what is received is transmitted or has one of these reasons.",
            counted == snapshot.drops.end() ? 0 : counted->second.packets, {{"reason", std::string(reason.name)}});
    }
}

void add_connections(MetricFamilies& out, const Snapshot& snapshot, std::uint64_t limit) {
    std::map<std::string_view, std::uint64_t> by_state;
    for (std::size_t state = 1; state < snapshot.flows_by_state.size(); ++state)
        by_state[name(static_cast<flow::FlowState>(state))] += snapshot.flows_by_state[state];
    for (const auto& [state, count] : by_state)
        out.gauge("drywall_connections", "Connections in the flow tables.", static_cast<double>(count),
                  {{"state", std::string(state)}});
    out.gauge("drywall_half_open_connections", "TCP connections whose handshake is not complete.",
              static_cast<double>(snapshot.flows_half_open));
    if (limit > 0)
        out.gauge("drywall_connections_limit", "Connections that the flow tables can hold.",
                  static_cast<double>(limit));
    out.counter("drywall_connections_opened_total", "Connections that were allowed and tracked.",
                snapshot.flows_opened);
    out.counter("drywall_connections_ended_total", "Connections that ended.", snapshot.flows_ended);
    out.counter("drywall_connections_rejudged_total", "Connections judged again because the generation had changed.",
                snapshot.flows_rejudged);
}

void add_inspection(MetricFamilies& out, const Snapshot& snapshot) {
    out.gauge("drywall_inspected_connections", "Connections that are being read, for rules that ask what they say.",
              static_cast<double>(snapshot.inspected));
    out.counter("drywall_resets_sent_total",
                "Frames of the appliance's own that ended connections for what they asked; among those transmitted.",
                snapshot.resets_sent);
    out.counter("drywall_requests_untold_total",
                "Requests that were judged and counted, and for whose record there was no room.",
                snapshot.requests_untold);
}

void add_workers(MetricFamilies& out, const Snapshot& snapshot) {
    for (std::size_t i = 0; i < snapshot.workers.size(); ++i)
        out.gauge("drywall_worker_heartbeat_age_seconds", "Since the worker was last seen to turn its loop.",
                  seconds(std::chrono::nanoseconds(snapshot.workers[i].heartbeat_age.count())),
                  {{"worker", std::to_string(i)}});
    for (std::size_t i = 0; i < snapshot.workers.size(); ++i)
        out.gauge("drywall_worker_busy_ratio",
                  "The share of the last second in which the worker found something to do.",
                  snapshot.workers[i].busy_ratio, {{"worker", std::to_string(i)}});
    for (std::size_t i = 0; i < snapshot.workers.size(); ++i)
        out.gauge("drywall_worker_connections", "Connections in the worker's flow table.",
                  static_cast<double>(snapshot.workers[i].flows), {{"worker", std::to_string(i)}});
}

void add_latency(MetricFamilies& out, const telemetry::ResidenceHistogram::Reading& residence) {
    std::vector<double> bounds;
    for (const std::int64_t bound : telemetry::ResidenceHistogram::kBounds)
        bounds.push_back(seconds(std::chrono::nanoseconds(bound)));
    out.histogram("drywall_packet_latency_seconds",
                  "From before a packet's burst was fetched from the port until all of it was handed to the other one; "
                  "time in queues of devices is not in it.",
                  bounds, {residence.packets.begin(), residence.packets.end()},
                  static_cast<double>(residence.nanoseconds) / 1e9);
}

void add_flow_log(MetricFamilies& out, const MetricsInput& input) {
    out.counter("drywall_flowlog_records_lost_total", "Flow records that found a worker's ring full.",
                input.snapshot != nullptr ? input.snapshot->events_lost : input.flow_records_lost);
    out.counter("drywall_flowlog_groups_evicted_total", "Groups of flows forgotten to make room for others.",
                input.flow_groups_evicted);
    if (!input.ipfix) return;
    out.counter("drywall_ipfix_records_sent_total", "Flow records sent to the IPFIX collector.",
                input.ipfix->records_sent);
    out.counter("drywall_ipfix_records_lost_total", "Flow records that could not be sent to the IPFIX collector.",
                input.ipfix->records_lost);
    out.counter("drywall_ipfix_messages_sent_total", "Messages sent to the IPFIX collector.",
                input.ipfix->messages_sent);
}

void add_dataplane(MetricFamilies& out, const Snapshot& snapshot, const MetricsLimits& limits) {
    out.counter("drywall_config_publications_total", "Generations published after the first.", snapshot.swaps);
    out.gauge("drywall_rulesets_alive", "Generations published and not yet freed.",
              static_cast<double>(snapshot.rulesets_alive));
    add_ports(out, snapshot.ports);
    add_packets(out, snapshot);
    add_connections(out, snapshot, limits.connections);
    add_inspection(out, snapshot);
    add_workers(out, snapshot);
    add_latency(out, snapshot.residence);
    add_rules(out, snapshot, limits.rules);
}

}  // namespace

std::string metrics_text(const MetricsInput& input) {
    MetricFamilies families;
    add_configuration(families, input);
    if (input.guard != nullptr) add_guard(families, *input.guard);
    if (input.health) add_health(families, *input.health);
    add_flow_log(families, input);
    if (input.snapshot != nullptr) {
        add_dataplane(families, *input.snapshot, input.limits);
        add_safety_nets(families, *input.snapshot, safety_nets(*input.state.inventory));
    }
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, std::move(families).take());
    return text.str();
}

}  // namespace drywall::control
