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

std::optional<classify::IcmpMatch> lower_icmp(const std::optional<policy::Icmp>& icmp) {
    if (!icmp) return std::nullopt;
    return classify::IcmpMatch{.type = icmp->type, .code = icmp->code};
}

std::string text_of(std::vector<net::Prefix> nets) {
    std::sort(nets.begin(), nets.end());
    std::string text;
    for (const net::Prefix& net : nets) text += net.text() + " ";
    return text;
}

std::string text_of(const std::vector<policy::PortRange>& ports, const std::vector<std::string>& names) {
    std::string text;
    for (const policy::PortRange& range : ports)
        text += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
    for (const std::string& name : names) text += name + " ";
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

const std::string& namespace_of(const policy::ServiceMatch& service, const policy::Policy& policy) {
    return service.ns.empty() ? policy.metadata.ns : service.ns;
}

bool restricts_nothing(const classify::AddressMatch& match) { return match.in.empty() && match.not_in.empty(); }

bool matches_everything(const classify::Rule& rule) {
    return !classify::is_conditional(rule.hit) && restricts_nothing(rule.source) &&
           restricts_nothing(rule.destination) && rule.service == classify::ServiceMatch{};
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
    return service;
}

std::string service_text(std::uint8_t protocol, std::uint16_t port) {
    const std::string name = protocol == net::protocol::kTcp   ? "tcp"
                             : protocol == net::protocol::kUdp ? "udp"
                                                               : std::to_string(protocol);
    return name + "/" + std::to_string(port);
}

classify::RuleIndex Lowering::append(classify::Rule rule) {
    const classify::RuleIndex next{static_cast<std::uint32_t>(program_.rules.size())};
    program_.rules.push_back(std::move(rule));
    return next;
}

std::vector<Condition> Lowering::service(const policy::ServiceMatch& service, Side side, const policy::Policy& policy,
                                         const ProtocolLimits& limits) {
    const std::string& ns = namespace_of(service, policy);
    if (side == Side::kDestination) return answering(sets_.backends(ns, service.name), limits);
    return {Condition{
        .protocol = {}, .ports = {}, .not_ports = {}, .in = sets_.addresses_of(ns, service.name), .not_in = {}}};
}

Lowering::Alternatives Lowering::alternatives(const policy::Rule& rule, Side side, const policy::Policy& policy,
                                              Found found, classify::AddressMatch& address) {
    const policy::EntityRule& entity = side == Side::kSource ? rule.source : rule.destination;
    const ProtocolLimits limits{.protocol = rule.protocol, .not_protocol = rule.not_protocol};
    if (!entity.nets.empty()) address.in.push_back(sets_.of(entity.nets));
    if (!entity.not_nets.empty()) address.not_in.push_back(sets_.of(entity.not_nets));

    const policy::EntityScope scope = policy::effective_scope(entity, policy);
    const SelectorBook::Selected* within = scope.in ? &selectors_[*scope.in] : nullptr;
    if (scope.not_in) address.not_in.push_back(sets_.of(selectors_[*scope.not_in]));  // unknown addresses match

    std::vector<Condition> ports = any_of(entity, sets_.declared(entity.named_ports, within), limits);
    if (within != nullptr && found == Found::kByAddress)
        for (Condition& condition : ports)
            if (!condition.in) condition.in = sets_.of(*within);  // who declares a port is within already
    Alternatives all{std::move(ports), none_of(entity, sets_.declared(entity.not_named_ports, within), limits)};
    if (entity.services) all.push_back(service(*entity.services, side, policy, limits));
    return all;
}

void Lowering::lower(const policy::Rule& rule, const policy::Policy& policy, Direction direction, HitId hit,
                     std::vector<classify::RuleIndex>& lowered) {
    std::optional<classify::ServiceMatch> service = lower_service(rule);
    if (!service) return;
    classify::Rule base;
    base.service = std::move(*service);
    base.action = rule.action;
    base.hit = hit;
    const auto conditional = [&](inspect::ConditionId condition) {
        base.action = Action::kLog;
        base.hit = classify::conditional(hit);
        hits_.add_condition(hit, condition);
    };
    if (rule.http) {
        base.service.protocol = net::protocol::kTcp;  // nothing else carries requests that can be read
        conditional(conditions_.add(*rule.http));
    }
    if (!rule.destination.domains.empty()) conditional(conditions_.add(rule.destination.domains));
    lower_addresses(rule, policy, Found::kByAddress, base, lowered);

    const std::vector<std::string> names = allowed_names(rule, policy, direction);
    if (names.empty()) return;
    conditional(conditions_.add(names));
    lower_addresses(rule, policy, Found::kByName, std::move(base), lowered);
}

std::vector<std::string> Lowering::allowed_names(const policy::Rule& rule, const policy::Policy& policy,
                                                 Direction direction) {
    std::vector<std::string> names;
    if (direction != Direction::kEgress || rule.action != Action::kAllow) return names;
    const policy::EntityScope scope = policy::effective_scope(rule.destination, policy);
    if (!scope.in) return names;
    for (const LabelsId labels : selectors_[*scope.in].labels) {
        const std::vector<std::string>& of_set = population_.domains[index(labels)];
        names.insert(names.end(), of_set.begin(), of_set.end());
    }
    return names;
}

void Lowering::lower_addresses(const policy::Rule& rule, const policy::Policy& policy, Found found, classify::Rule base,
                               std::vector<classify::RuleIndex>& lowered) {
    const Alternatives from = alternatives(rule, Side::kSource, policy, Found::kByAddress, base.source);
    const Alternatives to = alternatives(rule, Side::kDestination, policy, found, base.destination);
    std::vector<classify::Rule> partial{std::move(base)};
    const auto join_all = [&partial](const Alternatives& all, Side side) {
        for (const std::vector<Condition>& conditions : all) {
            std::vector<classify::Rule> joined;
            for (const classify::Rule& each : partial)
                for (const Condition& condition : conditions)
                    if (classify::Rule both = each; join(condition, side, both)) joined.push_back(std::move(both));
            partial = std::move(joined);
        }
    };
    join_all(from, Side::kSource);
    join_all(to, Side::kDestination);
    for (classify::Rule& each : partial) lowered.push_back(append(std::move(each)));
}

std::string Lowering::content(const policy::EntityRule& entity, const policy::Policy& policy) {
    const policy::EntityScope scope = policy::effective_scope(entity, policy);
    const auto selector = [this](const std::optional<std::string>& text) {
        return text ? selectors_[*text].canonical : std::string();
    };
    std::string text = text_of(entity.nets) + ";" + text_of(entity.not_nets) + ";" + selector(scope.in) + ";" +
                       selector(scope.not_in) + ";" + text_of(entity.ports, entity.named_ports) + ";" +
                       text_of(entity.not_ports, entity.not_named_ports);
    if (entity.services) text += ";" + namespace_of(*entity.services, policy) + "/" + entity.services->name;
    std::vector<std::string> domains = entity.domains;
    std::sort(domains.begin(), domains.end());
    for (const std::string& domain : domains) text += ";" + domain;
    return text;
}

std::string Lowering::content(const policy::Rule& rule, const policy::Policy& policy) {
    std::string text(name(rule.action));
    text += rule.ip_version ? (*rule.ip_version == net::Family::kIPv4 ? ";4;" : ";6;") : ";any;";
    text += text_of(rule.protocol) + ";" + text_of(rule.not_protocol) + ";";
    text += text_of(rule.icmp) + ";" + text_of(rule.not_icmp);
    if (rule.http) text += "\n" + text_of(*rule.http);
    return text + "\nfrom " + content(rule.source, policy) + "\nto " + content(rule.destination, policy);
}

HitId Lowering::describe(const Participant& participant, Direction direction, bool forward, std::size_t rule_index,
                         std::map<std::string, std::size_t>& seen) {
    const policy::Rule& rule = rules_of(participant, direction)[rule_index];
    std::string print = fingerprint(content(rule, *participant.policy));
    const std::size_t occurrence = seen[print]++;
    return hits_.rule({.policy = participant.ref,
                       .direction = direction,
                       .forward = forward,
                       .chain = participant.chain(),
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
        lower(written[i], *participant.policy, direction, hit, lowered);
    }
    return lowered;
}

LoweredProfiles Lowering::profiles(const std::vector<std::string>& names, Direction direction) {
    static const policy::Policy scope;  // rules of a profile are scoped as those of a global policy
    LoweredProfiles lowered{.rules = {}, .otherwise = Verdict::kDeny, .otherwise_hit = hits_.no_profile(direction)};
    for (const std::string& name : names) {
        const auto profile = view_.profiles.find(name);
        if (profile == view_.profiles.end()) return lowered;
        const auto& rules = direction == Direction::kIngress ? profile->second->ingress : profile->second->egress;
        std::map<std::string, std::size_t> seen;
        for (std::size_t i = 0; i < rules.size(); ++i) {
            const Action action = rules[i].action;
            if (action != Action::kAllow && action != Action::kDeny) continue;  // they lead nowhere in a profile
            std::string print = fingerprint(content(rules[i], scope));
            const std::size_t occurrence = seen[print]++;
            const HitId hit = hits_.profile({.profile = name,
                                             .direction = direction,
                                             .index = static_cast<int>(i),
                                             .action = action,
                                             .content = std::move(print),
                                             .occurrence = occurrence});
            const std::size_t before = lowered.rules.size();
            lower(rules[i], scope, direction, hit, lowered.rules);
            if (lowered.rules.size() == before || !matches_everything(program_.rules[index(lowered.rules.back())]))
                continue;
            lowered.rules.pop_back();
            lowered.otherwise = action == Action::kAllow ? Verdict::kAllow : Verdict::kDeny;
            lowered.otherwise_hit = hit;
            return lowered;
        }
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

classify::Rule Lowering::failsafe(const policy::FailsafePort& port, Direction direction) {
    classify::Rule rule;
    classify::AddressMatch& peer = direction == Direction::kIngress ? rule.source : rule.destination;
    if (port.net) peer.in.push_back(sets_.of({*port.net}));
    rule.service.protocol = port.protocol;
    return rule;
}

classify::RuleIndex Lowering::open_failsafe(const policy::FailsafePort& port, Direction direction, HitId hit) {
    classify::Rule rule = failsafe(port, direction);
    rule.service.destination_ports = {{port.port, port.port}};
    rule.action = Action::kAllow;
    rule.hit = hit;
    return append(std::move(rule));
}

classify::RuleIndex Lowering::skip_failsafe(const policy::FailsafePort& port, Direction direction) {
    classify::Rule rule = failsafe(port, direction);
    rule.service.destination_ports = {{port.port, port.port}};
    rule.action = Action::kPass;
    rule.hit = classify::kNoHit;
    return append(std::move(rule));
}

classify::RuleIndex Lowering::skip_failsafe_reply(const policy::FailsafePort& port, Direction direction) {
    classify::Rule rule = failsafe(port, direction);
    rule.service.source_ports = {{port.port, port.port}};
    rule.action = Action::kPass;
    rule.hit = classify::kNoHit;
    return append(std::move(rule));
}

}  // namespace drywall::ruleset
