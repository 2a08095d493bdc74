#include "drywall/generate/report.h"

#include <array>
#include <cstdio>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace drywall::generate {

namespace {

constexpr std::uint64_t kGapBytes = 20;  // preamble, start of frame, least gap

Json json_of(const PacketsBytes& count) { return {{"packets", count.packets}, {"bytes", count.bytes}}; }

double ratio(std::uint64_t part, std::uint64_t whole) noexcept {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double per_second(std::uint64_t amount, double seconds) noexcept {
    return seconds > 0 ? static_cast<double>(amount) / seconds : 0;
}

Json rates_of(const PacketsBytes& count, double seconds) {
    return {{"pps", per_second(count.packets, seconds)},
            {"l2_bps", per_second(count.bytes * 8, seconds)},
            {"l1_bps", per_second((count.bytes + count.packets * kGapBytes) * 8, seconds)}};
}

Json json_of(const LatencyHistogram& latency) {
    Json json = {{"count", latency.count()}, {"least_ns", latency.least()}, {"mean_ns", latency.mean()}};
    constexpr std::array<std::pair<const char*, double>, 4> kShares{
        {{"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p999_ns", 0.999}}};
    for (const auto& [name, share] : kShares) json[name] = latency.quantile(share);
    json["greatest_ns"] = latency.greatest();
    return json;
}

Json json_of(const StreamResult& stream, double seconds) {
    Json json = {{"name", stream.name},
                 {"from", stream.from},
                 {"to", stream.to},
                 {"expect", loader::name(stream.expect)},
                 {"tracked", stream.tracked},
                 {"sent", json_of(stream.sent)},
                 {"sent_rate", rates_of(stream.sent, seconds)},
                 {"refused", stream.refused}};
    if (!stream.tracked) return json;
    json["received"] = json_of(stream.received);
    json["received_rate"] = rates_of(stream.received, seconds);
    json["missing"] = stream.missing();
    json["surely_missing"] = stream.surely_missing();
    json["missing_ratio"] = ratio(stream.missing(), stream.sent.packets);
    json["duplicates"] = stream.duplicates;
    json["reordered"] = stream.reordered;
    json["greatest_distance"] = stream.greatest_distance;
    json["beyond_window"] = stream.beyond_window;
    json["elsewhere"] = stream.elsewhere;
    json["latency"] = json_of(stream.latency);
    if (stream.longest_gap) json["longest_gap_ns"] = *stream.longest_gap;
    return json;
}

Json json_of(const ConnectionsResult& connections, double seconds) {
    return {{"name", connections.name},
            {"from", connections.from},
            {"to", connections.to},
            {"expect", loader::name(connections.expect)},
            {"opened", connections.opened},
            {"established", connections.established},
            {"established_per_second", per_second(connections.established, seconds)},
            {"completed", connections.completed},
            {"refused", connections.refused},
            {"timed_out", connections.timed_out},
            {"reset", connections.reset},
            {"failed", connections.failed},
            {"open_at_end", connections.open_at_end},
            {"open_at_most", connections.open_at_most},
            {"skipped", connections.skipped},
            {"exchanges", connections.exchanges},
            {"exchanges_per_second", per_second(connections.exchanges, seconds)},
            {"syn_retransmissions", connections.syn_retransmissions},
            {"retransmissions", connections.retransmissions},
            {"out_of_order", connections.out_of_order},
            {"connect_latency", json_of(connections.connect_latency)},
            {"exchange_latency", json_of(connections.exchange_latency)}};
}

Json json_of(const PortResult& port) {
    return {{"name", port.name},
            {"sent", json_of(port.sent)},
            {"received", json_of(port.received)},
            {"foreign", port.foreign},
            {"stale", port.stale},
            {"segments", port.segments},
            {"segments_refused", port.segments_refused},
            {"device",
             {{"received", port.device.received},
              {"missed", port.device.missed},
              {"errors", port.device.errors},
              {"transmitted", port.device.transmitted},
              {"transmit_errors", port.device.transmit_errors}}}};
}

// Every missing packet has a name, or is unexplained. Negative: the appliance dropped other traffic, too.
Json explained(const Outcome& outcome, const TrialResult& result, const ApplianceReport& appliance) {
    std::uint64_t missed_here = 0;
    for (const PortResult& port : result.ports) missed_here += port.device.missed;
    const std::uint64_t missing = outcome.lost + outcome.denied + outcome.missing;
    auto rest = static_cast<std::int64_t>(missing) - static_cast<std::int64_t>(missed_here + appliance.counts.missed);
    Json drops = Json::object();
    for (const auto& [reason, packets] : appliance.counts.drops) {
        drops[reason] = packets;
        rest -= static_cast<std::int64_t>(packets);
    }
    return {{"socket", appliance.socket},
            {"version", appliance.version},
            {"generation", appliance.generation},
            {"received", json_of(appliance.counts.received)},
            {"transmitted", json_of(appliance.counts.transmitted)},
            {"drops", std::move(drops)},
            {"missed_by_devices", appliance.counts.missed},
            {"missed_by_generator", missed_here},
            {"missing", missing},
            {"unexplained", rest}};
}

PacketsBytes sum_of_sent(const TrialResult& result) noexcept {
    PacketsBytes sent;
    for (const StreamResult& stream : result.streams) sent += stream.sent;
    return sent;
}

Json json_of(const Outcome& outcome) {
    return {{"received", outcome.received},
            {"lost", outcome.lost},
            {"denied", outcome.denied},
            {"missing", outcome.missing},
            {"leaked", outcome.leaked},
            {"connections_lost", outcome.connections_lost},
            {"connections_leaked", outcome.connections_leaked},
            {"as_expected", outcome.as_expected()}};
}

template <typename T, typename Text>
Json json_of(const loader::Values<T>& values, const Text& text) {
    Json listed = Json::array();
    for (const T& value : values.listed) listed.push_back(text(value));
    return {{"listed", std::move(listed)},
            {"first", text(values.first)},
            {"count", values.count},
            {"step", values.step},
            {"random", values.random}};
}

void describe(const loader::ReplayProfile& replay, Json& out) {
    out = {{"file", replay.file},
           {"speed", replay.speed.value_or(0)},
           {"loops", replay.loops},
           {"signature", replay.signature}};
    if (replay.source_mac) out["source_mac"] = *replay.source_mac;
    if (replay.destination_mac) out["destination_mac"] = *replay.destination_mac;
    if (replay.vlan) out["vlan"] = *replay.vlan;
    for (const auto& [from, to] : replay.addresses) out["addresses"].push_back({from.text(), to.text()});
    for (const auto& [from, to] : replay.ports) out["ports"].push_back({from, to});
}

void describe(const loader::StreamProfile& stream, Json& out) {
    const auto address = [](const net::Address& value) { return value.text(); };
    const auto number = [](std::uint16_t value) { return value; };
    out = {{"name", stream.name},
           {"from", stream.from},
           {"to", stream.to},
           {"weight", stream.weight},
           {"rate", stream.rate ? stream.rate->text() : ""},
           {"packets", stream.packets.value_or(0)},
           {"macs", {stream.source_mac, stream.destination_mac}},
           {"source", json_of(stream.source, address)},
           {"destination", json_of(stream.destination, address)},
           {"hop_limit", stream.hop_limit},
           {"dscp", stream.dscp},
           {"layer4", static_cast<int>(stream.layer4)},
           {"source_port", json_of(stream.source_port, number)},
           {"destination_port", json_of(stream.destination_port, number)},
           {"tcp_flags", stream.tcp_flags},
           {"expect", loader::name(stream.expect)}};
    for (const loader::VlanProfile& tag : stream.vlans)
        out["vlans"].push_back({json_of(tag.id, number), tag.priority, tag.service});
    for (const auto& share : stream.sizes.mix) out["sizes"].push_back({share.bytes, share.weight});
    if (stream.sizes.range) out["sizes"] = {stream.sizes.range->first, stream.sizes.range->second};
    if (stream.replay) describe(*stream.replay, out["replay"]);
    for (const net::Tuple& flow : stream.given)
        out["given"].push_back({flow.source, flow.destination, flow.source_port, flow.destination_port});
    if (stream.flows)
        out["flows"] = {stream.flows->count, static_cast<int>(stream.flows->spread), stream.flows->exponent};
}

}  // namespace

Json json_of(const Fingerprint& fingerprint) {
    Json devices = Json::array();
    for (const auto& [port, device] : fingerprint.devices) devices.push_back({{"port", port}, {"device", device}});
    return {{"version", fingerprint.version}, {"dpdk", fingerprint.dpdk},
            {"kernel", fingerprint.kernel},   {"processor", fingerprint.processor},
            {"cores", fingerprint.cores},     {"hugepages", fingerprint.hugepages},
            {"devices", std::move(devices)},  {"seed", fingerprint.seed},
            {"profile", fingerprint.profile}, {"profile_hash", fingerprint.profile_hash}};
}

std::string profile_hash(const loader::TrafficProfile& profile) {
    Json all = {{"seed", profile.seed}, {"rate", profile.rate.text()}, {"window", profile.window}};
    if (profile.ramp) all["ramp"] = {profile.ramp->from.text(), profile.ramp->over.count()};
    for (const loader::StreamProfile& stream : profile.streams) describe(stream, all["streams"].emplace_back());
    for (const loader::ConnectionsProfile& connections : profile.connections) {
        Json& out = all["connections"].emplace_back();
        describe(connections.ends, out["ends"]);
        out["numbers"] = {connections.rate.value_or(0), connections.concurrent,         connections.count.value_or(0),
                          connections.request,          connections.response,           connections.exchanges,
                          connections.hold.count(),     connections.retransmit.count(), connections.retries,
                          connections.segment};
    }
    const std::string text = all.dump();
    std::array<char, 17> hex{};
    (void)std::snprintf(hex.data(), hex.size(), "%016llx",
                        static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
    return hex.data();
}

Outcome outcome_of(const TrialResult& result) noexcept {
    Outcome outcome;
    for (const StreamResult& stream : result.streams) {
        if (!stream.tracked) continue;
        outcome.received += stream.received.packets;
        if (stream.expect == loader::Expect::kAllow) outcome.lost += stream.missing();
        if (stream.expect == loader::Expect::kAny) outcome.missing += stream.missing();
        if (stream.expect != loader::Expect::kDeny) continue;
        outcome.denied += stream.missing();
        outcome.leaked += stream.received.packets + stream.duplicates + stream.beyond_window + stream.elsewhere;
    }
    for (const ConnectionsResult& connections : result.connections) {
        if (connections.expect == loader::Expect::kAllow)
            outcome.connections_lost +=
                connections.refused + connections.timed_out + connections.reset + connections.failed;
        if (connections.expect == loader::Expect::kDeny) outcome.connections_leaked += connections.established;
    }
    return outcome;
}

Json report_of(const TrialResult& result, const TrialRequest& request, const Fingerprint& fingerprint,
               const std::optional<ApplianceReport>& appliance, const std::vector<RuleWithoutTraffic>& without,
               const std::string& started) {
    const Outcome outcome = outcome_of(result);
    const PacketsBytes sent = sum_of_sent(result);
    Json streams = Json::array();
    for (const StreamResult& stream : result.streams) streams.push_back(json_of(stream, result.seconds));
    Json connections = Json::array();
    for (const ConnectionsResult& one : result.connections) connections.push_back(json_of(one, result.seconds));
    Json ports = Json::array();
    for (const PortResult& port : result.ports) ports.push_back(json_of(port));
    Json json = {{"report", "drywall-gen/1"},
                 {"started", started},
                 {"fingerprint", json_of(fingerprint)},
                 {"request",
                  {{"rate", request.rate.text()},
                   {"duration_seconds",
                    request.duration ? Json(std::chrono::duration<double>(*request.duration).count()) : Json(nullptr)},
                   {"drain_seconds", std::chrono::duration<double>(request.drain).count()}}},
                 {"seconds", result.seconds},
                 {"stopped", result.stopped},
                 {"offered", result.offered},
                 {"sent", json_of(sent)},
                 {"sent_rate", rates_of(sent, result.seconds)},
                 {"skipped", result.skipped},
                 {"latency_relative_error", 1.0 / 128},
                 {"outcome", json_of(outcome)},
                 {"streams", std::move(streams)},
                 {"connections", std::move(connections)},
                 {"ports", std::move(ports)}};
    if (request.ramp)
        json["request"]["ramp"] = {{"from", request.ramp->from.text()},
                                   {"over_seconds", std::chrono::duration<double>(request.ramp->over).count()}};
    for (const RuleWithoutTraffic& rule : without)
        json["rules_without_traffic"].push_back({{"rule", rule.rule}, {"why", rule.why}});
    if (appliance) json["appliance"] = explained(outcome, result, *appliance);
    return json;
}

}  // namespace drywall::generate
