// What no policy decides, and how much of everything there may be.
#include <algorithm>
#include <array>
#include <charconv>

#include "drywall/net/ethernet.h"
#include "settings_readers.h"

namespace drywall::loader {
namespace {

constexpr std::uint32_t kMostFlows = 67'108'864;

constexpr std::array<Choice<Posture>, 2> kPostures{Choice<Posture>{"open", Posture::kOpen},
                                                   {"closed", Posture::kClosed}};
constexpr std::array<Choice<Verdict>, 2> kVerdicts{Choice<Verdict>{"allow", Verdict::kAllow}, {"deny", Verdict::kDeny}};
constexpr std::array<Choice<bool>, 2> kNeighbourDiscovery{Choice<bool>{"pass", true}, {"judge", false}};
constexpr std::array<Choice<bool>, 2> kChecksums{Choice<bool>{"verify", true}, {"ignore", false}};
constexpr std::array<Choice<bool>, 2> kPending{Choice<bool>{"overlay", false}, {"calico", true}};
constexpr std::array<Choice<MidStream>, 3> kMidStreams{
    Choice<MidStream>{"allow", MidStream::kAllow}, {"observe", MidStream::kObserve}, {"drop", MidStream::kDrop}};
constexpr std::array<Choice<TcpWindow>, 2> kTcpWindows{Choice<TcpWindow>{"strict", TcpWindow::kStrict},
                                                       {"observe", TcpWindow::kObserve}};
constexpr std::array<Choice<std::uint8_t>, 2> kFailsafeProtocols{Choice<std::uint8_t>{"tcp", 6}, {"udp", 17}};

constexpr std::array<Choice<net::AddressCheck>, 3> kAddressChecks{
    Choice<net::AddressCheck>{"any", net::AddressCheck::kAny},
    {"usual", net::AddressCheck::kUsual},
    {"strict", net::AddressCheck::kStrict}};

constexpr std::array<Choice<std::uint16_t>, 6> kNonIpNames{Choice<std::uint16_t>{"arp", net::ether_type::kArp},
                                                           {"lldp", net::ether_type::kLldp},
                                                           {"stp", net::non_ip::kSpanningTree},
                                                           {"lacp", net::ether_type::kLacp},
                                                           {"eapol", net::ether_type::kEapol},
                                                           {"ptp", net::ether_type::kPtp}};

// "35020" or "0x88cc"
std::optional<std::uint16_t> parse_ether_type(std::string_view text) {
    std::uint16_t value = 0;
    const bool hex = text.starts_with("0x");
    const std::string_view digits = hex ? text.substr(2) : text;
    if (!hex && !parse_decimal(digits)) return std::nullopt;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size() || value < net::ether_type::kFirst)
        return std::nullopt;
    return value;
}

std::optional<std::uint16_t> read_non_ip_name(const Node& node, const std::string& path, Complaints& complaints) {
    std::optional<std::uint16_t> type;
    if (node.is_scalar()) {
        for (const auto& [name, value] : kNonIpNames)
            if (name == node.scalar) type = value;
        if (!type) type = parse_ether_type(node.scalar);
    }
    if (!type) {
        complaints.add(node.line, node.column, path + " can't be " + described(node),
                       "write arp, lldp, stp, lacp, eapol, ptp, or a number from 0x600 to 0xffff");
        return std::nullopt;
    }
    if (*type == 0x0800 || *type == 0x86dd) {
        complaints.add(node.line, node.column, path + ": IP is what policies judge", "write a policy instead");
        return std::nullopt;
    }
    if (*type == 0x8100 || *type == 0x88a8) {
        complaints.add(node.line, node.column, path + ": VLAN tags are looked through", "name the type behind the tag");
        return std::nullopt;
    }
    return type;
}

void read_non_ip_rule(const Node& item, std::string path, Settings& settings, Complaints& complaints) {
    Fields rule(item, std::move(path), complaints);
    const Node* type_node = rule.require("ether-type");
    const Node* action_node = rule.require("action");
    rule.finish();
    if (type_node == nullptr || action_node == nullptr) return;
    const auto name = read_non_ip_name(*type_node, rule.path_to("ether-type"), complaints);
    const auto verdict = read_choice<Verdict>(*action_node, rule.path_to("action"), kVerdicts, complaints);
    if (!name) return;
    const bool twice = std::any_of(settings.non_ip.begin(), settings.non_ip.end(),
                                   [&](const NonIpRule& r) { return r.name == *name; });
    if (twice) {
        complaints.add(type_node->line, type_node->column,
                       "ether type " + shown(type_node->scalar) + " has a rule already");
        return;
    }
    settings.non_ip.push_back({*name, verdict.value_or(Verdict::kDeny)});
}

void read_non_ip(Fields& top, Settings& settings) {
    settings.non_ip = default_non_ip();
    auto non_ip = section(top, "non-ip");
    if (!non_ip) return;
    if (const auto verdict = non_ip->choice<Verdict>("default", kVerdicts)) settings.non_ip_default = *verdict;
    if (non_ip->node().find("rules") != nullptr) settings.non_ip.clear();  // the written list is the whole list
    std::size_t i = 0;
    for (const Node& item : non_ip->list("rules", 64)) {
        read_non_ip_rule(item, non_ip->path_to("rules") + "[" + std::to_string(i++) + "]", settings, top.complaints());
    }
    non_ip->finish();
}

// Protocol and destination port, of a list of ways that stay open.
void read_protocol_and_port(Fields& fields, std::uint8_t& protocol, std::uint16_t& port, Complaints& complaints) {
    if (const Node* node = fields.require("protocol"))
        protocol = read_choice<std::uint8_t>(*node, fields.path_to("protocol"), kFailsafeProtocols, complaints)
                       .value_or(protocol);
    if (const Node* node = fields.require("port"))
        port =
            static_cast<std::uint16_t>(read_integer(*node, fields.path_to("port"), 1, 65535, complaints).value_or(0));
}

void read_failsafe_rule(const Node& item, std::string path, Settings& settings, Complaints& complaints) {
    Fields fields(item, std::move(path), complaints);
    FailsafeRule rule;
    read_protocol_and_port(fields, rule.protocol, rule.port, complaints);
    rule.to = read_networks(fields, "to", false);
    rule.from = read_networks(fields, "from", true);
    const Node* to = fields.node().find("to");
    if (item.is_mapping() && (to == nullptr || (to->is_sequence() && to->items.empty()))) {
        const Node& place = to != nullptr ? *to : item;
        complaints.add(place.line, place.column, fields.path_to("to") + " must name at least one network",
                       "without it the port would be open on every machine behind the appliance, whatever policy says");
    }
    fields.finish();
    settings.failsafe.push_back(std::move(rule));
}

void read_management_rule(const Node& item, std::string path, Settings& settings, Complaints& complaints) {
    Fields fields(item, std::move(path), complaints);
    ManagementRule rule;
    read_protocol_and_port(fields, rule.protocol, rule.port, complaints);
    rule.to = read_networks(fields, "to", true);
    fields.finish();
    settings.management->push_back(std::move(rule));
}

// A duration has no end that a number could say, and 0 would read as none: so the word.
void read_existing_grace(Fields& flows, Settings& settings) {
    const Node* node = flows.take("existing-grace");
    if (node == nullptr) return;
    if (node->is_scalar() && node->scalar == "unlimited") return settings.existing_grace.reset();
    const auto value =
        read_duration(*node, "flows.existing-grace", std::chrono::seconds(1), std::chrono::hours(24 * 365),
                      flows.complaints(), "write a number with its unit: 30s, 5m, 2h; or unlimited");
    if (value) settings.existing_grace = *value;
}

void read_flow_history(Fields& flows, Settings& settings) {
    auto history = section(flows, "history");
    if (!history) return;
    std::uint64_t hours = static_cast<std::uint64_t>(settings.flow_history.keep.count());
    assign_integer(*history, "hours", 1, 8784, hours);
    settings.flow_history.keep = std::chrono::hours(hours);
    assign_integer(*history, "max-mb", 0, 1'048'576, settings.flow_history.max_mb);
    history->finish();
}

void read_flow_file(Fields& flows, Settings& settings) {
    auto file = section(flows, "log");
    if (!file) return;
    if (const Node* node = file->require("path")) {
        const auto path = read_text(*node, "flows.log.path", file->complaints());
        if (path && !path->starts_with('/'))
            file->complaints().add(node->line, node->column, "flows.log.path " + shown(*path) + " is not absolute",
                                   "write where the file lies, such as /var/log/drywall/flows.jsonl");
        settings.flow_file.path = path.value_or("");
    }
    assign_integer(*file, "max-mb", 1, 1'048'576, settings.flow_file.max_mb);
    assign_integer(*file, "files", 1, 1000, settings.flow_file.files);
    file->finish();
}

void read_flows(Fields& top, Settings& settings) {
    auto flows = section(top, "flows");
    if (!flows) return;
    assign_integer(*flows, "per-worker", 1024, kMostFlows, settings.flows_per_worker);
    assign_integer(*flows, "fragments-per-worker", 64, 1'048'576, settings.fragments_per_worker);
    if (flows->node().find("half-open-limit") != nullptr)
        assign_integer(*flows, "half-open-limit", 0, kMostFlows, settings.half_open_limit.emplace());
    assign_integer(*flows, "per-source-limit", 0, kMostFlows, settings.per_source_limit);
    if (const auto choice = flows->choice<MidStream>("mid-stream", kMidStreams)) settings.mid_stream = *choice;
    if (const auto choice = flows->choice<TcpWindow>("tcp-window", kTcpWindows)) settings.tcp_window = *choice;
    if (auto timeouts = section(*flows, "timeouts")) {
        constexpr std::chrono::seconds kShortest{1};
        constexpr std::chrono::hours kLongest{24 * 7};
        assign_duration(*timeouts, "tcp-established", kShortest, kLongest, settings.timeouts.tcp_established);
        assign_duration(*timeouts, "tcp-transitory", kShortest, kLongest, settings.timeouts.tcp_transitory);
        assign_duration(*timeouts, "tcp-half-open", kShortest, kLongest, settings.timeouts.tcp_half_open);
        assign_duration(*timeouts, "tcp-closed", kShortest, kLongest, settings.timeouts.tcp_closed);
        assign_duration(*timeouts, "sctp", kShortest, kLongest, settings.timeouts.sctp);
        assign_duration(*timeouts, "sctp-half-open", kShortest, kLongest, settings.timeouts.sctp_half_open);
        assign_duration(*timeouts, "udp", kShortest, kLongest, settings.timeouts.udp);
        assign_duration(*timeouts, "icmp", kShortest, kLongest, settings.timeouts.icmp);
        assign_duration(*timeouts, "other", kShortest, kLongest, settings.timeouts.other);
        assign_duration(*timeouts, "fragment", kShortest, std::chrono::minutes(2), settings.timeouts.fragment);
        timeouts->finish();
    }
    if (const Node* node = flows->take("report-interval")) {
        const auto value = read_duration(*node, "flows.report-interval", std::chrono::milliseconds(100),
                                         std::chrono::hours(1), flows->complaints());
        settings.flow_report_interval = value.value_or(settings.flow_report_interval);
    }
    read_existing_grace(*flows, settings);
    read_flow_history(*flows, settings);
    read_flow_file(*flows, settings);
    flows->finish();
}

}  // namespace

std::vector<net::Prefix> read_networks(Fields& fields, std::string_view name, bool everything) {
    std::vector<net::Prefix> networks;
    for (const Node& item : fields.list(name, 256)) {
        const auto text = read_text(item, "a network in " + fields.path_to(name), fields.complaints());
        if (!text) continue;
        const bool bare = text->find('/') == std::string::npos;
        const auto prefix = bare ? net::Prefix::parse_loose(*text) : net::Prefix::parse_strict(*text);
        if (!prefix) {
            fields.complaints().add(
                item.line, item.column, shown(*text) + " is not a network",
                "write it as 192.0.2.10, 192.0.2.0/24 or 2001:db8::/32, without bits past the length");
        } else if (prefix->length == 0 && !everything) {
            fields.complaints().add(item.line, item.column,
                                    shown(*text) + " would open every machine behind the appliance",
                                    "name the machines that must stay reachable");
        } else {
            networks.push_back(*prefix);
        }
    }
    return networks;
}

std::vector<NonIpRule> default_non_ip() { return {{net::ether_type::kArp, Verdict::kAllow}}; }

void read_traffic(Fields& top, Settings& settings) {
    if (const auto posture = top.choice<Posture>("posture", kPostures)) settings.posture = *posture;
    settings.unmatched = settings.posture == Posture::kOpen ? Verdict::kAllow : Verdict::kDeny;
    settings.mid_stream = settings.posture == Posture::kOpen ? MidStream::kAllow : MidStream::kDrop;
    if (const auto verdict = top.choice<Verdict>("unmatched", kVerdicts)) settings.unmatched = *verdict;
    if (const auto check = top.choice<net::AddressCheck>("addresses", kAddressChecks)) settings.addresses = *check;
    if (const auto verify = top.choice<bool>("checksums", kChecksums)) settings.verify_checksums = *verify;
    read_non_ip(top, settings);
    if (const auto pass = top.choice<bool>("neighbour-discovery", kNeighbourDiscovery))
        settings.neighbour_discovery = *pass;
    std::size_t i = 0;
    for (const Node& item : top.list("failsafe", 64)) {
        read_failsafe_rule(item, "failsafe[" + std::to_string(i++) + "]", settings, top.complaints());
    }
    if (top.node().find("management") != nullptr) settings.management.emplace();  // the written list is the whole list
    i = 0;
    for (const Node& item : top.list("management", 64)) {
        read_management_rule(item, "management[" + std::to_string(i++) + "]", settings, top.complaints());
    }
    if (const auto calico = top.choice<bool>("pending", kPending)) settings.pending_as_calico = *calico;
}

void read_limits(Fields& top, Settings& settings) {
    read_flows(top, settings);
    if (auto stats = section(top, "stats")) {
        assign_integer(*stats, "event-ring", 64, 1'048'576, settings.event_ring);
        stats->finish();
    }
    if (const Node* node = top.take("swap-timeout")) {
        const auto value = read_duration(*node, "swap-timeout", std::chrono::milliseconds(10), std::chrono::seconds(60),
                                         top.complaints());
        settings.swap_timeout = value.value_or(settings.swap_timeout);
    }
    assign_integer(top, "ruleset-memory-mb", 16, 1'048'576, settings.ruleset_memory_mb);
}

}  // namespace drywall::loader
