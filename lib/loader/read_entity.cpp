// One side of a rule: networks, selectors, service accounts, services and ports, and which of them exclude each other.
#include "read_entity.h"

#include <algorithm>

namespace drywall::loader {
namespace {

using policy::EntityRule;
using policy::PortRange;

bool is_name_char(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

class EntityReader {
public:
    EntityReader(const Node& node, Fields& rule_fields, Side side, const policy::Rule& rule, const RuleContext& context,
                 BoundFamily& bound)
        : complaints_(rule_fields.complaints()),
          fields_(node, rule_fields.path_to(side == Side::kSource ? "source" : "destination"), complaints_),
          side_(side),
          rule_(rule),
          bad_protocol_(!rule.protocol && rule_fields.node().find("protocol") != nullptr),
          context_(context),
          bound_(bound) {}

    EntityRule read() {
        entity_.nets = read_nets("nets");
        entity_.not_nets = read_nets("notNets");
        entity_.selector = said(read_selector(fields_, "selector"));
        entity_.not_selector = said(read_selector(fields_, "notSelector"));
        entity_.namespace_selector = said(read_namespace_selector(fields_, "namespaceSelector"));
        entity_.service_accounts = read_service_accounts();
        read_ports("ports", entity_.ports, entity_.named_ports);
        read_ports("notPorts", entity_.not_ports, entity_.not_named_ports);
        read_services();
        read_domains_of_rule();
        fields_.finish();
        return std::move(entity_);
    }

private:
    // "" is no restriction at all; all() is any declared endpoint or set. Only what is not "" is kept.
    static std::optional<std::string> said(std::optional<std::string> selector) {
        return selector == "" ? std::nullopt : std::move(selector);
    }

    std::vector<net::Prefix> read_nets(std::string_view name) {
        std::vector<net::Prefix> nets;
        for (const Node& item : fields_.list(name, kMaxNets)) {
            const auto text = read_text(item, "a net in " + fields_.path_to(name), complaints_);
            if (!text) continue;
            const auto prefix = net::Prefix::parse_strict(*text);
            if (!prefix) {
                complain_about_net(item, *text);
                continue;
            }
            bind_family(item, *prefix);
            if (name == "notNets" && prefix->length == 0) {
                complaints_.add(item.line, item.column,
                                shown(*text) + " in " + fields_.path_to(name) + " excludes every address",
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
        const net::Family family = prefix.address.family;
        if (!bound_.family) bound_ = {family, prefix.text()};
        if (bound_.family == family) return;
        complaints_.add(
            item.line, item.column,
            prefix.text() + " is " + std::string(name_of(family)) + ", but the rule already has " + bound_.by,
            "write one rule per family");
    }

    std::optional<policy::ServiceAccountMatch> read_service_accounts() {
        const Node* node = fields_.take("serviceAccounts");
        if (node == nullptr) return std::nullopt;
        Fields fields(*node, fields_.path_to("serviceAccounts"), complaints_);
        policy::ServiceAccountMatch match;
        for (const Node& item : fields.list("names", kUnlimited)) {
            const auto name = read_text(item, "a name in " + fields.path_to("names"), complaints_);
            if (!name) continue;
            if (!is_dns_subdomain(*name)) {
                complaints_.add(item.line, item.column, shown(*name) + " can't be the name of a service account",
                                "use lower-case letters, digits, '-' and '.'");
            }
            match.names.push_back(*name);
        }
        match.selector = said(read_selector(fields, "selector"));
        fields.finish();
        return match;
    }

    void read_services() {
        const Node* node = fields_.take("services");
        if (node == nullptr) return;
        Fields fields(*node, fields_.path_to("services"), complaints_);
        policy::ServiceMatch match{read_object_name(fields, "name"), read_object_name(fields, "namespace")};
        fields.finish();
        if (!node->is_mapping()) return;
        const auto unsaid = [&](std::string_view name) {
            const Node* value = node->find(name);
            return value == nullptr || is_empty_value(*value);
        };
        if (unsaid("name")) complaints_.add(node->line, node->column, fields.path_to("name") + " is missing");
        if (unsaid("namespace") && !context_.namespaced) {
            complaints_.add(node->line, node->column, fields.path_to("namespace") + " is missing",
                            "the policy is cluster-wide, and so the service's namespace does not follow from it");
        }
        check_place_of_services(*node);
        check_company_of_services(*node);
        complaints_.warn(node->line, node->column,
                         fields.path() + " matches the backends that the service's EndpointSlices name",
                         "packets to the service's own cluster IP do not match; without an EndpointSlice nothing does");
        entity_.services = std::move(match);
    }

    std::string read_object_name(Fields& fields, std::string_view name) {
        const auto text = fields.text(name);
        if (!text || text->empty() || is_dns_subdomain(*text)) return text.value_or("");
        const Node& node = *fields.node().find(name);
        complaints_.add(node.line, node.column, shown(*text) + " can't be " + fields.path_to(name),
                        "use lower-case letters, digits, '-' and '.'");
        return {};
    }

    // A service is the far end: where ingress comes from, where egress goes to.
    void check_place_of_services(const Node& node) {
        const Side far = context_.direction == Direction::kIngress ? Side::kSource : Side::kDestination;
        if (side_ == far) return;
        complaints_.add(node.line, node.column,
                        fields_.path_to("services") +
                            " is not allowed: a service is the source of an ingress rule or "
                            "the destination of an egress rule");
    }

    void check_company_of_services(const Node& node) {
        std::vector<std::string_view> company{"nets",        "notNets",           "selector",
                                              "notSelector", "namespaceSelector", "serviceAccounts"};
        if (side_ == Side::kDestination) company.insert(company.end(), {"ports", "notPorts"});
        for (const std::string_view other : company) {
            const Node* value = fields_.node().find(other);
            if (value == nullptr || is_empty_value(*value)) continue;
            complaints_.add(node.line, node.column,
                            fields_.path_to("services") + " can't be combined with " + std::string(other),
                            other.ends_with("orts") ? "the service says which ports" : "the service says who it is");
        }
    }

    // As in Calico's commercial editions.
    void read_domains_of_rule() {
        const Node* node = fields_.node().find("domains");
        entity_.domains = read_domains(fields_, "domains", kMaxDomains);
        if (node == nullptr || is_empty_value(*node)) return;
        const auto complain = [&](const std::string& message, std::string hint) {
            complaints_.add(node->line, node->column, fields_.path_to("domains") + message, std::move(hint));
        };
        if (side_ == Side::kSource || context_.direction == Direction::kIngress)
            complain(" is for the destination of egress rules only", "who comes in is named by nets or by a selector");
        for (const std::string_view other :
             {"nets", "notNets", "selector", "notSelector", "namespaceSelector", "serviceAccounts", "services"}) {
            const Node* value = fields_.node().find(other);
            if (value != nullptr && !is_empty_value(*value))
                complain(" can't be combined with " + std::string(other), "the names say who it is");
        }
    }

    void read_ports(std::string_view name, std::vector<PortRange>& ranges, std::vector<std::string>& names) {
        bool complained = false;
        for (const Node& item : fields_.list(name, kMaxPorts)) {
            const std::string path = fields_.path_to(name);
            if (const auto range = read_range(item)) {
                if (!complained) complained = refused_by_protocol(item, path, true);
                ranges.push_back(*range);
            } else if (auto port = read_port_name(item, path)) {
                if (!complained) complained = refused_by_protocol(item, path, false);
                names.push_back(*std::move(port));
            }
        }
        if (names.empty() || rule_.protocol || bad_protocol_) return;
        const Node& list = *fields_.node().find(name);
        complaints_.warn(list.line, list.column,
                         fields_.path_to(name) +
                             " names ports, and the rule has no protocol: they are looked up among TCP, UDP and SCTP",
                         "add 'protocol' to the rule if one of them is meant");
    }

    // 80, "80", "1000:2000".
    static std::optional<PortRange> read_range(const Node& item) {
        if (!item.is_scalar()) return std::nullopt;
        const std::string_view text = item.scalar;
        const std::size_t colon = text.find(':');
        const auto first = parse_decimal(text.substr(0, colon));
        const auto last = colon == std::string_view::npos ? first : parse_decimal(text.substr(colon + 1));
        if (!first || !last || *first < 1 || *first > *last || *last > 65535) return std::nullopt;
        return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
    }

    std::optional<std::string> read_port_name(const Node& item, const std::string& path) {
        if (!item.is_scalar()) {
            complaints_.add(item.line, item.column,
                            "a port in " + path + " must be a number, a range or a name, not " + described(item));
            return std::nullopt;
        }
        const std::string& text = item.scalar;
        const bool letters = std::any_of(text.begin(), text.end(),
                                         [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
        if (!letters || (!item.quoted && reads_as_another_type(text))) {
            complain_about_number(item, path);
            return std::nullopt;
        }
        if (const std::string_view trouble = trouble_with_port_name(text); !trouble.empty()) {
            complaints_.add(item.line, item.column, path + ": " + shown(text) + " is neither a port nor a port's name",
                            "a name " + std::string(trouble));
            return std::nullopt;
        }
        return text;
    }

    void complain_about_number(const Node& item, const std::string& path) {
        const std::string_view text = item.scalar;
        const std::size_t colon = text.find(':');
        const auto first = parse_decimal(text.substr(0, colon));
        const auto last = colon == std::string_view::npos ? first : parse_decimal(text.substr(colon + 1));
        std::string hint = "write a port in 1-65535 or a range as 1000:2000";
        if (first && last && *first > *last) hint = "a range runs from the lower to the higher port";
        complaints_.add(item.line, item.column, path + ": " + shown(text) + " is not a port", std::move(hint));
    }

    // Whether ports can't stand beside the rule's protocol, which is said then. Only names can do without one.
    bool refused_by_protocol(const Node& item, const std::string& path, bool numeric) {
        if (rule_.protocol ? has_ports(*rule_.protocol) : !numeric || bad_protocol_) return false;
        complaints_.add(item.line, item.column, path + " needs protocol TCP, UDP or SCTP",
                        rule_.protocol ? "the rule's protocol has no ports" : "add 'protocol' to the rule");
        return true;
    }

    Complaints& complaints_;
    Fields fields_;
    const Side side_;
    const policy::Rule& rule_;
    const bool bad_protocol_;  // it has a complaint of its own, which is enough
    const RuleContext& context_;
    BoundFamily& bound_;
    EntityRule entity_;
};

}  // namespace

std::string_view name_of(net::Family family) noexcept { return family == net::Family::kIPv4 ? "IPv4" : "IPv6"; }

std::string_view trouble_with_port_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 15) return "has 1 to 15 characters";
    if (!std::all_of(name.begin(), name.end(), is_name_char)) return "is lower-case letters, digits and '-'";
    if (std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; })) return "needs a letter";
    const bool hyphen = name.front() == '-' || name.back() == '-' || name.find("--") != std::string_view::npos;
    return hyphen ? "neither starts nor ends with '-', and has no two in a row" : "";
}

EntityRule read_entity(Fields& rule_fields, Side side, const policy::Rule& rule, const RuleContext& context,
                       BoundFamily& bound) {
    const Node* node = rule_fields.take(side == Side::kSource ? "source" : "destination");
    if (node == nullptr) return {};
    return EntityReader(*node, rule_fields, side, rule, context, bound).read();
}

}  // namespace drywall::loader
