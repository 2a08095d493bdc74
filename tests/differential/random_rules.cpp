// Random rules: every field of the grammar, in the combinations that validation accepts.
#include <array>

#include "random_parts.h"

namespace drywall::test {
namespace {

using net::Family;

const std::vector<std::string> kSelectors{"all()",
                                          "app == 'a'",
                                          "app == 'b'",
                                          "app != 'a'",
                                          "has(role)",
                                          "!has(role)",
                                          "role in {'x', 'y'} && app == 'c'",
                                          "role not in {'x'}",
                                          "role == 'x' || app == 'b'",
                                          "!(app == 'a' && has(role))",
                                          "env == 'p'",
                                          "app starts with 'a' || role contains ''",
                                          "projectcalico.org/namespace == 'prod'",
                                          "has(projectcalico.org/orchestrator)",
                                          "none == 'such'"};
const std::vector<std::string> kNamespaceSelectors{"all()",
                                                   "env == 'p'",
                                                   "env != 'p'",
                                                   "has(env)",
                                                   "!has(env)",
                                                   "projectcalico.org/name == 'prod'",
                                                   "kubernetes.io/metadata.name in {'dev', 'test'}"};
const std::vector<std::string> kNets4{"10.0.0.0/30", "10.0.0.0/24", "10.0.0.4/31", "10.0.0.3/32", "0.0.0.0/1",
                                      "128.0.0.0/1", "10.0.0.0/8",  "10.0.1.0/30", "192.0.2.0/25"};
const std::vector<std::string> kNets6{"2001:db8::/126", "2001:db8::/32", "::/1",
                                      "8000::/1",       "::ffff:0:0/96", "::ffff:10.0.0.0/126",
                                      "a00::/8",        "::/96",         "2001:db8::2/128"};

// The families of a rule's CIDRs must be one, and go with its ipVersion.
std::optional<Family> family_of(const policy::Rule& rule) {
    if (rule.ip_version) return rule.ip_version;
    for (const policy::EntityRule* side : {&rule.source, &rule.destination})
        for (const auto* nets : {&side->nets, &side->not_nets})
            if (!nets->empty()) return nets->front().address.family;
    return std::nullopt;
}

void fill_protocol(Dice& dice, policy::Rule& rule) {
    const auto rolled = dice.below(100);
    if (rolled < 45)
        rule.protocol = dice.pick<std::uint8_t>({6, 6, 6, 17, 17, 132});
    else if (rolled < 60)
        rule.protocol = dice.pick<std::uint8_t>({1, 1, 58});
    else if (rolled < 65)
        rule.protocol = dice.pick<std::uint8_t>({47, 136, 255});
    if (dice.chance(8)) rule.not_protocol = dice.pick<std::uint8_t>({6, 17, 132, 47});
}

policy::Icmp random_icmp(Dice& dice) {
    policy::Icmp icmp;
    icmp.type = dice.pick<std::uint8_t>({0, 3, 8, 128, 254});
    if (dice.chance(50)) icmp.code = dice.pick<std::uint8_t>({0, 1, 255});
    return icmp;
}

void fill_icmp(Dice& dice, policy::Rule& rule) {
    const bool icmp = rule.protocol && net::is_icmp(*rule.protocol);
    if (icmp && dice.chance(60)) rule.icmp = random_icmp(dice);
    if (dice.chance(icmp ? 30 : 6)) rule.not_icmp = random_icmp(dice);
}

void fill_family(Dice& dice, policy::Rule& rule) {
    const bool no_v6 = rule.protocol == net::protocol::kIcmp;
    const bool no_v4 = rule.protocol == net::protocol::kIcmpv6;
    if (!dice.chance(12)) return;
    rule.ip_version = no_v4 || (!no_v6 && dice.chance(40)) ? Family::kIPv6 : Family::kIPv4;
}

void fill_nets(Dice& dice, Family family, policy::EntityRule& side) {
    if (dice.chance(18)) side.nets.push_back(random_net(dice, family, true));
    if (dice.chance(8)) side.nets.push_back(random_net(dice, family, false));
    if (dice.chance(10)) side.not_nets.push_back(random_net(dice, family, false));
}

void fill_selectors(Dice& dice, policy::EntityRule& side) {
    if (dice.chance(30)) side.selector = dice.chance(5) ? " " : random_selector(dice);
    if (dice.chance(15)) side.not_selector = random_selector(dice);
    if (dice.chance(20)) side.namespace_selector = dice.chance(20) ? "global()" : dice.one_of(kNamespaceSelectors);
    if (!dice.chance(8)) return;
    policy::ServiceAccountMatch accounts;
    if (dice.chance(60)) accounts.names.push_back(dice.one_of(words::kAccounts));
    if (accounts.names.empty() || dice.chance(30)) accounts.selector = random_selector(dice);
    side.service_accounts = accounts;
}

// Numbers need a protocol that has ports; names need it, or none at all.
void fill_ports(Dice& dice, const policy::Rule& rule, bool likely, policy::EntityRule& side) {
    const bool numbers = rule.protocol && net::has_ports(*rule.protocol);
    if (rule.protocol && !numbers) return;
    const std::size_t often = likely ? 55 : 12;
    if (numbers && dice.chance(often)) side.ports.push_back(random_ports(dice));
    if (numbers && dice.chance(often / 4)) side.ports.push_back(random_ports(dice));
    if (numbers && dice.chance(often / 5)) side.not_ports.push_back(random_ports(dice));
    if (dice.chance(often / 3)) side.named_ports.push_back(dice.one_of(words::kPortNames));
    if (dice.chance(often / 6)) side.not_named_ports.push_back(dice.one_of(words::kPortNames));
}

// A service stands where its backends are: the destination of egress, the source of ingress.
bool fill_service(Dice& dice, const RuleSpot& spot, policy::Rule& rule) {
    if (spot.profile || !dice.chance(8)) return false;
    policy::ServiceMatch service{.name = dice.one_of(words::kServices), .ns = dice.one_of(words::kNamespaces)};
    if (spot.namespaced && dice.chance(50)) service.ns.clear();
    (spot.direction == Direction::kEgress ? rule.destination : rule.source).services = service;
    return true;
}

void fill_side(Dice& dice, const policy::Rule& rule, Family family, bool is_destination, policy::EntityRule& side) {
    if (!side.services) {
        fill_nets(dice, family, side);
        fill_selectors(dice, side);
    }
    if (!side.services || !is_destination) fill_ports(dice, rule, is_destination, side);
}

}  // namespace

std::string random_selector(Dice& dice) { return dice.one_of(kSelectors); }

net::Prefix random_net(Dice& dice, Family family, bool catch_all) {
    if (catch_all && dice.chance(10)) return prefix_of(family == Family::kIPv4 ? "0.0.0.0/0" : "::/0");
    return prefix_of(family == Family::kIPv4 ? dice.one_of(kNets4) : dice.one_of(kNets6));
}

policy::PortRange random_ports(Dice& dice) {
    return dice.pick<policy::PortRange>(
        {{80, 80}, {80, 81}, {443, 443}, {53, 53}, {1, 1023}, {22, 80}, {8000, 9000}, {1, 65535}, {65535, 65535}});
}

policy::Rule random_rule(Dice& dice, const RuleSpot& spot) {
    policy::Rule rule;
    rule.action = spot.profile ? dice.pick({Action::kAllow, Action::kAllow, Action::kDeny, Action::kLog, Action::kPass})
                               : dice.pick({Action::kAllow, Action::kAllow, Action::kAllow, Action::kDeny,
                                            Action::kDeny, Action::kPass, Action::kPass, Action::kLog});
    fill_protocol(dice, rule);
    fill_icmp(dice, rule);
    fill_family(dice, rule);
    fill_service(dice, spot, rule);
    const Family family = family_of(rule).value_or(dice.chance(35) ? Family::kIPv6 : Family::kIPv4);
    fill_side(dice, rule, family, false, rule.source);
    fill_side(dice, rule, family, true, rule.destination);
    if (dice.chance(5)) rule.annotations["name"] = "a rule";
    return rule;
}

}  // namespace drywall::test
