// A drop as JSON, in the names of a flow's JSON where it says the same.
#include <algorithm>
#include <array>
#include <utility>

#include "drywall/explain/protocols.h"
#include "drywall/observe/drop.h"
#include "drywall/observe/flow_json.h"

namespace drywall::observe {

namespace {

using DropJson = nlohmann::ordered_json;

std::string hex_digits(std::span<const std::uint8_t> bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        out += kDigits[byte >> 4U];
        out += kDigits[byte & 15U];
    }
    return out;
}

std::string tcp_flags_text(std::uint8_t flags) {
    static constexpr auto kNames = std::to_array<std::pair<std::uint8_t, std::string_view>>(
        {{0x02, "SYN"}, {0x10, "ACK"}, {0x01, "FIN"}, {0x04, "RST"}, {0x08, "PSH"}, {0x20, "URG"}});
    std::string out;
    for (const auto& [bit, name] : kNames)
        if ((flags & bit) != 0) out.append(out.empty() ? "" : " ").append(name);
    return out.empty() ? "none" : out;
}

std::string_view fragment_text(net::FragmentKind kind) noexcept {
    switch (kind) {
        case net::FragmentKind::kWhole: return "";
        case net::FragmentKind::kFirst: return "first";
        case net::FragmentKind::kLater: return "later";
    }
    return "";
}

void add_ends(DropJson& out, const Drop& drop) {
    if (!drop.has_addresses) return;
    const auto side = [&](const std::string& which, const net::Address& address, const Party& party) {
        out[which + "_ip"] = address.text();
        out[which + "_name"] = party.name;
        out[which + "_namespace"] = party.ns;
    };
    side("source", drop.packet.source, *drop.packet.source_party);
    side("dest", drop.packet.destination, *drop.packet.destination_party);
}

void add_what(DropJson& out, const Drop& drop) {
    if (!drop.has_service) return;
    const FlowRecord& packet = drop.packet;
    out["protocol"] = explain::protocol_name(packet.protocol);
    if (drop.fragment != net::FragmentKind::kWhole) out["fragment"] = fragment_text(drop.fragment);
    if (drop.fragment == net::FragmentKind::kLater) return;  // what follows is in the first one
    if (net::has_ports(packet.protocol)) {
        out["source_port"] = packet.source_port;
        out["dest_port"] = packet.destination_port;
    }
    if (net::is_icmp(packet.protocol)) {
        out["icmp_type"] = static_cast<std::uint16_t>(packet.destination_port >> 8);
        out["icmp_code"] = static_cast<std::uint16_t>(packet.destination_port & 0xff);
    }
    if (packet.protocol == net::protocol::kTcp) out["tcp_flags"] = tcp_flags_text(drop.tcp_flags);
}

// Who decided it. A packet can die of something else after policy allowed it.
void add_decision(DropJson& out, const Drop& drop) {
    if (!drop.judged) return;
    const Decided& decided = *drop.packet.decision;
    out["verdict"] = name(decided.enforced);
    // Null: the generation that judged was gone too early.
    out["decided_by"] = decided.enforced_hits.empty() ? DropJson() : json_of_hit(decided.enforced_hits.back());
}

}  // namespace

nlohmann::ordered_json json_of_drop(const Drop& drop, std::size_t bytes) {
    DropJson out = {
        {"time", utc_text(drop.time)},
        {"time_ns", std::chrono::duration_cast<std::chrono::nanoseconds>(drop.time.time_since_epoch()).count()},
        {"ingress_port", drop.packet.ingress_port},
        {"worker", drop.worker},
        {"reason", name(drop.reason)},
        {"generation", index(drop.packet.generation)},
        {"length", drop.length},
        {"ether_type", drop.ether_type}};
    add_ends(out, drop);
    add_what(out, drop);
    add_decision(out, drop);
    if (bytes > 0) out["frame"] = hex_digits(std::span(drop.bytes).first(std::min(bytes, drop.bytes.size())));
    return out;
}

}  // namespace drywall::observe
