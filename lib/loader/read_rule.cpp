// A rule, with the couplings that Calico checks: ICMP types need ICMP, HTTP needs TCP and Allow, and all addresses of a
// rule are of one family.
#include <algorithm>
#include <array>
#include <set>

#include "read_entity.h"
#include "resource_readers.h"

namespace drywall::loader {
namespace {

using net::Family;
using policy::Rule;

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpV6 = 58;
constexpr std::uint8_t kSctp = 132;

constexpr std::size_t kMaxHttpItems = 20;
constexpr std::size_t kMaxHttpPath = 1024;

constexpr std::array<Choice<std::uint8_t>, 6> kProtocols{Choice<std::uint8_t>{"TCP", kTcp},
                                                         {"UDP", kUdp},
                                                         {"ICMP", kIcmp},
                                                         {"ICMPv6", kIcmpV6},
                                                         {"SCTP", kSctp},
                                                         {"UDPLite", 136}};

constexpr std::array<Choice<Action>, 4> kActions{
    Choice<Action>{"Allow", Action::kAllow}, {"Deny", Action::kDeny}, {"Pass", Action::kPass}, {"Log", Action::kLog}};

void complain_about_protocol(Fields& fields, const Node& node, std::string_view name) {
    std::vector<std::string_view> names;
    for (const auto& [word, value] : kProtocols) names.push_back(word);
    std::string hint = node.is_scalar() ? did_you_mean(node.scalar, names) : "";
    if (hint.empty()) hint = "write a number in 1-255 or one of " + joined(names);
    fields.complaints().add(node.line, node.column, fields.path_to(name) + " can't be " + described(node),
                            std::move(hint));
}

std::optional<std::uint8_t> protocol_of(const Node& node) {
    if (!node.is_scalar()) return std::nullopt;
    if (const auto number = parse_decimal(node.scalar)) {
        if (*number < 1 || *number > 255) return std::nullopt;
        return static_cast<std::uint8_t>(*number);
    }
    for (const auto& [word, value] : kProtocols)
        if (word == node.scalar) return value;
    return std::nullopt;
}

class RuleReader {
public:
    RuleReader(const Node& node, std::string path, const RuleContext& context, Complaints& complaints)
        : complaints_(complaints), fields_(node, std::move(path), complaints), context_(context) {
        rule_.spot = {node.line, node.column};
    }

    Rule read() {
        if (const Node* node = fields_.require("action")) {
            const auto action = read_choice<Action>(*node, fields_.path_to("action"), kActions, complaints_);
            if (action) rule_.action = *action;
            has_action_ = action.has_value();
        }
        read_ip_version();
        rule_.protocol = read_family_protocol("protocol");
        rule_.not_protocol = read_family_protocol("notProtocol");
        read_icmp();
        rule_.source = read_entity(fields_, Side::kSource, rule_, context_, bound_);
        rule_.destination = read_entity(fields_, Side::kDestination, rule_, context_, bound_);
        check_action_of_domains();
        read_http();
        read_annotations_of_rule();
        fields_.finish();
        warn_of_icmp_of_the_other_family();
        return std::move(rule_);
    }

private:
    void complain(const Node& node, std::string message, std::string hint = {}) {
        complaints_.add(node.line, node.column, std::move(message), std::move(hint));
    }

    void read_ip_version() {
        const Node* node = fields_.take("ipVersion");
        if (node == nullptr) return;
        const bool plain = node->is_scalar() && !node->quoted;
        if (plain && (node->scalar == "4" || node->scalar == "6")) {
            rule_.ip_version = node->scalar == "4" ? Family::kIPv4 : Family::kIPv6;
            bound_ = {rule_.ip_version, "ipVersion: " + node->scalar};
            return;
        }
        complain(*node, fields_.path_to("ipVersion") + " must be 4 or 6, not " + described(*node));
    }

    std::optional<std::uint8_t> read_family_protocol(std::string_view name) {
        const auto protocol = read_protocol(fields_, name);
        const bool wrong = (protocol == kIcmp && rule_.ip_version == Family::kIPv6) ||
                           (protocol == kIcmpV6 && rule_.ip_version == Family::kIPv4);
        if (!wrong) return protocol;
        complain(*fields_.node().find(name), fields_.path_to(name) + ": " +
                                                 (protocol == kIcmp ? "ICMP is IPv4's" : "ICMPv6 is IPv6's") +
                                                 ", but the rule has " + bound_.by);
        return protocol;
    }

    void read_icmp() {
        if (const Node* node = fields_.take("icmp")) {
            rule_.icmp = read_icmp_match(*node, "icmp");
            if (rule_.protocol != kIcmp && rule_.protocol != kIcmpV6) {
                complain(*node, fields_.path_to("icmp") + " needs protocol ICMP or ICMPv6");
            }
        }
        if (const Node* node = fields_.take("notICMP")) rule_.not_icmp = read_icmp_match(*node, "notICMP");
    }

    // Without a type it restricts nothing.
    std::optional<policy::Icmp> read_icmp_match(const Node& node, std::string_view name) {
        Fields match(node, fields_.path_to(name), complaints_);
        const auto type = match.integer("type", 0, 254);
        const auto code = match.integer("code", 0, 255);
        match.finish();
        if (node.find("code") != nullptr && node.find("type") == nullptr) {
            complain(node, match.path() + " needs a type");
        }
        if (!type) return std::nullopt;
        policy::Icmp icmp{static_cast<std::uint8_t>(*type), std::nullopt};
        if (code) icmp.code = static_cast<std::uint8_t>(*code);
        return icmp;
    }

    // What a name resolves to can be allowed but not denied, since not every address of it need be known.
    void check_action_of_domains() {
        if (!has_action_ || rule_.action == Action::kAllow || rule_.destination.domains.empty()) return;
        const Node& node = *fields_.node().find("destination")->find("domains");
        complain(node, fields_.path_to("destination") + ".domains needs action Allow",
                 "not every address of a name need be known: allow what is meant, and deny the rest");
    }

    void read_http() {
        const Node* node = fields_.take("http");
        if (node == nullptr) return;
        const std::string path = fields_.path_to("http");
        if (has_action_ && rule_.action != Action::kAllow) complain(*node, path + " needs action Allow");
        if (rule_.protocol && rule_.protocol != kTcp) complain(*node, path + " needs protocol TCP, or none");
        if (context_.direction == Direction::kEgress) complain(*node, path + " is for ingress rules only");
        Fields fields(*node, path, complaints_);
        policy::HttpMatch match;
        read_http_methods(fields, match);
        for (const Node& item : fields.list("paths", kMaxHttpItems)) {
            if (auto http_path = read_http_path(item, fields.path_to("paths"))) match.paths.push_back(*http_path);
        }
        fields.finish();
        rule_.http = std::move(match);
    }

    void read_http_methods(Fields& fields, policy::HttpMatch& match) {
        std::set<std::string> seen;
        for (const Node& item : fields.list("methods", kMaxHttpItems)) {
            const auto method = read_text(item, "a method in " + fields.path_to("methods"), complaints_);
            if (!method) continue;
            if (!seen.insert(*method).second)
                complain(item, fields.path_to("methods") + " names " + shown(*method) + " twice");
            match.methods.push_back(*method);
        }
    }

    std::optional<policy::HttpPath> read_http_path(const Node& item, const std::string& list) {
        Fields fields(item, "a path in " + list, complaints_);
        const std::string exact = fields.text("exact").value_or("");
        const std::string prefix = fields.text("prefix").value_or("");
        fields.finish();
        if (!item.is_mapping()) return std::nullopt;
        if (exact.empty() == prefix.empty()) {
            complain(item, "a path in " + list + " needs either 'exact' or 'prefix'");
            return std::nullopt;
        }
        const std::string& text = exact.empty() ? prefix : exact;
        const bool bad = text.front() != '/' || text.find_first_of("? #") != std::string::npos;
        if (bad || text.size() > kMaxHttpPath) {
            complain(item, shown(text) + " is not a path",
                     "it starts with '/', has no '?', '#' or blank in it, and at most 1024 characters");
        }
        return policy::HttpPath{exact.empty(), text};
    }

    void read_annotations_of_rule() {
        const Node* node = fields_.take("metadata");
        if (node == nullptr) return;
        Fields metadata(*node, fields_.path_to("metadata"), complaints_);
        rule_.annotations = read_annotations(metadata);
        metadata.finish();
    }

    void warn_of_icmp_of_the_other_family() {
        if (rule_.ip_version || !bound_.family || !rule_.protocol) return;  // with an ipVersion it is an error
        const bool wrong = (*rule_.protocol == kIcmp && bound_.family == Family::kIPv6) ||
                           (*rule_.protocol == kIcmpV6 && bound_.family == Family::kIPv4);
        if (!wrong) return;
        const Node& node = *fields_.node().find("protocol");
        complaints_.warn(node.line, node.column,
                         fields_.path() +
                             " can never match: " + (*rule_.protocol == kIcmp ? "ICMP is IPv4's" : "ICMPv6 is IPv6's") +
                             ", and " + bound_.by + " is " + std::string(name_of(*bound_.family)));
    }

    Complaints& complaints_;
    Fields fields_;
    const RuleContext& context_;
    Rule rule_;
    BoundFamily bound_;
    bool has_action_ = false;
};

}  // namespace

bool has_ports(std::uint8_t protocol) noexcept { return protocol == kTcp || protocol == kUdp || protocol == kSctp; }

std::optional<std::uint8_t> read_protocol(Fields& fields, std::string_view name) {
    const Node* node = fields.take(name);
    if (node == nullptr) return std::nullopt;
    const auto protocol = protocol_of(*node);
    if (!protocol) complain_about_protocol(fields, *node, name);
    return protocol;
}

Rule read_rule(const Node& node, std::string path, const RuleContext& context, Complaints& complaints) {
    return RuleReader(node, std::move(path), context, complaints).read();
}

std::vector<Rule> read_rules(Fields& fields, std::string_view name, const RuleContext& context) {
    std::vector<Rule> rules;
    std::size_t i = 0;
    for (const Node& item : fields.list(name, kMaxRules)) {
        const std::string path = fields.path_to(name) + "[" + std::to_string(i++) + "]";
        rules.push_back(read_rule(item, path, context, fields.complaints()));
    }
    return rules;
}

}  // namespace drywall::loader
