#include "lowering.h"

#include <algorithm>

#include "drywall/net/packet_meta.h"

namespace drywall::ruleset {

namespace {

struct Families {
    bool v4 = true;
    bool v6 = true;

    void only(net::Family family) {
        v4 = v4 && family == net::Family::kIPv4;
        v6 = v6 && family == net::Family::kIPv6;
    }
    void only_those_of(const std::vector<net::Prefix>& nets) {
        if (nets.empty()) return;
        const auto has = [&nets](net::Family family) {
            return std::any_of(nets.begin(), nets.end(),
                               [family](const net::Prefix& net) { return net.address.family == family; });
        };
        v4 = v4 && has(net::Family::kIPv4);
        v6 = v6 && has(net::Family::kIPv6);
    }
};

Families families_of(const policy::Rule& rule) {
    Families families;
    if (rule.ip_version) families.only(*rule.ip_version);
    if (rule.protocol == net::protocol::kIcmp) families.only(net::Family::kIPv4);
    if (rule.protocol == net::protocol::kIcmpv6) families.only(net::Family::kIPv6);
    for (const policy::EntityRule* entity : {&rule.source, &rule.destination}) {
        families.only_those_of(entity->nets);
        families.only_those_of(entity->not_nets);
    }
    return families;
}

std::vector<classify::PortRange> lower_ports(const std::vector<policy::PortRange>& ports) {
    std::vector<classify::PortRange> lowered;
    lowered.reserve(ports.size());
    for (const policy::PortRange& range : ports) lowered.push_back({range.first, range.last});
    return lowered;
}

std::optional<classify::IcmpMatch> lower_icmp(const std::optional<policy::Icmp>& icmp) {
    if (!icmp) return std::nullopt;
    return classify::IcmpMatch{.type = icmp->type, .code = icmp->code};
}

// An absent selector and an empty one restrict nothing (a blank one does: it is all()).
bool restricts(const std::optional<std::string>& selector) { return selector && !selector->empty(); }

std::string text_of(std::vector<net::Prefix> nets) {
    std::sort(nets.begin(), nets.end());
    std::string text;
    for (const net::Prefix& net : nets) text += net.text() + " ";
    return text;
}

std::string text_of(const std::vector<policy::PortRange>& ports) {
    std::string text;
    for (const policy::PortRange& range : ports)
        text += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
    return text;
}

std::string text_of(const std::optional<policy::Icmp>& icmp) {
    if (!icmp) return "any";
    return std::to_string(icmp->type) + "/" + (icmp->code ? std::to_string(*icmp->code) : "any");
}

std::string text_of(const std::optional<std::uint8_t>& number) { return number ? std::to_string(*number) : "any"; }

const std::vector<policy::Rule>& rules_of(const Participant& participant, Direction direction) {
    return direction == Direction::kIngress ? participant.policy->ingress : participant.policy->egress;
}

}  // namespace

std::optional<classify::ServiceMatch> lower_service(const policy::Rule& rule) {
    const Families families = families_of(rule);
    if (!families.v4 && !families.v6) return std::nullopt;
    classify::ServiceMatch service;
    if (!families.v6) service.family = net::Family::kIPv4;
    if (!families.v4) service.family = net::Family::kIPv6;
    service.protocol = rule.protocol;
    service.not_protocol = rule.not_protocol;
    service.icmp = lower_icmp(rule.icmp);
    service.not_icmp = lower_icmp(rule.not_icmp);
    service.source_ports = lower_ports(rule.source.ports);
    service.destination_ports = lower_ports(rule.destination.ports);
    service.not_source_ports = lower_ports(rule.source.not_ports);
    service.not_destination_ports = lower_ports(rule.destination.not_ports);
    return service;
}

std::string service_text(std::uint8_t protocol, std::uint16_t port) {
    const std::string name = protocol == net::protocol::kTcp   ? "tcp"
                             : protocol == net::protocol::kUdp ? "udp"
                                                               : std::to_string(protocol);
    return name + "/" + std::to_string(port);
}

classify::SetId SetTable::of(std::vector<net::Prefix> prefixes) {
    std::sort(prefixes.begin(), prefixes.end());
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    const classify::SetId next{static_cast<std::uint32_t>(program_.sets.size())};
    const auto [entry, fresh] = by_content_.try_emplace(std::move(prefixes), next);
    if (fresh) program_.sets.push_back({entry->first});
    return entry->second;
}

classify::SetId SetTable::of(const std::string& selector, const std::optional<std::string>& not_selector) {
    std::string key = selectors_.canonical(selector);
    if (not_selector) key += " without " + selectors_.canonical(*not_selector);
    if (const auto known = by_selector_.find(key); known != by_selector_.end()) return known->second;

    const SelectorBook::Matching& in = selectors_.matching(selector);
    const SelectorBook::Matching* out = not_selector ? &selectors_.matching(*not_selector) : nullptr;
    std::vector<net::Prefix> prefixes;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] == 0 || (out != nullptr && (*out)[i] != 0)) continue;
        prefixes.insert(prefixes.end(), population_.named[i].begin(), population_.named[i].end());
    }
    return by_selector_.emplace(std::move(key), of(std::move(prefixes))).first->second;
}

classify::RuleIndex Lowering::append(classify::Rule rule) {
    const classify::RuleIndex next{static_cast<std::uint32_t>(program_.rules.size())};
    program_.rules.push_back(std::move(rule));
    return next;
}

classify::AddressMatch Lowering::addresses(const policy::EntityRule& entity) {
    classify::AddressMatch match;
    if (!entity.nets.empty()) match.in.push_back(sets_.of(entity.nets));
    if (!entity.not_nets.empty()) match.not_in.push_back(sets_.of(entity.not_nets));
    const std::optional<std::string> not_selector =
        restricts(entity.not_selector) ? entity.not_selector : std::optional<std::string>{};
    if (restricts(entity.selector)) {
        match.in.push_back(sets_.of(*entity.selector, not_selector));
    } else if (not_selector) {
        match.not_in.push_back(sets_.of(*not_selector, std::nullopt));  // addresses that nobody declared match
    }
    return match;
}

std::string Lowering::content(const policy::EntityRule& entity) const {
    const auto selector = [this](const std::optional<std::string>& text) {
        return restricts(text) ? selectors_.canonical(*text) : std::string();
    };
    return text_of(entity.nets) + ";" + text_of(entity.not_nets) + ";" + selector(entity.selector) + ";" +
           selector(entity.not_selector) + ";" + text_of(entity.ports) + ";" + text_of(entity.not_ports);
}

std::string Lowering::content(const policy::Rule& rule) const {
    std::string text(name(rule.action));
    text += rule.ip_version ? (*rule.ip_version == net::Family::kIPv4 ? ";4;" : ";6;") : ";any;";
    text += text_of(rule.protocol) + ";" + text_of(rule.not_protocol) + ";";
    text += text_of(rule.icmp) + ";" + text_of(rule.not_icmp);
    return text + "\nfrom " + content(rule.source) + "\nto " + content(rule.destination);
}

HitId Lowering::describe(const Participant& participant, Direction direction, bool forward, std::size_t rule_index,
                         std::map<std::string, std::size_t>& seen) {
    const policy::Rule& rule = rules_of(participant, direction)[rule_index];
    std::string print = fingerprint(content(rule));
    const std::size_t occurrence = seen[print]++;
    return hits_.rule({.policy = participant.ref,
                       .direction = direction,
                       .forward = forward,
                       .index = static_cast<int>(rule_index),
                       .action = rule.action,
                       .content = std::move(print),
                       .occurrence = occurrence});
}

void Lowering::describe(const Participant& participant, Direction direction, bool forward) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < rules_of(participant, direction).size(); ++i)
        describe(participant, direction, forward, i, seen);
}

std::vector<classify::RuleIndex> Lowering::rules(const Participant& participant, Direction direction, bool forward) {
    const std::vector<policy::Rule>& written = rules_of(participant, direction);
    std::map<std::string, std::size_t> seen;
    std::vector<classify::RuleIndex> lowered;
    for (std::size_t i = 0; i < written.size(); ++i) {
        const HitId hit = describe(participant, direction, forward, i, seen);
        std::optional<classify::ServiceMatch> service = lower_service(written[i]);
        if (!service) continue;
        lowered.push_back(append({.source = addresses(written[i].source),
                                  .destination = addresses(written[i].destination),
                                  .service = std::move(*service),
                                  .action = written[i].action,
                                  .hit = hit}));
    }
    return lowered;
}

classify::RuleIndex Lowering::always_open(std::uint8_t protocol, std::uint16_t port, std::vector<net::Prefix> to,
                                          std::vector<net::Prefix> from, HitId hit) {
    classify::Rule rule;
    if (!to.empty()) rule.destination.in.push_back(sets_.of(std::move(to)));
    if (!from.empty()) rule.source.in.push_back(sets_.of(std::move(from)));
    rule.service.protocol = protocol;
    rule.service.destination_ports = {{port, port}};
    rule.action = Action::kAllow;
    rule.hit = hit;
    return append(std::move(rule));
}

classify::RuleIndex Lowering::every(Action action, HitId hit) {
    classify::Rule rule;
    rule.action = action;
    rule.hit = hit;
    return append(std::move(rule));
}

}  // namespace drywall::ruleset
