// A rule and its two entities, with the couplings that Calico checks: ports need a protocol that has them, ICMP types
// need ICMP, and all addresses of a rule are of one family.
#include <algorithm>
#include <array>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

using net::Family;
using policy::EntityRule;
using policy::PortRange;
using policy::Rule;

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpV6 = 58;
constexpr std::uint8_t kSctp = 132;

constexpr std::array<Choice<std::uint8_t>, 6> kProtocols{Choice<std::uint8_t>{"TCP", kTcp},
                                                         {"UDP", kUdp},
                                                         {"ICMP", kIcmp},
                                                         {"ICMPv6", kIcmpV6},
                                                         {"SCTP", kSctp},
                                                         {"UDPLite", 136}};

constexpr std::array<Choice<Action>, 4> kActions{
    Choice<Action>{"Allow", Action::kAllow}, {"Deny", Action::kDeny}, {"Pass", Action::kPass}, {"Log", Action::kLog}};

std::string family_name(Family family) { return family == Family::kIPv4 ? "IPv4" : "IPv6"; }

// The family that the rule is bound to so far, and by what.
struct BoundFamily {
    std::optional<Family> family;
    std::string by;
};

class RuleReader {
public:
    RuleReader(const Node& node, std::string path, Complaints& complaints)
        : complaints_(complaints), fields_(node, std::move(path), complaints) {}

    Rule read() {
        if (const Node* node = fields_.require("action")) {
            const auto action = read_choice<Action>(*node, fields_.path_to("action"), kActions, complaints_);
            if (action) rule_.action = *action;
        }
        read_ip_version();
        rule_.protocol = read_protocol("protocol");
        rule_.not_protocol = read_protocol("notProtocol");
        read_icmp();
        rule_.source = read_entity("source");
        rule_.destination = read_entity("destination");
        fields_.unsupported("http", "a rule without it would match more than was written");
        read_annotations_of_rule();
        fields_.finish();
        return std::move(rule_);
    }

private:
    void read_ip_version() {
        const Node* node = fields_.take("ipVersion");
        if (node == nullptr) return;
        const bool plain = node->is_scalar() && !node->quoted;
        if (plain && (node->scalar == "4" || node->scalar == "6")) {
            rule_.ip_version = node->scalar == "4" ? Family::kIPv4 : Family::kIPv6;
            bound_ = {rule_.ip_version, "ipVersion: " + node->scalar};
            return;
        }
        complaints_.add(node->line, node->column,
                        fields_.path_to("ipVersion") + " must be 4 or 6, not " + described(*node));
    }

    // A name in Calico's spelling, a number, or the number's digits in quotes.
    std::optional<std::uint8_t> read_protocol(std::string_view name) {
        const Node* node = fields_.take(name);
        if (node == nullptr) return std::nullopt;
        std::optional<std::uint8_t> protocol;
        if (node->is_scalar()) {
            if (const auto number = parse_decimal(node->scalar)) {
                if (*number >= 1 && *number <= 255) protocol = static_cast<std::uint8_t>(*number);
            } else {
                for (const auto& [word, value] : kProtocols)
                    if (word == node->scalar) protocol = value;
            }
        }
        if (!protocol) {
            complain_about_protocol(*node, name);
        } else {
            check_icmp_family(*node, name, *protocol);
        }
        return protocol;
    }

    void complain_about_protocol(const Node& node, std::string_view name) {
        std::vector<std::string_view> names;
        for (const auto& [word, value] : kProtocols) names.push_back(word);
        std::string hint = node.is_scalar() ? did_you_mean(node.scalar, names) : "";
        if (hint.empty()) hint = "write a number in 1-255 or one of " + joined(names);
        complaints_.add(node.line, node.column, fields_.path_to(name) + " can't be " + described(node),
                        std::move(hint));
    }

    void check_icmp_family(const Node& node, std::string_view name, std::uint8_t protocol) {
        const bool wrong = (protocol == kIcmp && rule_.ip_version == Family::kIPv6) ||
                           (protocol == kIcmpV6 && rule_.ip_version == Family::kIPv4);
        if (!wrong) return;
        complaints_.add(node.line, node.column,
                        fields_.path_to(name) + ": " + (protocol == kIcmp ? "ICMP is IPv4's" : "ICMPv6 is IPv6's") +
                            ", but the rule has " + bound_.by);
    }

    void read_icmp() {
        if (const Node* node = fields_.take("icmp")) {
            rule_.icmp = read_icmp_match(*node, "icmp");
            if (rule_.protocol != kIcmp && rule_.protocol != kIcmpV6) {
                complaints_.add(node->line, node->column, fields_.path_to("icmp") + " needs protocol ICMP or ICMPv6");
            }
        }
        if (const Node* node = fields_.take("notICMP")) rule_.not_icmp = read_icmp_match(*node, "notICMP");
    }

    std::optional<policy::Icmp> read_icmp_match(const Node& node, std::string_view name) {
        Fields match(node, fields_.path_to(name), complaints_);
        const auto type = match.integer("type", 0, 254);
        const auto code = match.integer("code", 0, 255);
        match.finish();
        if (!node.is_mapping()) return std::nullopt;
        if (node.find("type") == nullptr) {
            complaints_.add(node.line, node.column, match.path() + " needs a type");
        }
        if (!type) return std::nullopt;
        policy::Icmp icmp{static_cast<std::uint8_t>(*type), std::nullopt};
        if (code) icmp.code = static_cast<std::uint8_t>(*code);
        return icmp;
    }

    EntityRule read_entity(std::string_view name) {
        EntityRule entity;
        const Node* node = fields_.take(name);
        if (node == nullptr) return entity;
        Fields fields(*node, fields_.path_to(name), complaints_);
        entity.nets = read_nets(fields, "nets");
        entity.not_nets = read_nets(fields, "notNets");
        entity.selector = read_selector(fields, "selector");
        entity.not_selector = read_selector(fields, "notSelector");
        // "" is no restriction at all; all() is any declared endpoint or set. Only what is not "" is kept.
        if (entity.selector == "") entity.selector.reset();
        if (entity.not_selector == "") entity.not_selector.reset();
        entity.ports = read_ports(fields, "ports");
        entity.not_ports = read_ports(fields, "notPorts");
        for (const std::string_view later : {"namespaceSelector", "serviceAccounts", "services"}) {
            fields.unsupported(later, "a rule without it would match more than was written");
        }
        fields.finish();
        return entity;
    }

    std::vector<net::Prefix> read_nets(Fields& fields, std::string_view name) {
        std::vector<net::Prefix> nets;
        for (const Node& item : fields.list(name, kMaxNets)) {
            const auto text = read_text(item, "a net in " + fields.path_to(name), complaints_);
            if (!text) continue;
            const auto prefix = net::Prefix::parse_strict(*text);
            if (!prefix) {
                complain_about_net(item, *text);
                continue;
            }
            bind_family(item, *prefix);
            if (name == "notNets" && prefix->length == 0) {
                complaints_.add(item.line, item.column,
                                shown(*text) + " in " + fields.path_to(name) + " excludes every address",
                                "the rule would match nothing");
            }
            nets.push_back(*prefix);
        }
        return nets;
    }

    void complain_about_net(const Node& item, const std::string& text) {
        std::string hint = "write a network as 10.0.0.0/8 or 2001:db8::/32";
        if (const auto loose = net::Prefix::parse_loose(text)) {
            const bool bare = text.find('/') == std::string::npos;
            hint = bare ? "write " + loose->text() : "it has bits set past its length; write " + loose->text();
        }
        complaints_.add(item.line, item.column, shown(text) + " is not a network", std::move(hint));
    }

    void bind_family(const Node& item, const net::Prefix& prefix) {
        const Family family = prefix.address.family;
        if (!bound_.family) bound_ = {family, prefix.text()};
        if (bound_.family == family) return;
        complaints_.add(item.line, item.column,
                        prefix.text() + " is " + family_name(family) + ", but the rule already has " + bound_.by,
                        "write one rule per family");
    }

    std::vector<PortRange> read_ports(Fields& fields, std::string_view name) {
        std::vector<PortRange> ports;
        for (const Node& item : fields.list(name, kMaxPorts)) {
            const auto range = read_port(item, fields.path_to(name));
            if (!range) continue;
            if (ports.empty()) require_ports_protocol(item, fields.path_to(name));
            ports.push_back(*range);
        }
        return ports;
    }

    // 80, "80", "1000:2000". Anything else would be a named port.
    std::optional<PortRange> read_port(const Node& item, const std::string& path) {
        if (!item.is_scalar()) {
            complaints_.add(item.line, item.column,
                            "a port in " + path + " must be a number or a range, not " + described(item));
            return std::nullopt;
        }
        const std::string_view text = item.scalar;
        const std::size_t colon = text.find(':');
        const auto first = parse_decimal(text.substr(0, colon));
        const auto last = colon == std::string_view::npos ? first : parse_decimal(text.substr(colon + 1));
        if (first && last && *first >= 1 && *first <= *last && *last <= 65535) {
            return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
        }
        complain_about_port(item, path, first && last && *first > *last);
        return std::nullopt;
    }

    void complain_about_port(const Node& item, const std::string& path, bool backwards) {
        const std::string_view text = item.scalar;
        const bool letters = std::any_of(text.begin(), text.end(),
                                         [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
        const bool hex = text.starts_with("0x");
        if (letters && !hex) {
            complaints_.unsupported(item.line, item.column,
                                    path + ": port " + shown(text) + ": named ports are not supported yet",
                                    "write the number");
            return;
        }
        std::string hint = "write a port in 1-65535 or a range as 1000:2000";
        if (backwards) hint = "a range runs from the lower to the higher port";
        complaints_.add(item.line, item.column, path + ": " + shown(text) + " is not a port", std::move(hint));
    }

    void require_ports_protocol(const Node& item, const std::string& path) {
        if (rule_.protocol == kTcp || rule_.protocol == kUdp || rule_.protocol == kSctp) return;
        if (!rule_.protocol && fields_.node().find("protocol") != nullptr) return;  // its own complaint is enough
        complaints_.add(item.line, item.column, path + " needs protocol TCP, UDP or SCTP",
                        rule_.protocol ? "the rule's protocol has no ports" : "add 'protocol' to the rule");
    }

    void read_annotations_of_rule() {
        const Node* node = fields_.take("metadata");
        if (node == nullptr) return;
        Fields metadata(*node, fields_.path_to("metadata"), complaints_);
        rule_.annotations = read_annotations(metadata);
        metadata.finish();
    }

    Complaints& complaints_;
    Fields fields_;
    Rule rule_;
    BoundFamily bound_;
};

}  // namespace

Rule read_rule(const Node& node, std::string path, Complaints& complaints) {
    return RuleReader(node, std::move(path), complaints).read();
}

}  // namespace drywall::loader
