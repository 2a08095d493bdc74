#include "random_layer7.h"

#include <array>
#include <variant>

namespace drywall::test {
namespace {

const std::vector<std::string> kPaths{"/", "/a", "/a/", "/a/b", "/ab", "/b"};
const std::vector<std::string> kTargets{"/",       "/a",       "/a/",    "/a/b?q=1",         "/ab",
                                        "/b/../a", "/%61/b",   "//a//b", "/a;v=1/b",         "/a/%2e%2e/b",
                                        "*",       "/a/%zz",   "/a%2fb", "http://h/a/b",     "http://h",
                                        "/a\\b",   "/a/..;/b", "h:443",  "/a/b/c/../../../b"};
const std::vector<std::string> kMethods{"GET", "POST", "get", "*"};
const std::vector<std::string> kDomains{"a.example", "*.a.example", "b.example", "*.example"};
const std::vector<std::string> kNames{"a.example", "x.a.example", "A.Example.", "b.example", "example", "c.test"};

bool restricts_addresses(const policy::EntityRule& side) {
    return !side.nets.empty() || !side.not_nets.empty() || side.selector || side.not_selector ||
           side.namespace_selector || side.service_accounts || side.services;
}

policy::HttpMatch random_http(Dice& dice) {
    policy::HttpMatch match;
    if (dice.chance(60)) match.methods.push_back(dice.one_of(kMethods));
    if (dice.chance(20)) match.methods.push_back("PUT");
    if (dice.chance(80)) match.paths.push_back({.prefix = dice.chance(60), .path = dice.one_of(kPaths)});
    if (dice.chance(20)) match.paths.push_back({.prefix = dice.chance(60), .path = dice.one_of(kPaths)});
    return match;
}

void add_to_rules(Dice& dice, std::vector<policy::Rule>& rules, Direction direction) {
    for (policy::Rule& rule : rules) {
        if (rule.action != Action::kAllow || !dice.chance(80)) continue;
        const bool could_be_tcp = (!rule.protocol || *rule.protocol == net::protocol::kTcp) && !rule.icmp;
        if (direction == Direction::kIngress && could_be_tcp) rule.http = random_http(dice);
        if (direction == Direction::kEgress && !restricts_addresses(rule.destination))
            rule.destination.domains.push_back(dice.one_of(kDomains));
    }
}

}  // namespace

void add_conditions(Dice& dice, policy::Policy& policy) {
    if (policy.do_not_track) return;
    add_to_rules(dice, policy.ingress, Direction::kIngress);
    add_to_rules(dice, policy.egress, Direction::kEgress);
}

Scene random_layer7_scene(std::uint64_t seed) {
    Scene scene = random_scene(seed);
    Dice dice(seed + 77);
    constexpr std::array kEvidence{policy::DomainEvidence::kAddress, policy::DomainEvidence::kAddressAndSni,
                                   policy::DomainEvidence::kAddressOrSni};
    scene.surroundings.domains.evidence = kEvidence[dice.below(kEvidence.size())];
    scene.surroundings.domains.missing_sni = dice.chance(50) ? Verdict::kAllow : Verdict::kDeny;
    scene.surroundings.domains.ech = dice.chance(50) ? Verdict::kAllow : Verdict::kDeny;
    for (auto& [id, resource] : scene.inventory) {
        policy::Resource changed = *resource;
        if (auto* policy = std::get_if<policy::Policy>(&changed)) add_conditions(dice, *policy);
        if (auto* set = std::get_if<policy::NetworkSet>(&changed); set != nullptr && dice.chance(60))
            set->allowed_egress_domains.push_back(dice.one_of(kDomains));
        resource = std::make_shared<const policy::Resource>(std::move(changed));
    }
    return scene;
}

reference::ConnectionFacts random_facts(Dice& dice) {
    reference::ConnectionFacts facts;
    if (dice.chance(75))
        facts.http = reference::HttpRequest{.method = dice.one_of(kMethods), .target = dice.one_of(kTargets)};
    if (dice.chance(60)) facts.names.push_back(dice.one_of(kNames));
    if (dice.chance(30)) facts.names.push_back(dice.one_of(kNames));
    if (dice.chance(50))
        facts.tls = reference::TlsHello{.server_name = dice.chance(80) ? dice.one_of(kNames) : std::string(),
                                        .encrypted = dice.chance(15)};
    return facts;
}

std::string text(const reference::ConnectionFacts& facts) {
    std::string text;
    if (facts.http) text += "request " + facts.http->method + " " + facts.http->target + "\n";
    for (const std::string& name : facts.names) text += "known as " + name + "\n";
    if (facts.tls) text += "greeting '" + facts.tls->server_name + (facts.tls->encrypted ? "' (ECH)\n" : "'\n");
    return text;
}

}  // namespace drywall::test
