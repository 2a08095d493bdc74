// One stream of a profile: its ways, its layers, how long and how many its packets are.
#include <algorithm>
#include <array>

#include "profile_readers.h"
#include "settings_readers.h"

namespace drywall::loader {
namespace {

constexpr std::uint16_t kLastVlan = 4094;
constexpr std::string_view kAddressHint =
    "write an address, a list, 10.0.0.1-10.0.0.9, 10.0.0.0/24, '10.0.0.1-10.0.0.9 step 2'; with random: in front to "
    "draw";
constexpr std::string_view kNumberHint =
    "write a number, a list, 1000-1999, '1000-1999 step 10'; with random: in front to draw";
constexpr std::string_view kSizeHint =
    "write bytes with FCS, 64 to 9234: 64, [64, 1518], 64:7,594:4,1518:1, 64-1518 for any of these, or imix";
constexpr std::array<Choice<Expect>, 3> kExpectations{
    Choice<Expect>{"any", Expect::kAny}, {"allow", Expect::kAllow}, {"deny", Expect::kDeny}};
constexpr std::array<Choice<FlowsProfile::Spread>, 3> kSpreads{
    Choice<FlowsProfile::Spread>{"in-turn", FlowsProfile::Spread::kInTurn},
    {"uniform", FlowsProfile::Spread::kUniform},
    {"zipf", FlowsProfile::Spread::kZipf}};
constexpr std::array<Choice<bool>, 2> kTagTypes{Choice<bool>{"802.1Q", false}, {"802.1ad", true}};
constexpr std::array<Choice<std::uint8_t>, 6> kTcpFlags{
    Choice<std::uint8_t>{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08}, {"ack", 0x10}, {"urg", 0x20}};

void assign_addresses(Fields& fields, std::string_view name, AddressValues& target) {
    const Node* node = nullptr;
    const auto text = written(fields, name, &node);
    if (!text) return;
    if (auto values = parse_addresses(*text))
        target = *std::move(values);
    else
        fields.complaints().add(node->line, node->column, fields.path_to(name) + " can't be " + shown(*text),
                                std::string(kAddressHint));
}

bool assign_numbers(Fields& fields, std::string_view name, std::uint16_t least, std::uint16_t most,
                    NumberValues& target) {
    const Node* node = nullptr;
    const auto text = written(fields, name, &node);
    if (!text) return false;
    if (auto values = parse_numbers(*text, least, most)) {
        target = *std::move(values);
        return true;
    }
    fields.complaints().add(node->line, node->column,
                            fields.path_to(name) + " can't be " + shown(*text) + ": numbers here are from " +
                                std::to_string(least) + " to " + std::to_string(most),
                            std::string(kNumberHint));
    return false;
}

// A number, or a mapping with more to say.
std::optional<VlanProfile> read_vlan(const Node& node, const std::string& path, Complaints& complaints) {
    VlanProfile tag;
    if (node.is_scalar()) {
        if (auto values = parse_numbers(node.scalar, 0, kLastVlan)) {
            tag.id = *std::move(values);
            return tag;
        }
        complaints.add(node.line, node.column,
                       path + " can't be " + described(node) + ": numbers here are from 0 to 4094",
                       std::string(kNumberHint));
        return std::nullopt;
    }
    Fields fields(node, path, complaints);
    (void)fields.require("id");
    const bool known = assign_numbers(fields, "id", 0, kLastVlan, tag.id);
    assign_integer(fields, "priority", 0, 7, tag.priority);
    if (const auto type = fields.choice<bool>("type", kTagTypes)) tag.service = *type;
    fields.finish();
    return known ? std::optional(tag) : std::nullopt;
}

void read_tcp_flags(Fields& tcp, StreamProfile& stream) {
    const Node* node = tcp.node().find("flags");
    if (node == nullptr) return;
    stream.tcp_flags = 0;
    for (const Node& item : tcp.list("flags", kTcpFlags.size()))
        stream.tcp_flags |=
            read_choice<std::uint8_t>(item, "a flag in tcp.flags", kTcpFlags, tcp.complaints()).value_or(0);
}

void read_layer4(Fields& fields, StreamProfile& stream) {
    int layers = 0;
    if (auto udp = section(fields, "udp")) {
        ++layers;
        assign_numbers(*udp, "source-port", 0, 65535, stream.source_port);
        assign_numbers(*udp, "destination-port", 0, 65535, stream.destination_port);
        udp->finish();
    }
    if (auto tcp = section(fields, "tcp")) {
        ++layers;
        stream.layer4 = Layer4::kTcp;
        assign_numbers(*tcp, "source-port", 0, 65535, stream.source_port);
        assign_numbers(*tcp, "destination-port", 0, 65535, stream.destination_port);
        read_tcp_flags(*tcp, stream);
        tcp->finish();
    }
    if (auto echo = section(fields, "icmp-echo")) {
        ++layers;
        stream.layer4 = Layer4::kIcmpEcho;
        stream.source_port = {};
        assign_numbers(*echo, "id", 0, 65535, stream.source_port);
        stream.destination_port = {};
        echo->finish();
    }
    if (layers > 1)
        fields.complaints().add(fields.node().line, fields.node().column,
                                fields.path() + " has more than one of udp, tcp and icmp-echo", "keep one");
}

void read_network(Fields& fields, StreamProfile& stream) {
    auto ip = section(fields, "ip");
    if (!ip) return;
    assign_addresses(*ip, "source", stream.source);
    assign_addresses(*ip, "destination", stream.destination);
    assign_integer(*ip, "ttl", 1, 255, stream.hop_limit);
    assign_integer(*ip, "dscp", 0, 63, stream.dscp);
    ip->finish();
    if (nth(stream.source, 0).family != nth(stream.destination, 0).family)
        fields.complaints().add(ip->node().line, ip->node().column,
                                fields.path() + ": source and destination are of different families",
                                "write both; unless written they are 198.18.0.1 and 198.19.0.1");
}

std::optional<FlowsProfile> read_flows(Fields& fields) {
    auto section_fields = section(fields, "flows");
    if (!section_fields) return std::nullopt;
    FlowsProfile flows;
    (void)section_fields->require("count");
    assign_integer(*section_fields, "count", 1, std::uint64_t{1} << 24, flows.count);
    if (const auto spread = section_fields->choice<FlowsProfile::Spread>("spread", kSpreads)) flows.spread = *spread;
    if (const Node* node = section_fields->take("exponent")) {
        flows.exponent = read_number(*node, "flows.exponent", fields.complaints()).value_or(1.0);
        if (flows.exponent < 0 || flows.exponent > 10)
            fields.complaints().add(node->line, node->column, "flows.exponent must be from 0 to 10");
        if (flows.spread != FlowsProfile::Spread::kZipf)
            fields.complaints().add(node->line, node->column, "flows.exponent is for `spread: zipf`",
                                    "write the spread, or remove it");
    }
    section_fields->finish();
    return flows;
}

std::string read_port(Fields& fields, std::string_view name, const std::vector<std::string_view>& ports) {
    const Node* node = fields.require(name);
    if (node == nullptr) return {};
    const auto port = read_text(*node, fields.path_to(name), fields.complaints());
    if (!port) return {};
    if (std::find(ports.begin(), ports.end(), *port) == ports.end())
        fields.complaints().add(node->line, node->column,
                                fields.path_to(name) + ": port " + shown(*port) + " is not defined",
                                ports.empty() ? "list it under ports" : "defined ports are " + joined(ports));
    return *port;
}

void read_sizes(Fields& fields, StreamProfile& stream) {
    const Node* node = nullptr;
    const auto text = written(fields, "size", &node);
    stream.size_place = node != nullptr ? fields.complaints().place(node->line, node->column) : stream.place;
    if (!text) return;
    if (auto sizes = parse_frame_sizes(*text))
        stream.sizes = *std::move(sizes);
    else
        fields.complaints().add(node->line, node->column, fields.path_to("size") + " can't be " + shown(*text),
                                std::string(kSizeHint));
}

// What a replay takes from its file.
void refuse_beside_replay(Fields& fields) {
    for (const std::string_view name : {"ethernet", "vlan", "ip", "udp", "tcp", "icmp-echo", "size", "flows"})
        if (const Node* node = fields.node().find(name); node != nullptr)
            fields.complaints().add(node->line, node->column,
                                    fields.path_to(name) + " and replay exclude each other: packets are the file's",
                                    "what replay.rewrite can change: mac, vlan, addresses, ports");
}

}  // namespace

std::optional<std::string> written(Fields& fields, std::string_view name, const Node** where) {
    const Node* node = fields.take(name);
    if (where != nullptr) *where = node;
    if (node == nullptr) return std::nullopt;
    if (node->is_scalar()) return node->scalar;
    std::string text;
    bool scalars = node->is_sequence() && !node->items.empty();
    for (const Node& item : node->items) {
        scalars = scalars && item.is_scalar();
        text += (text.empty() ? "" : ",") + item.scalar;
    }
    if (scalars) return text;
    fields.complaints().add(node->line, node->column, fields.path_to(name) + " can't be " + described(*node),
                            "write a value, or a list of values");
    return std::nullopt;
}

std::optional<TrafficRate> read_rate(Fields& fields, std::string_view name) {
    const Node* node = nullptr;
    const auto text = written(fields, name, &node);
    if (!text) return std::nullopt;
    auto rate = parse_rate(*text);
    if (!rate)
        fields.complaints().add(node->line, node->column, fields.path_to(name) + " can't be " + shown(*text),
                                "write 1Mpps, 250kpps, 10Gbps (frames with FCS), 10Gbps-l1 (and the gaps), or max");
    return rate;
}

void assign_mac(Fields& fields, std::string_view name, MacAddress& target) {
    const Node* node = nullptr;
    const auto text = written(fields, name, &node);
    if (!text) return;
    if (const auto mac = parse_mac(*text))
        target = *mac;
    else
        fields.complaints().add(node->line, node->column,
                                fields.path_to(name) + " " + shown(*text) + " is no Ethernet address",
                                "write it as 02:00:00:00:00:01");
}

namespace {

// Who sends to whom, and what is expected of it.
void read_ways(Fields& fields, const std::vector<std::string_view>& ports, StreamProfile& stream) {
    stream.name = fields.text("name").value_or("");
    stream.place = fields.complaints().place(fields.node().line, fields.node().column);
    stream.from = read_port(fields, "from", ports);
    stream.to = read_port(fields, "to", ports);
    if (const auto expect = fields.choice<Expect>("expect", kExpectations)) stream.expect = *expect;
}

void read_layers_below_4(Fields& fields, StreamProfile& stream) {
    if (auto ethernet = section(fields, "ethernet")) {
        assign_mac(*ethernet, "source", stream.source_mac);
        assign_mac(*ethernet, "destination", stream.destination_mac);
        ethernet->finish();
    }
    std::size_t tag = 0;
    for (const Node& item : fields.list("vlan", 2))
        if (auto vlan =
                read_vlan(item, fields.path_to("vlan") + "[" + std::to_string(tag++) + "]", fields.complaints()))
            stream.vlans.push_back(*std::move(vlan));
    read_network(fields, stream);
}

void read_connection_rate(Fields& fields, ConnectionsProfile& connections) {
    const Node* node = nullptr;
    const auto text = written(fields, "rate", &node);
    if (!text) return;
    if (const auto rate = parse_connection_rate(*text))
        connections.rate = *rate;
    else
        fields.complaints().add(node->line, node->column, fields.path_to("rate") + " can't be " + shown(*text),
                                "write new connections per second, 500cps or 1kcps, or max");
}

void read_times(Fields& fields, ConnectionsProfile& connections) {
    constexpr std::chrono::milliseconds kDay = std::chrono::hours(24);
    const auto assign = [&](std::string_view name, std::chrono::milliseconds least, std::chrono::milliseconds& target) {
        const Node* node = fields.take(name);
        if (node == nullptr) return;
        if (const auto time = read_duration(*node, fields.path_to(name), least, kDay, fields.complaints()))
            target = *time;
    };
    assign("hold", std::chrono::milliseconds(0), connections.hold);
    assign("retransmit", std::chrono::milliseconds(1), connections.retransmit);
}

}  // namespace

ConnectionsProfile read_connections(Fields& fields, const std::vector<std::string_view>& ports) {
    ConnectionsProfile connections;
    StreamProfile& ends = connections.ends;
    ends = default_stream("", "", "");
    ends.layer4 = Layer4::kTcp;
    ends.source_port = {};
    ends.source_port.first = 1024;
    ends.source_port.count = 64512;  // 1024-65535
    ends.destination_port.first = 80;
    ends.sizes.mix = {{128, 1}};  // of none of its segments; what PacketWriter is told
    read_ways(fields, ports, ends);
    read_layers_below_4(fields, ends);
    if (auto tcp = section(fields, "tcp")) {
        assign_numbers(*tcp, "source-port", 0, 65535, ends.source_port);
        assign_numbers(*tcp, "destination-port", 0, 65535, ends.destination_port);
        tcp->finish();
    }
    read_connection_rate(fields, connections);
    assign_integer(fields, "concurrent", 1, std::uint64_t{1} << 22U, connections.concurrent);
    if (const auto count = fields.integer("count", 1, 1'000'000'000'000)) connections.count = count;
    assign_integer(fields, "request", 1, std::uint64_t{1} << 30U, connections.request);
    assign_integer(fields, "response", 1, std::uint64_t{1} << 30U, connections.response);
    assign_integer(fields, "exchanges", 1, 1'000'000'000, connections.exchanges);
    assign_integer(fields, "retries", 0, 100, connections.retries);
    assign_integer(fields, "segment", 1, 9000, connections.segment);
    read_times(fields, connections);
    fields.finish();
    return connections;
}

namespace {

void read_rules(Fields& fields, PoliciesProfile& policies) {
    std::size_t position = 0;
    for (const Node& item : fields.list("rules", kMostStreams)) {
        Fields rule(item, fields.path_to("rules") + "[" + std::to_string(position++) + "]", fields.complaints());
        PoliciesProfile::Rule read;
        (void)rule.require("rule");
        read.text = rule.text("rule").value_or("");
        assign_integer(rule, "share", 1, 10'000, read.share);
        rule.finish();
        policies.rules.push_back(std::move(read));
    }
}

void read_shares(Fields& fields, PoliciesProfile& policies) {
    constexpr std::array<Choice<FlowsProfile::Spread>, 2> kShares{
        Choice<FlowsProfile::Spread>{"uniform", FlowsProfile::Spread::kUniform}, {"zipf", FlowsProfile::Spread::kZipf}};
    const Node* written_spread = fields.node().find("spread");
    if (const auto spread = fields.choice<FlowsProfile::Spread>("spread", kShares)) policies.spread = *spread;
    if (const Node* node = fields.take("exponent")) {
        policies.exponent = read_number(*node, fields.path_to("exponent"), fields.complaints()).value_or(1.0);
        if (policies.spread != FlowsProfile::Spread::kZipf || policies.exponent < 0 || policies.exponent > 10)
            fields.complaints().add(node->line, node->column,
                                    fields.path_to("exponent") + " is from 0 to 10, and for `spread: zipf`");
    }
    if (written_spread != nullptr && !policies.rules.empty())
        fields.complaints().add(written_spread->line, written_spread->column,
                                fields.path_to("spread") + " is for all rules, and `rules` have shares of their own",
                                "keep one of them");
}

}  // namespace

PoliciesProfile read_policies(Fields& fields, const std::vector<std::string_view>& ports) {
    PoliciesProfile policies;
    policies.base = default_stream("", "", "");
    policies.base.sizes.mix = {{128, 1}};
    read_ways(fields, ports, policies.base);
    (void)fields.require("files");
    for (const Node& item : fields.list("files", 1000))
        if (auto file = read_text(item, "a file in policies.files", fields.complaints()))
            policies.files.push_back(*std::move(file));
    policies.config = fields.text("config").value_or("");
    policies.enters = fields.text("enters").value_or("");
    assign_integer(fields, "flows-per-rule", 1, 65536, policies.flows);
    read_rules(fields, policies);
    read_shares(fields, policies);
    if (auto ethernet = section(fields, "ethernet")) {
        assign_mac(*ethernet, "source", policies.base.source_mac);
        assign_mac(*ethernet, "destination", policies.base.destination_mac);
        ethernet->finish();
    }
    read_sizes(fields, policies.base);
    fields.finish();
    return policies;
}

StreamProfile read_stream(Fields& fields, const std::vector<std::string_view>& ports) {
    StreamProfile stream = default_stream("", "", "");
    read_ways(fields, ports, stream);
    assign_integer(fields, "weight", 1, 10'000, stream.weight);
    stream.rate = read_rate(fields, "rate");
    if (stream.rate && fields.node().find("weight") != nullptr)
        fields.complaints().add(fields.node().line, fields.node().column,
                                fields.path() + " has a rate of its own and a weight", "keep one of them");
    if (const auto packets = fields.integer("packets", 1, 1'000'000'000'000)) stream.packets = packets;
    if (auto replay = section(fields, "replay")) {
        refuse_beside_replay(fields);
        for (const std::string_view name : {"ethernet", "vlan", "ip", "udp", "tcp", "icmp-echo", "size", "flows"})
            fields.ignore(name);
        stream.replay = read_replay(*replay);
        fields.finish();
        return stream;
    }
    read_layers_below_4(fields, stream);
    read_layer4(fields, stream);
    read_sizes(fields, stream);
    stream.flows = read_flows(fields);
    fields.finish();
    return stream;
}

}  // namespace drywall::loader
